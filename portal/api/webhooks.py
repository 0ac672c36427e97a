"""Webhooks over the API: a company's administrators register, change, try and remove them, and see what was told."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from gateway.identifiers import RequestId
from portal.acting import actor_of
from portal.api.answered import answered
from portal.api.described import problems
from portal.api_keys.changing import company_of
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, NotPermitted
from portal.faults import PeopleRefused
from portal.parts import Part
from portal.viewer import Viewer
from portal.webhooks.changing import (
    LONGEST_GRACE,
    LONGEST_NAME,
    Chance,
    MadeWebhook,
    WantedWebhook,
    change_webhook,
    make_webhook,
    ping_webhook,
    remove_webhook,
    replay_delivery,
    rotate_secret,
    switch_webhook,
)
from portal.webhooks.shown import Webhook, WebhookDelivery, deliveries_of, find_webhook, webhooks_of
from portal.webhooks.signing import SECRET_BYTES
from portal.webhooks.tables import CHOSEN, WEBHOOK_ADDRESS, EventKind

router = Part(tags=["Webhooks"])

PAGE = 50
DeliveryId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Before = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The id of the last one that you know.")]


class WebhookBody(BaseModel):
    """What a webhook is called, where it goes (https), and what it is told of."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]
    address: Annotated[str, Field(min_length=1, max_length=WEBHOOK_ADDRESS)]
    events: Annotated[set[EventKind], Field(min_length=1)]

    def wanted(self) -> WantedWebhook:
        """For the rules; a ping is not chosen."""
        chosen = [kind for kind in CHOSEN if kind in self.events]
        return WantedWebhook(name=self.name, address=self.address, events=chosen)


class RotationGrace(BaseModel):
    """How long the old secret signs beside the new one, in seconds; without a word a day."""

    model_config = ConfigDict(extra="forbid")

    grace_s: Annotated[int, Field(ge=0, le=int(LONGEST_GRACE.total_seconds()))] = 86_400


class WebhookSwitch(BaseModel):
    """Whether a webhook is to be on."""

    model_config = ConfigDict(extra="forbid")

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAsked:
    """The delivery that is to be sent."""

    delivery_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeliveries:
    """A page of deliveries, newest first; next_before continues it as `before`, None at the end."""

    deliveries: list[WebhookDelivery]
    next_before: int | None


@router.post("/webhooks", status_code=201, response_model=MadeWebhook, responses=problems(401, 403))
async def register_webhook(request: Request, viewer: ViewerHere, body: WebhookBody) -> MadeWebhook | JSONResponse:
    """Register a webhook. Its secret is shown in this answer and never again."""
    portal = portal_of(request)
    chance = Chance(id=RequestId(portal.dice.request_id(portal.clock.now())), secret=portal.dice.secret(SECRET_BYTES))
    settings = portal.settings.webhooks
    answer = await portal.acting.run(
        actor_of(viewer), lambda act: make_webhook(act, viewer, portal.vault, settings, chance, body.wanted())
    )
    return answered(request, answer)


@router.get("/webhooks", responses=problems(401, 403))
async def list_webhooks(request: Request, viewer: ViewerHere) -> list[Webhook]:
    """Your company's webhooks."""
    portal, company_id = portal_of(request), _company(viewer)
    async with portal.database.reading() as connection:
        return await webhooks_of(connection, company_id, portal.clock.now())


@router.get("/webhooks/{webhook_id}", responses=problems(401, 403, 404))
async def show_webhook(request: Request, viewer: ViewerHere, webhook_id: RequestId) -> Webhook:
    """One of your company's webhooks."""
    portal, company_id = portal_of(request), _company(viewer)
    async with portal.database.reading() as connection:
        return await find_webhook(connection, company_id, webhook_id, portal.clock.now()) or _nothing()


@router.put("/webhooks/{webhook_id}", response_model=Webhook, responses=problems(401, 403, 404))
async def edit_webhook(
    request: Request, viewer: ViewerHere, webhook_id: RequestId, body: WebhookBody
) -> Webhook | JSONResponse:
    """Change its name, its address and its events; its secret stays."""
    portal = portal_of(request)
    settings = portal.settings.webhooks
    answer = await portal.acting.run(
        actor_of(viewer), lambda act: change_webhook(act, viewer, settings, webhook_id, body.wanted())
    )
    return answered(request, answer)


@router.put("/webhooks/{webhook_id}/state", response_model=Webhook, responses=problems(401, 403, 404))
async def switch_webhook_on_or_off(
    request: Request, viewer: ViewerHere, webhook_id: RequestId, body: WebhookSwitch
) -> Webhook | JSONResponse:
    """Switch a webhook on or off. What waits for one that is switched off is given up; it can be sent again later."""
    answer = await portal_of(request).acting.run(
        actor_of(viewer), lambda act: switch_webhook(act, viewer, webhook_id, on=body.on)
    )
    return answered(request, answer)


@router.post(
    "/webhooks/{webhook_id}/secret", status_code=201, response_model=MadeWebhook, responses=problems(401, 403, 404)
)
async def rotate_webhook_secret(
    request: Request, viewer: ViewerHere, webhook_id: RequestId, body: RotationGrace
) -> MadeWebhook | JSONResponse:
    """Make a new secret, shown in this answer alone; the old one signs beside it for grace_s."""
    portal = portal_of(request)
    secret, grace = portal.dice.secret(SECRET_BYTES), timedelta(seconds=body.grace_s)
    answer = await portal.acting.run(
        actor_of(viewer), lambda act: rotate_secret(act, viewer, portal.vault, webhook_id, secret, grace)
    )
    return answered(request, answer)


@router.delete("/webhooks/{webhook_id}", status_code=204, response_class=Response, responses=problems(401, 403, 404))
async def delete_webhook(request: Request, viewer: ViewerHere, webhook_id: RequestId) -> Response:
    """Remove a webhook with everything that it was told."""
    answer = await portal_of(request).acting.run(actor_of(viewer), lambda act: remove_webhook(act, viewer, webhook_id))
    return answered(request, answer) if isinstance(answer, PeopleRefused) else Response(status_code=204)


@router.post(
    "/webhooks/{webhook_id}/ping", status_code=202, response_model=DeliveryAsked, responses=problems(401, 403, 404, 409)
)
async def send_ping(request: Request, viewer: ViewerHere, webhook_id: RequestId) -> DeliveryAsked | JSONResponse:
    """Have a ping sent; what became of it is among the deliveries."""
    portal = portal_of(request)
    ping = RequestId(portal.dice.request_id(portal.clock.now()))
    answer = await portal.acting.run(actor_of(viewer), lambda act: ping_webhook(act, viewer, webhook_id, ping))
    return answered(request, answer if isinstance(answer, PeopleRefused) else DeliveryAsked(delivery_id=answer))


@router.get("/webhooks/{webhook_id}/deliveries", responses=problems(401, 403, 404))
async def list_deliveries(
    request: Request, viewer: ViewerHere, webhook_id: RequestId, before: Before = None
) -> WebhookDeliveries:
    """What a webhook was told and is to be told, newest first, 50 at a time."""
    portal, company_id = portal_of(request), _company(viewer)
    async with portal.database.reading() as connection:
        webhook = await find_webhook(connection, company_id, webhook_id, portal.clock.now()) or _nothing()
        found = await deliveries_of(connection, webhook, PAGE + 1, before)
    page = found[:PAGE]
    return WebhookDeliveries(deliveries=page, next_before=page[-1].id if len(found) > PAGE else None)


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    response_model=DeliveryAsked,
    responses=problems(401, 403, 404, 409),
)
async def replay_webhook_delivery(
    request: Request, viewer: ViewerHere, webhook_id: RequestId, delivery_id: DeliveryId
) -> DeliveryAsked | JSONResponse:
    """Have an event sent again, under its own id, with the same body."""
    answer = await portal_of(request).acting.run(
        actor_of(viewer), lambda act: replay_delivery(act, viewer, webhook_id, delivery_id)
    )
    return answered(request, answer if isinstance(answer, PeopleRefused) else DeliveryAsked(delivery_id=answer))


def _company(viewer: Viewer) -> int:
    """The company whose webhooks somebody looks after. Raises NotPermitted for all others."""
    company_id = company_of(viewer)
    if company_id is None:
        raise NotPermitted
    return company_id


def _nothing() -> Webhook:
    raise NotFound
