"""Text from a gateway in a form that any database, log and page takes (pure)."""


def clean(text: str, limit: int) -> str:
    """Without control characters, cut to a length."""
    return "".join(character if character.isprintable() else " " for character in text[:limit])
