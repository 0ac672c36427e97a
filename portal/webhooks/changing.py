"""A company's administrators register, change, try and remove webhooks; each change has its line in the audit log."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update

from gateway.identifiers import RequestId
from portal.accounts.vault import Vault
from portal.acting import Act
from portal.api_keys.changing import company_of
from portal.audit.log import Subject
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form, not_now
from portal.viewer import Viewer
from portal.webhooks.addresses import address_fault
from portal.webhooks.events import delivery_row, event_id_of
from portal.webhooks.outbox import end_waiting
from portal.webhooks.sender import seal_name
from portal.webhooks.settings import WebhookSettings
from portal.webhooks.shown import Webhook, find_webhook
from portal.webhooks.signing import secret_text
from portal.webhooks.tables import EventKind, webhook_deliveries, webhook_events, webhooks

MOST = 10
LONGEST_NAME = 60
LONGEST_GRACE = timedelta(days=30)
TOO_MANY = f"Your company has {MOST} webhooks already: remove one that is not used"
PING_WAITS = "A ping waits to be sent already."
SWITCHED_OFF = "This webhook is switched off: switch it on first."
BEING_SENT = "This event is being sent at this moment."
BY_HAND = "somebody switched it off"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedWebhook:
    """What a webhook is called, where it goes and what it is told of; kinds are those that can be chosen."""

    name: str
    address: str
    events: Collection[EventKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeWebhook:
    """A webhook with a new secret, which whoever gets this sees this once."""

    id: RequestId
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """What a new webhook or secret is made of: an id, and SECRET_BYTES random bytes."""

    id: RequestId
    secret: bytes = field(repr=False)


async def make_webhook(
    act: Act, viewer: Viewer, vault: Vault, settings: WebhookSettings, chance: Chance, wanted: WantedWebhook
) -> MadeWebhook | PeopleRefused:
    """Register a webhook of the viewer's company."""
    company_id = company_of(viewer)
    if company_id is None:
        return NOT_FOR_YOU
    faults = _faults(wanted, settings)
    own = select(func.count()).select_from(webhooks).where(webhooks.c.company_id == company_id)
    if (await act.connection.scalar(own) or 0) >= MOST:
        faults.setdefault("name", TOO_MANY)
    if faults:
        return bad_form(faults)
    row = {
        "id": chance.id,
        "company_id": company_id,
        "name": wanted.name,
        "address": wanted.address,
        "sealed": vault.seal(chance.secret, seal_name(chance.id)),
        "made_by": viewer.account_id,
        "made_at": act.now,
    }
    await act.connection.execute(insert(webhooks), row)
    await _put_events(act, chance.id, wanted.events)
    await act.note("webhook.make", _subject(chance.id, wanted.name, company_id), _words(wanted))
    return MadeWebhook(id=chance.id, secret=secret_text(chance.secret))


async def change_webhook(
    act: Act, viewer: Viewer, settings: WebhookSettings, webhook_id: RequestId, wanted: WantedWebhook
) -> Webhook | PeopleRefused:
    """Change name, address and events; its secret stays."""
    row = await _own(act, viewer, webhook_id)
    if isinstance(row, PeopleRefused):
        return row
    faults = _faults(wanted, settings)
    if faults:
        return bad_form(faults)
    values = {"name": wanted.name, "address": wanted.address, "resting_until": None}
    await act.connection.execute(update(webhooks).where(webhooks.c.id == row.id).values(values))
    await act.connection.execute(delete(webhook_events).where(webhook_events.c.webhook_id == row.id))
    await _put_events(act, row.id, wanted.events)
    await act.note("webhook.change", _subject(row.id, wanted.name, row.company_id), _words(wanted))
    return await find_webhook(act.connection, row.company_id, row.id, act.now) or NOT_THERE


async def switch_webhook(act: Act, viewer: Viewer, webhook_id: RequestId, *, on: bool) -> Webhook | PeopleRefused:
    """Switch a webhook on or off; one that stands so already stays so."""
    row = await _own(act, viewer, webhook_id)
    if isinstance(row, PeopleRefused):
        return row
    if on and row.disabled_at is not None:
        values: dict[str, Any] = {"disabled_at": None, "disabled_because": None, "resting_until": None}
        await act.connection.execute(update(webhooks).where(webhooks.c.id == row.id).values(values))
        await act.note("webhook.switch_on", _subject(row.id, row.name, row.company_id), "an administrator did so")
    elif not on and row.disabled_at is None:
        values = {"disabled_at": act.now, "disabled_because": BY_HAND}
        await act.connection.execute(update(webhooks).where(webhooks.c.id == row.id).values(values))
        await end_waiting(act.connection, row.id, f"not sent: the webhook was switched off ({BY_HAND})", act.now)
        await act.note("webhook.switch_off", _subject(row.id, row.name, row.company_id), BY_HAND)
    return await find_webhook(act.connection, row.company_id, row.id, act.now) or NOT_THERE


async def rotate_secret(
    act: Act, viewer: Viewer, vault: Vault, webhook_id: RequestId, secret: bytes, grace: timedelta
) -> MadeWebhook | PeopleRefused:
    """A new secret; the old one signs beside it for the grace time."""
    if not timedelta() <= grace <= LONGEST_GRACE:
        return bad_form({"grace": f"The old secret may sign for 0 to {LONGEST_GRACE.days} days more"})
    row = await _own(act, viewer, webhook_id)
    if isinstance(row, PeopleRefused):
        return row
    values = {
        "sealed": vault.seal(secret, seal_name(row.id)),
        "old_sealed": row.sealed if grace else None,
        "old_until": act.now + grace if grace else None,
    }
    await act.connection.execute(update(webhooks).where(webhooks.c.id == row.id).values(values))
    words = f"the old secret signs until {act.now + grace:%Y-%m-%d %H:%M} UTC"
    await act.note("webhook.rotate", _subject(row.id, row.name, row.company_id), words)
    return MadeWebhook(id=row.id, secret=secret_text(secret))


async def remove_webhook(act: Act, viewer: Viewer, webhook_id: RequestId) -> Webhook | PeopleRefused:
    """Remove a webhook with everything that it was told."""
    row = await _own(act, viewer, webhook_id)
    if isinstance(row, PeopleRefused):
        return row
    shown = await find_webhook(act.connection, row.company_id, row.id, act.now)
    await act.connection.execute(delete(webhooks).where(webhooks.c.id == row.id))
    await act.note("webhook.remove", _subject(row.id, row.name, row.company_id), "an administrator removed it")
    return shown or NOT_THERE


async def ping_webhook(act: Act, viewer: Viewer, webhook_id: RequestId, ping: RequestId) -> int | PeopleRefused:
    """Have a ping sent, one at a time, which is told by a new id; returns its delivery's id."""
    row = await _own(act, viewer, webhook_id)
    if isinstance(row, PeopleRefused):
        return row
    if row.disabled_at is not None:
        return not_now(SWITCHED_OFF)
    waiting = select(webhook_deliveries.c.id).where(
        webhook_deliveries.c.webhook_id == row.id,
        webhook_deliveries.c.kind == EventKind.PING,
        webhook_deliveries.c.delivered_at.is_(None),
        webhook_deliveries.c.failed_at.is_(None),
    )
    if (await act.connection.execute(waiting.limit(1))).first() is not None:
        return not_now(PING_WAITS)
    data = {"webhook_id": str(row.id), "asked_by": viewer.user_id}
    event_id = event_id_of(EventKind.PING, ping, act.now)
    values = delivery_row(row.id, event_id, EventKind.PING, data, act.now)
    made = await act.connection.scalar(insert(webhook_deliveries).values(values).returning(webhook_deliveries.c.id))
    await act.connection.execute(update(webhooks).where(webhooks.c.id == row.id).values(resting_until=None))
    assert made is not None
    return int(made)


async def replay_delivery(act: Act, viewer: Viewer, webhook_id: RequestId, delivery_id: int) -> int | PeopleRefused:
    """Have an event sent again, under its own id and with all its tries anew; returns its delivery's id."""
    row = await _own(act, viewer, webhook_id)
    if isinstance(row, PeopleRefused):
        return row
    of_webhook = (webhook_deliveries.c.id == delivery_id, webhook_deliveries.c.webhook_id == row.id)
    found = await act.connection.scalar(select(webhook_deliveries.c.id).where(*of_webhook))
    if found is None:
        return NOT_THERE
    if row.disabled_at is not None:
        return not_now(SWITCHED_OFF)
    free = or_(webhook_deliveries.c.leased_until.is_(None), webhook_deliveries.c.leased_until <= act.now)
    again = {"delivered_at": None, "failed_at": None, "next_at": act.now, "tries": 0}
    changed = await act.connection.execute(update(webhook_deliveries).where(*of_webhook, free).values(again))
    if changed.rowcount == 0:
        return not_now(BEING_SENT)
    await act.connection.execute(update(webhooks).where(webhooks.c.id == row.id).values(resting_until=None))
    return delivery_id


async def _own(act: Act, viewer: Viewer, webhook_id: RequestId) -> Row[Any] | PeopleRefused:
    """A row of the viewer's company, locked."""
    company_id = company_of(viewer)
    if company_id is None:
        return NOT_FOR_YOU
    own = select(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.company_id == company_id).with_for_update()
    return (await act.connection.execute(own)).one_or_none() or NOT_THERE


async def _put_events(act: Act, webhook_id: RequestId, events: Collection[EventKind]) -> None:
    rows = [{"kind": kind, "webhook_id": webhook_id} for kind in sorted(set(events))]
    await act.connection.execute(insert(webhook_events), rows)


def _faults(wanted: WantedWebhook, settings: WebhookSettings) -> dict[str, str]:
    faults = {}
    if not wanted.name or len(wanted.name) > LONGEST_NAME:
        faults["name"] = f"Enter a name of at most {LONGEST_NAME} characters"
    if (words := address_fault(wanted.address, settings)) is not None:
        faults["address"] = words
    if not wanted.events:
        faults["events"] = "Choose what it is told of"
    return faults


def _words(wanted: WantedWebhook) -> str:
    return f"it is told of {', '.join(sorted(set(wanted.events)))}"


def _subject(webhook_id: RequestId, name: str, company_id: int) -> Subject:
    return Subject(kind="webhook", id=webhook_id, words=name, company_id=company_id)
