"""Single fields of the forms of people and companies: what each may hold, and its fault in words (pure)."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

from gateway.errors import BadIdentifier, BadInput
from gateway.identifiers import Duns
from portal.mail.letters import check_address

MOST_TEXT = 400
"""No field of a form is longer, whatever it is; what each may hold is less."""
MOST_COMMENT = 2000

_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{5,22}[0-9](?: ?x ?[0-9]{1,6})?")
_ZIP = re.compile(r"[0-9]{5}(?:-[0-9]{4})?")
_OTHER_ZIP = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{1,8}[A-Za-z0-9]")


def _plain(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


def _written(text: str) -> str:
    if not text.replace("\r\n", "\n").replace("\n", "").replace("\t", "").isprintable():
        raise ValueError("control characters are not allowed")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_TEXT), AfterValidator(_plain)]
"""One line of a form, without the blanks around it."""
Comment = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_COMMENT), AfterValidator(_written)]
"""What somebody writes to somebody else: lines of text."""


def needed(value: str, most: int, words: str) -> str | None:
    """The fault of a required text."""
    return f"Enter {words}." if not value else optional(value, most)


def optional(value: str, most: int) -> str | None:
    """The fault of a text that may be left out."""
    return f"Enter at most {most} characters." if len(value) > most else None


def email_fault(value: str, again: str | None) -> tuple[str | None, str | None]:
    """The faults of an e-mail address and of its second entry; again is None where none is asked for (CPR-02)."""
    if not value:
        return "Enter an email address.", None
    try:
        check_address(value)
    except BadInput:
        return "Enter an email address such as desk@retailer.example.", None
    if "." not in value.partition("@")[2]:
        return "Enter an email address such as desk@retailer.example.", None
    if again is not None and again != value:
        return None, "Enter the same email address again: the two are not exactly the same."
    return None, None


def phone_fault(value: str, *, required: bool) -> str | None:
    """The fault of a telephone number."""
    if not value:
        return "Enter a phone number." if required else None
    if _PHONE.fullmatch(value):
        return None
    return "Enter a phone number such as 512-555-0100 or +1 512 555 0100 x 12."


def zip_fault(value: str, *, american: bool) -> str | None:
    """The fault of a ZIP code, or of another country's postal code."""
    if not value:
        return "Enter a ZIP code."
    if american:
        return None if _ZIP.fullmatch(value) else "Enter a ZIP code of five digits, or of nine as 78701-1234."
    return None if _OTHER_ZIP.fullmatch(value) else "Enter a postal code of 3 to 10 letters and digits."


def url_fault(value: str) -> str | None:
    """The fault of a web address. It is shown and linked, never fetched."""
    if not value:
        return None
    words = "Enter a web address that begins with https:// or http://, such as https://www.retailer.example."
    try:
        parts = urlsplit(value)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return words
    fine = parts.scheme in ("http", "https") and host and not parts.username and not re.search(r"[\s\"'<>\\]", value)
    return optional(value, 300) if fine else words


def read_duns(values: list[str]) -> tuple[list[Duns], str | None]:
    """DUNS numbers as they were entered, blanks and repeats left out, and their fault (REG-14)."""
    found: list[Duns] = []
    for text in filter(None, (value.strip() for value in values)):
        try:
            number = Duns(text)
        except BadIdentifier:
            return found, f"{text[:20]} is not a DUNS number: enter 9 or 13 digits."
        if number not in found:
            found.append(number)
    return found, None
