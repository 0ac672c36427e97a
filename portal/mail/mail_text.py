"""A letter as the bytes of a mail: text, HTML beside it, files behind it (pure)."""

from collections.abc import Sequence
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from gateway.errors import BadInput
from portal.mail.letters import Letter


def message_id(letter_id: int, created_at: datetime, sender: str) -> str:
    """The same for every attempt at one letter, so that whoever gets it twice can tell; no letter has another's.

    The number may come again on a database that was emptied; the microsecond in which it was made does not.
    """
    return f"<letter.{letter_id}.{int(created_at.timestamp() * 1_000_000)}@{sender.partition('@')[2]}>"


def mail_bytes(letter: Letter, files: Sequence[bytes], *, sender: str, identity: str, at: datetime) -> bytes:
    """The mail, ready for SMTP; files are the contents of its attachments in their order. Raises BadInput."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = Address("metergate", addr_spec=sender)
        mail["To"] = Address(addr_spec=letter.to)
        mail["Subject"] = letter.subject
        mail["Date"] = format_datetime(at)
        mail["Message-ID"] = identity
        mail["Auto-Submitted"] = "auto-generated"  # so that absence notes are not sent back (RFC 3834)
        mail.set_content(letter.text, cte="quoted-printable")
        if letter.html is not None:
            mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
        for attachment, content in zip(letter.attachments, files, strict=True):
            kind, _, subtype = attachment.media_type.partition("/")
            mail.add_attachment(content, maintype=kind, subtype=subtype, filename=attachment.name)
        return mail.as_bytes()
    except (ValueError, HeaderParseError, UnicodeError) as error:
        raise BadInput(f"the letter cannot be made a mail: {error}") from None
