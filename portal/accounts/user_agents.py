"""What a session is held by, in words, from the browser's own description (pure). It is a hint for its owner only."""

LONGEST = 300
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "a Python program"),
    ("aiohttp", "a Python program"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_words(agent: str | None) -> str:
    """For example `Firefox on Windows`; the browser alone, or "an unknown program", if that is all that is told."""
    if not agent:
        return "an unknown program"
    browser = next((words for mark, words in _BROWSERS if mark.lower() in agent.lower()), "an unknown program")
    system = next((words for mark, words in _SYSTEMS if mark in agent), None)
    return browser if system is None else f"{browser} on {system}"
