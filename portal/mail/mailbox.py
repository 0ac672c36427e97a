"""The demonstration's mailbox: what is mailed on this machine, kept as files so that a page can show it.

It stands in for the mail program that a demonstration does not have. A mail that comes twice, for its sender died
between the server's word and its own note of it, is known by its Message-ID and kept once.
"""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path

from gateway.errors import BadInput
from portal.files.whole_file import whole_file

UNREADABLE = (MessageError, ValueError, LookupError, TypeError, AttributeError)
"""What the library raises at mails that are not what they claim to be, beside the first, which it means to."""
KEPT = re.compile(r"[0-9a-f]{64}\.eml")
MOST_BYTES = 33_554_432
MAIL_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class MailedFile:
    """A file that came with a mail, as it names itself."""

    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """A mail as it came. key names it in addresses; html is empty if it has none."""

    key: str
    to: str
    sender: str
    subject: str
    at: datetime | None
    text: str
    html: str
    files: tuple[MailedFile, ...]


class Mailbox:
    """The last mails, a file for each in one folder; blocking, so call it beside the event loop."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most

    def keep(self, mail: bytes) -> None:
        """Keep a mail, over itself if it has come before, and drop the oldest above the number. Raises OSError."""
        identity = _identity(mail)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(self._folder, f"{hashlib.sha256(identity).hexdigest()}.eml", MAIL_MODE) as file:
            file.write(mail)
        for path in self._newest_first()[self._most :]:
            path.unlink(missing_ok=True)

    def letters(self) -> Sequence[Mailed]:
        """All that is kept, the newest first. Raises OSError."""
        return [mailed for path in self._newest_first() if (mailed := self.letter(path.stem))]

    def letter(self, key: str) -> Mailed | None:
        """One of them, None if it is not there. Raises OSError."""
        mail = self._mail(key)
        return None if mail is None else _shown(key, mail)

    def file(self, key: str, number: int) -> tuple[MailedFile, bytes] | None:
        """A file that came with a mail, counted from 0, None if there is none. Raises OSError."""
        mail = self._mail(key)
        found = [] if mail is None else [(_file_of(part), _content(part)) for part in _attached(mail)]
        return found[number] if 0 <= number < len(found) else None

    def _mail(self, key: str) -> EmailMessage | None:
        if not KEPT.fullmatch(f"{key}.eml"):
            return None
        with suppress(FileNotFoundError):
            return _parsed((self._folder / f"{key}.eml").read_bytes())
        return None

    def _newest_first(self) -> list[Path]:
        with suppress(FileNotFoundError):
            found = [path for path in self._folder.iterdir() if KEPT.fullmatch(path.name)]
            return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
        return []


def _parsed(mail: bytes) -> EmailMessage:
    found = message_from_bytes(mail, policy=default)
    if not isinstance(found, EmailMessage):
        raise BadInput("a mail of an unknown kind")
    return found


def _identity(mail: bytes) -> bytes:
    """What tells a mail from another: its Message-ID as it stands there, or all of it."""
    found = message_from_bytes(mail).get("Message-ID")
    return str(found).strip().encode("utf-8", "replace") if found else mail


def _shown(key: str, mail: EmailMessage) -> Mailed:
    return Mailed(
        key=key,
        to=_header(mail, "To"),
        sender=_header(mail, "From"),
        subject=_header(mail, "Subject"),
        at=_date(mail),
        text=_body(mail, "plain"),
        html=_body(mail, "html"),
        files=tuple(_file_of(part) for part in _attached(mail)),
    )


def _header(mail: EmailMessage, name: str) -> str:
    """A header on one line of what can be printed; one that cannot be read is empty."""
    try:
        text = "".join(each if each.isprintable() else " " for each in str(mail.get(name, "")))
        return " ".join(text.split())
    except UNREADABLE:
        return ""


def _date(mail: EmailMessage) -> datetime | None:
    with suppress(ValueError, TypeError):
        at = parsedate_to_datetime(_header(mail, "Date"))
        return at if at.tzinfo else None
    return None


def _body(mail: EmailMessage, kind: str) -> str:
    try:
        part = mail.get_body(preferencelist=(kind,))
        return "" if part is None else str(part.get_content())
    except UNREADABLE:
        return ""


def _attached(mail: EmailMessage) -> list[EmailMessage]:
    try:
        return [part for part in mail.iter_attachments() if isinstance(part, EmailMessage)]
    except UNREADABLE:
        return []


def _content(part: EmailMessage) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except UNREADABLE:
        return b""
    return content if isinstance(content, bytes) else b""


def _file_of(part: EmailMessage) -> MailedFile:
    try:
        name, media_type = part.get_filename("file"), part.get_content_type()
    except UNREADABLE:
        name, media_type = "file", "application/octet-stream"
    plain = "".join(each for each in name if each.isprintable() and each not in '/\\"')
    return MailedFile(name=plain[:150] or "file", media_type=media_type, size=len(_content(part)))
