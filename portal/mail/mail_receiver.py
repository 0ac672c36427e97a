"""The demonstration's mail server: SMTP on loopback, on the portal's own event loop, into the mailbox."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.errors import BadConfig
from portal.mail.mailbox import MOST_BYTES, Mailbox

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
IDLE_S = 60.0


class Receiver:
    """What aiosmtpd asks about each mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        """Keep a mail; the answer is sent once it is on the disk."""
        mail = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._mailbox.keep, mail)
        except OSError as error:
            log.warning("a mail could not be kept: %s", error.strerror)
            return "452 it could not be kept"
        return "250 kept"


@asynccontextmanager
async def receiving(mailbox: Mailbox, port: int) -> AsyncIterator[int]:
    """Receive mail while the block lasts; gives the port, which is a free one for 0. Raises BadConfig."""
    loop = asyncio.get_running_loop()

    def talk() -> SMTP:
        return SMTP(
            Receiver(mailbox), data_size_limit=MOST_BYTES, hostname="localhost", ident="", timeout=IDLE_S, loop=loop
        )

    try:
        server = await loop.create_server(talk, LOOPBACK, port)
    except OSError as error:
        raise BadConfig(f"portal.mail.mailbox_port {port} cannot be had: {error.strerror}") from None
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
