"""Handing a mail to a mail server over SMTP: it took it, it may take it later, or it never will."""

import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import aiosmtplib

from gateway.errors import BadConfig
from portal.mail.letters import check_address
from portal.mail.settings import MailSettings, Protection

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
MOST_REPLY = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """The mail was not taken: why in words without secrets, and whether trying again is of no use."""

    words: str
    final: bool = False


class Transport(Protocol):
    """What takes a mail on its way."""

    async def send(self, mail: bytes, recipient: str) -> Undelivered | None:
        """Hand over a mail; None if it was taken, which makes it the server's to deliver."""
        ...


class SmtpTransport:
    """A mail server by its settings, a connection for each mail. Raises BadConfig for settings that are unsafe."""

    def __init__(self, settings: MailSettings) -> None:
        assert settings.host is not None, "without a host nothing is sent"
        self._settings = settings
        self._host = settings.host
        if settings.protection is Protection.NONE and settings.username and settings.host not in LOOPBACK:
            raise BadConfig("portal.mail: a password is not sent without protection; use starttls or tls")
        self._sender = check_address(settings.sender)
        self._password = settings.password.reveal() if settings.password else None
        self._trust = None
        if settings.protection is not Protection.NONE:
            try:
                self._trust = ssl.create_default_context(cafile=settings.ca_file)
            except OSError as error:
                raise BadConfig(f"portal.mail: {settings.ca_file} cannot be used: {error}") from None

    async def send(self, mail: bytes, recipient: str) -> Undelivered | None:
        """Connect, sign in if there is a user name, hand over, and leave."""
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=settings.port,
            # Not the machine's own name: asking for that may ask a name server, and tells what nobody needs to know.
            local_hostname=self._sender.partition("@")[2],
            timeout=settings.timeout_s,
            use_tls=settings.protection is Protection.TLS,
            start_tls=settings.protection is Protection.STARTTLS,
            tls_context=self._trust,
        )
        try:
            await client.connect()
            if settings.username is not None:
                await client.login(settings.username, self._password or "")
            await client.sendmail(self._sender, recipient, mail)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            return undelivered(error)
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit()
        client.close()
        return None


def undelivered(error: Exception) -> Undelivered:
    """What a failure means for a letter. Only the server's word about this mail is final: a fault may pass."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    # What a server answers to a password is not repeated: nobody knows what it quotes.
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Undelivered(words=f"the mail server refused the user name or the password ({error.code})")
    if isinstance(error, aiosmtplib.SMTPTimeoutError | TimeoutError):
        return Undelivered(words="the mail server did not answer in time")
    about_this = aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPDataError
    if isinstance(error, aiosmtplib.SMTPResponseException):
        final = isinstance(error, about_this) and 500 <= error.code < 600
        return Undelivered(words=f"the mail server said {error.code} {_plain(error.message)}".rstrip(), final=final)
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return Undelivered(words="the mail server does not offer what is asked of it (STARTTLS, sign-in)")
    if isinstance(error, ssl.SSLError):
        return Undelivered(words=f"the mail server's TLS cannot be trusted: {_plain(error.reason or str(error))}")
    return Undelivered(words=f"the mail server cannot be reached: {_plain(str(error)) or type(error).__name__}")


def _plain(words: str) -> str:
    """A server's words on one line, not too long: they come from outside."""
    return "".join(each if each.isprintable() else " " for each in words)[:MOST_REPLY].strip(" :")
