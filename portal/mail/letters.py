"""A letter before it is mail: whom it goes to, what it says, which files it brings. Checked when it is made (pure).

What a letter is made of becomes lines of mail headers. A line break in one of them would let whoever chose the text
(a company's name in a subject, say) write headers of his own, so none gets in here; `mail_text` checks again.
"""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gateway.errors import BadInput

MOST_SUBJECT = 200
MOST_ADDRESS = 254
MOST_NAME = 150
MOST_ATTACHMENTS = 10

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9][a-z0-9.+-]{0,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a letter; path is relative to portal.files.folder and is read when the letter is sent.

    A file that is gone by then fails the letter, so removing it takes back what has not gone out. Raises BadInput.
    """

    name: str
    media_type: str
    path: str

    def __post_init__(self) -> None:
        if not self.name.isprintable() or "/" in self.name or "\\" in self.name or not 0 < len(self.name) <= MOST_NAME:
            raise BadInput(f"{self.name[:40]!r} is no name for an attachment: one line without slashes")
        if not _MEDIA_TYPE.fullmatch(self.media_type):
            raise BadInput(f"{self.media_type[:40]!r} is not a media type such as text/csv")
        parts = PurePosixPath(self.path).parts
        if not parts or parts[0] == "/" or ".." in parts or not self.path.isprintable():
            raise BadInput("an attachment's path is relative to the folder of files, and stays inside it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter to one address: plain text, the same as HTML if there is any, and files. Raises BadInput."""

    to: str
    subject: str
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        check_address(self.to)
        if not self.subject.isprintable() or not 0 < len(self.subject) <= MOST_SUBJECT:
            raise BadInput(f"a letter's subject is one line of at most {MOST_SUBJECT} characters")
        if len(self.attachments) > MOST_ATTACHMENTS:
            raise BadInput(f"a letter has at most {MOST_ATTACHMENTS} attachments")


def check_address(address: str) -> str:
    """A mail address that can stand in a header and in SMTP's envelope as it is. Raises BadInput."""
    if len(address) > MOST_ADDRESS or not _ADDRESS.fullmatch(address):
        raise BadInput(f"{address[:60]!r} is not a mail address such as desk@retailer.example")
    return address
