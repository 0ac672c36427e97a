"""A sender of webhooks as a process to be killed: tells what waits in a database, ends when nothing waits."""

import asyncio
import sys
from dataclasses import replace

from sqlalchemy import func, select

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SystemDice
from portal.accounts.vault import Vault
from portal.acting import Acting
from portal.audit.log import Seal
from portal.webhooks.sender import WebhookSender
from portal.webhooks.tables import webhook_deliveries
from portal.webhooks.transport import Postman
from tests.portal.webhooks.stand import LABORATORY

KEY = b"the key of these tests, long enough"
SETTINGS = replace(LABORATORY, lease_s=1, in_a_row=3, rest_s=0)


async def main(url: str) -> None:
    """Send until nothing waits."""
    database, clock, dice = Database.open(url), SystemClock(), SystemDice()
    acting = Acting(database=database, seal=Seal(), clock=clock, address="http://portal.test")
    async with Postman(SETTINGS, clock) as postman:
        sender = WebhookSender(database, acting, Vault(KEY, dice), postman, SETTINGS)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            if not await sender.turn():
                async with database.reading() as connection:
                    waiting = select(func.count()).select_from(webhook_deliveries)
                    if not await connection.scalar(waiting.where(webhook_deliveries.c.delivered_at.is_(None))):
                        break
                await asyncio.sleep(0.05)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
