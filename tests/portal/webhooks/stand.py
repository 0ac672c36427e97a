"""What tests of webhooks stand on: a portal whose webhooks may go to loopback, and one sender after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import IPv4Network
from typing import Any

import httpx
from sqlalchemy import func, select

from gateway.database import Database
from portal.context import Portal
from portal.webhooks.sender import WebhookSender
from portal.webhooks.settings import WebhookSettings
from portal.webhooks.tables import webhook_deliveries
from portal.webhooks.transport import Postman
from tests.clock import HandClock
from tests.portal.webhooks.receiver import Receiver
from tests.portal.world import GUIDES

LABORATORY = WebhookSettings(allowed_networks=(IPv4Network("127.0.0.0/8"),), plain_http=True)
SETTINGS = replace(GUIDES, webhooks=LABORATORY)
ALL = ("read.finished", "order.finished", "join.finished", "meter.rep_changed")


@dataclass(frozen=True)
class Teller:
    """Sends what is due when a test says so."""

    portal: Portal
    clock: HandClock
    settings: WebhookSettings = LABORATORY

    async def send(self, **numbers: Any) -> int:
        """Send until nothing is due now, by a sender of its own; returns how many turns did something."""
        settings = replace(self.settings, **numbers)
        turns = 0
        async with Postman(settings, self.clock) as postman:
            sender = WebhookSender(self.portal.database, self.portal.acting, self.portal.vault, postman, settings)
            while await sender.turn():
                turns += 1
                assert turns < 1000, "a sender that never comes to rest"
        return turns

    async def after(self, **span: float) -> int:
        """Move the clock on, then send."""
        self.clock.set(self.clock.now() + timedelta(**span))
        return await self.send()


async def register(
    client: httpx.AsyncClient, receiver: Receiver | str, events: Sequence[str] = ALL, name: str = "desk"
) -> tuple[str, str]:
    """Register a webhook; its id and its secret."""
    address = receiver if isinstance(receiver, str) else receiver.address
    answer = await client.post("/webhooks", json={"name": name, "address": address, "events": list(events)})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], answer.json()["secret"]


async def deliveries(client: httpx.AsyncClient, webhook_id: str) -> list[dict[str, Any]]:
    """What a webhook was told, newest first."""
    answer = await client.get(f"/webhooks/{webhook_id}/deliveries")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["deliveries"]
    return found


async def kept(database: Database) -> int:
    """How many deliveries the outbox has."""
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(webhook_deliveries)) or 0
