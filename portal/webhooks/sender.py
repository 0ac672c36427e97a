"""Telling webhooks what waits for them: an address is a lane, told one event after the other, beside other lanes.

An address that does not take an event is left alone for a while, so that it costs others nothing; one that took
nothing in all the days that an event was tried, or says that it is gone, is switched off with a letter.
"""

import asyncio
import json
import logging
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, select, update

from gateway.database import Database
from gateway.errors import BadConfig
from gateway.identifiers import RequestId
from portal.accounts.vault import Vault
from portal.acting import Act, Acting
from portal.audit.log import SYSTEM, Subject
from portal.companies.correspondence import addresses_of_company
from portal.webhooks.letters import letters_of_switched_off
from portal.webhooks.outbox import (
    Taken,
    Try,
    drop_old,
    due_webhooks,
    end_waiting,
    give_up,
    how_many_wait,
    note_delivered,
    put_back,
    release,
    take,
)
from portal.webhooks.settings import WebhookSettings
from portal.webhooks.signing import signed_headers
from portal.webhooks.tables import webhooks
from portal.webhooks.transport import Postman

log = logging.getLogger(__name__)

GONE = 410
TIDY_S = 3600.0
LEASE_SHARE = 0.5
"""The part of its lease in which a sender begins tries; the last of them ends well before the lease."""
TOOK_NOTHING = "it took nothing in all the days for which an event was tried"
IS_GONE = "it answered 410: gone"
TOO_MANY = "too many events waited for it"


class WebhookSender:
    """One sender among any number on one database."""

    def __init__(
        self, database: Database, acting: Acting, vault: Vault, postman: Postman, settings: WebhookSettings
    ) -> None:
        self._database = database
        self._acting = acting
        self._vault = vault
        self._postman = postman
        self._settings = settings
        self._clock = acting.clock
        self._running = set[RequestId]()
        self._tidied_s: float | None = None

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._tidy()
                if not await self._start(group):
                    await self._clock.sleep(self._settings.look_s)

    async def turn(self) -> int:
        """Send what is due now, an address's next events at most; returns how many addresses that were."""
        async with asyncio.TaskGroup() as group:
            return await self._start(group)

    async def _start(self, group: asyncio.TaskGroup) -> int:
        """Start a lane for each address that something is due for and that has none here."""
        free = self._settings.lanes - len(self._running)
        if free <= 0:
            return 0
        async with self._database.reading() as connection:
            found = await due_webhooks(connection, self._clock.now(), free, self._running)
        for webhook_id in found:
            self._running.add(webhook_id)
            lane = group.create_task(self._lane(webhook_id))
            lane.add_done_callback(lambda _, of=webhook_id: self._running.discard(of))  # type: ignore[misc]  # bound now
        return len(found)

    async def _lane(self, webhook_id: RequestId) -> None:
        """Tell an address its next events, until it does not take one."""
        settings, began_s = self._settings, self._clock.monotonic()
        taking = partial(
            take, webhook_id=webhook_id, now=self._clock.now(), lease_s=settings.lease_s, most=settings.in_a_row
        )
        lane = await self._database.write(taking)
        if lane is None:
            return
        left = list(lane.taken)
        while left and self._clock.monotonic() - began_s < settings.lease_s * LEASE_SHARE:
            if not await self._deliver(lane.webhook, left.pop(0)):
                break
        if left:
            await self._database.write(partial(release, taken=left))

    async def _deliver(self, webhook: Row[Any], taken: Taken) -> bool:
        """Try once, and write down what became of it; whether the address is in good health."""
        made, body = Try(), body_of(taken.row, self._acting.address)
        try:
            headers = signed_headers(self._secrets(webhook), taken.row.event_id, self._clock.now(), body)
            made = await self._postman.send(webhook.address, headers, body)
        except BadConfig as wrong:
            log.error("webhook %s: %s", webhook.id, wrong)
            made = Try(error="a fault of ours: its secret cannot be opened")
        now = self._clock.now()
        if made.error is None:
            await self._database.write(partial(note_delivered, taken=taken, made=made, now=now))
            return True
        log.info("webhook %s did not take event %s: %s", webhook.id, taken.row.event_id, made.error)
        await self._acting.run(SYSTEM, partial(_failed, taken=taken, made=made, settings=self._settings))
        return False

    def _secrets(self, webhook: Row[Any]) -> list[bytes]:
        """The secrets that sign now, the newest first. Raises BadConfig."""
        name, sealed = seal_name(webhook.id), [webhook.sealed]
        if webhook.old_sealed is not None and webhook.old_until > self._clock.now():
            sealed.append(webhook.old_sealed)
        return [self._vault.open(each, name) for each in sealed]

    async def _tidy(self) -> None:
        """Remove what is old, once an hour."""
        now_s = self._clock.monotonic()
        if self._tidied_s is None or now_s - self._tidied_s >= TIDY_S:
            self._tidied_s = now_s
            before = self._clock.now() - timedelta(days=self._settings.kept_days)
            await self._database.write(partial(drop_old, before=before))


def seal_name(webhook_id: RequestId) -> str:
    """The name under which a webhook's secrets are sealed."""
    return f"webhooks/{webhook_id}"


def body_of(row: Any, address: str) -> bytes:
    """What is sent, from a row of the outbox: the same bytes at every try, since a repetition must look like one."""
    data = dict(row.data)
    if "link" in data:
        data["link"] = address.rstrip("/") + data["link"]
    timestamp = row.created_at.isoformat().replace("+00:00", "Z")
    return json.dumps({"type": str(row.kind), "timestamp": timestamp, "data": data}, separators=(",", ":")).encode()


async def _failed(act: Act, taken: Taken, made: Try, settings: WebhookSettings) -> None:
    """A try failed: the event waits for its next, or is over; and its address is switched off if it is past hoping."""
    connection, now = act.connection, act.now
    row = (await connection.execute(select(webhooks).where(webhooks.c.id == taken.row.webhook_id))).one_or_none()
    if row is None:
        return
    end = give_up if taken.is_last_try else put_back
    await end(connection, taken, made, now, settings.rest_s)
    if row.disabled_at is not None:
        return
    because = await _hopeless(act, row, taken, made, settings)
    if because is not None:
        await switch_off(act, row, because)
        await act.mail(
            letters_of_switched_off(await addresses_of_company(connection, row.company_id), row, because, act.address)
        )


async def _hopeless(act: Act, row: Any, taken: Taken, made: Try, settings: WebhookSettings) -> str | None:
    """Why an address is to be switched off, None if it is not."""
    if made.code == GONE:
        return IS_GONE
    took_something = row.succeeded_at is not None and row.succeeded_at >= taken.row.created_at
    if taken.is_last_try and not took_something:
        return TOOK_NOTHING
    most = settings.most_waiting
    return TOO_MANY if await how_many_wait(act.connection, row.id, most) >= most else None


async def switch_off(act: Act, row: Any, because: str) -> None:
    """Tell an address nothing any more, with its line in the audit log."""
    off = update(webhooks).where(webhooks.c.id == row.id)
    await act.connection.execute(off.values(disabled_at=act.now, disabled_because=because))
    await end_waiting(act.connection, row.id, f"not sent: the webhook was switched off ({because})", act.now)
    subject = Subject(kind="webhook", id=row.id, words=row.name, company_id=row.company_id)
    await act.note("webhook.switch_off", subject, because)
