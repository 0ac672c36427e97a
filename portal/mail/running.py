"""Mail as a running portal has it: the sender by its settings, and the mailbox of a demonstration."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.clock import Clock
from gateway.database import Database
from portal.mail.mailbox import Mailbox
from portal.mail.sender import MailSender, MayGo
from portal.mail.settings import MailSettings, Protection
from portal.mail.transport import SmtpTransport


@asynccontextmanager
async def mail_sender(
    database: Database, settings: MailSettings, folder: Path, clock: Clock, may_go: MayGo
) -> AsyncIterator[MailSender]:
    """A sender to be run; folder is where attachments lie. Raises BadConfig.

    With a mailbox and no mail server letters go into the mailbox, over SMTP as they would go elsewhere.
    """
    async with AsyncExitStack() as stack:
        if settings.mailbox is not None:
            # Imported here, for a portal without a mailbox needs no mail server of its own.
            from portal.mail.mail_receiver import LOOPBACK, receiving

            mailbox = Mailbox(settings.mailbox, settings.mailbox_letters)
            port = await stack.enter_async_context(receiving(mailbox, settings.mailbox_port))
            if settings.host is None:
                settings = replace(settings, host=LOOPBACK, port=port, protection=Protection.NONE, username=None)
        transport = None if settings.host is None else SmtpTransport(settings)
        yield MailSender(database, transport, clock, settings, folder, may_go)
