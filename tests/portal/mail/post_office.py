"""A real mail server on loopback for tests: it answers as told, and remembers what it took."""

import asyncio
import ssl
import warnings
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "metergate", "sent-only-under-tls"


@dataclass(eq=False)  # without slots: aiosmtpd looks at every attribute of its handler, and older 3.11 trip there
class PostOffice:
    """What the server answers, and what became of it; port is where it listens."""

    port: int = 0
    to_data: str = "250 taken"
    to_recipient: str = "250 yes"
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Closed, a mail's data is not answered."""
    mails: list[bytes] = field(default_factory=list)
    at_once: Counter[str] = field(default_factory=Counter)
    """Of each Message-ID, the most that were in the server's hands together."""
    arrived: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """The Message-ID of each mail, as soon as its data is here."""
    _in_hand: Counter[str] = field(default_factory=Counter)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.to_recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        assert isinstance(envelope.content, bytes)
        identity = str(message_from_bytes(envelope.content)["Message-ID"])
        self._in_hand[identity] += 1
        self.at_once[identity] = max(self.at_once[identity], self._in_hand[identity])
        self.arrived.put_nowait(identity)
        try:
            await self.gate.wait()
        finally:
            self._in_hand[identity] -= 1
        if self.to_data.startswith("2"):
            self.mails.append(envelope.content)
        return self.to_data

    @property
    def identities(self) -> list[str]:
        """The Message-IDs of what was taken, in order."""
        return [str(message_from_bytes(mail)["Message-ID"]) for mail in self.mails]


def _authenticated(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@asynccontextmanager
async def post_office(
    trust: ssl.SSLContext | None = None, *, from_start: bool = False, signed_in: bool = False, port: int = 0
) -> AsyncIterator[PostOffice]:
    """Serve while the block lasts: plain, with STARTTLS, or with TLS from the start."""
    office = PostOffice()
    office.gate.set()
    loop = asyncio.get_running_loop()

    def talk() -> SMTP:
        with warnings.catch_warnings():
            # It does not see that TLS from the start is TLS, and warns.
            warnings.simplefilter("ignore")
            return SMTP(
                office,
                hostname="mail.test",
                loop=loop,
                tls_context=None if from_start else trust,
                require_starttls=trust is not None and not from_start,
                auth_required=signed_in,
                auth_require_tls=not from_start,
                authenticator=_authenticated,
            )

    server = await loop.create_server(talk, "127.0.0.1", port, ssl=trust if from_start else None)
    office.port = server.sockets[0].getsockname()[1]
    yield office
    server.close()
    office.gate.set()
    await asyncio.sleep(0)


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """A server that takes connections and never says a word; gives its port."""
    done = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await done.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    done.set()
    server.close()
    await asyncio.sleep(0)
