"""Which passwords guessers try first (pure, offline): a published list of 30,000, and what is made like them.

The list is zxcvbn's. Nearly all that is on it is made of well-known words, rows of keys, dates and repeats, and a rule
also knows what nobody has listed yet, as long passwords mostly are: what is left after the obvious parts were taken
away must be more than a quarter of it.
"""

import re
from functools import cache

WORDS = """
password passwort passwd contrasena secret letmein welcome bienvenido admin administrator login master user
guest default changeme change temporary temp test testing demo hello monkey dragon football baseball basketball
soccer hockey shadow sunshine princess superman batman starwars pokemon iloveyou iloveu love loveme trustno
flower summer winter spring autumn monday tuesday wednesday thursday friday saturday sunday january february
march april june july august september october november december money freedom whatever computer internet access
killer jordan michael michelle jennifer jessica charlie daniel thomas andrew joshua ashley matthew robert
anthony ginger pepper cookie cheese chocolate banana orange purple yellow silver golden hunter ranger buster
tigger harley mustang corvette ferrari porsche yankees cowboys lakers eagles steelers texans astros rangers
mavericks longhorns texas lonestar houston dallas austin antonio elpaso america usa energy power electric
electricity meter smart smartmeter smartmetertexas metergate retail retailer utility oncor centerpoint ercot
puct portal company correct horse battery staple mother father family friend forever angel baby blessed jesus
christ heaven god abcdef abcd abc qwerty qwertz azerty asdf zxcv qazwsx pass word pwd my is the me you we and
for in one two new
""".split()  # noqa: SIM905  # one word a line would hide the rest
ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop")
_LEET = str.maketrans("4310$5@7!|", "aeiossatil")
_WORD = re.compile("|".join(sorted(WORDS, key=len, reverse=True)))
_DATE = re.compile(r"(?:19|20)\d\d|\d{1,4}")
_REPEAT = re.compile(r"(.{1,6}?)\1+")
_SIGNS = re.compile(r"[\W_]+")
SHORTEST_RUN = 3


def is_well_known(password: str) -> bool:
    """Whether it is listed, or hardly anything of it is its own: of "Summer2026!!Password" nothing is."""
    plain = password.casefold()
    return plain in _listed() or any(_own(form) * 4 <= len(plain) for form in {plain, plain.translate(_LEET)})


@cache
def _listed() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # half a second, for those who set a password

    return frozenset(FREQUENCY_LISTS["passwords"])


def _own(text: str) -> int:
    """How many characters are left without well-known words, rows, dates, signs and repeats."""
    # Signs split words as well as join them: without them first, and with them, finds both.
    left = [_without_rows(_WORD.sub(" ", form)) for form in (text, _SIGNS.sub("", text))]
    return min(len(_REPEAT.sub(r"\1", _DATE.sub("", _SIGNS.sub("", form)))) for form in left)


def _without_rows(text: str) -> str:
    """Without three or more characters that follow each other in the alphabet or on a keyboard, either way."""
    kept, start = [], 0
    while start < len(text):
        end = start + 1
        for row in (*ROWS, *(row[::-1] for row in ROWS)):
            size = 1
            while start + size < len(text) and text[start : start + size + 1] in row:
                size += 1
            end = max(end, start + size)
        if end - start < SHORTEST_RUN:
            kept.append(text[start])
            end = start + 1
        start = end
    return "".join(kept)
