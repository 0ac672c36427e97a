"""A mail sender as a process to be killed: sends what waits in a database to a port, ends when nothing waits."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select

from gateway.clock import SystemClock
from gateway.database import Database
from portal.mail.sender import MailSender
from portal.mail.settings import MailSettings, Protection
from portal.mail.tables import letters
from portal.mail.transport import SmtpTransport
from portal.orders.files import may_go

SETTINGS = MailSettings(host="127.0.0.1", protection=Protection.NONE, letters_at_once=2, lease_s=1, most_attempts=1000)


async def main(path: str, port: int) -> None:
    """Send until nothing waits."""
    database = Database.open(f"sqlite:///{path}")
    settings = replace(SETTINGS, port=port)
    sender = MailSender(database, SmtpTransport(settings), SystemClock(), settings, Path(path).parent, may_go)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        if not await sender.turn():
            async with database.reading() as connection:
                waiting = select(func.count()).select_from(letters).where(letters.c.sent_at.is_(None))
                if not await connection.scalar(waiting):
                    break
            await asyncio.sleep(0.05)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
