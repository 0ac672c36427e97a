"""Webhooks on pages: a company's administrators register, try, change and remove them, and see what was told."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from gateway.identifiers import RequestId
from portal.accounts.sessions import Entered
from portal.acting import actor_of
from portal.api_keys.changing import company_of
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.faults import PeopleRefusal, PeopleRefused
from portal.pages import shown_once
from portal.pages.done_words import done_words
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import WEBHOOKS, Place
from portal.pages.render import PAGES
from portal.parts import Part
from portal.webhooks.changing import (
    LONGEST_NAME,
    MOST,
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
from portal.webhooks.shown import DeliveryStatus, Webhook, deliveries_of, find_webhook, webhooks_of
from portal.webhooks.signing import SECRET_BYTES
from portal.webhooks.tables import CHOSEN, WEBHOOK_ADDRESS, EventKind

router = Part(include_in_schema=False, default_response_class=Response)

HERE = WEBHOOKS.href
NEW, SHOWN = f"{HERE}/new", f"{HERE}/shown"
ONE = f"{HERE}/{{webhook_id}}"
DELIVERY = Annotated[int, Path(ge=1, le=2**31 - 1)]
PAGE = 25
EVENTS = {
    EventKind.READ_FINISHED: ("A read has ended", "an on-demand read was answered, failed or expired"),
    EventKind.ORDER_FINISHED: ("A report order has ended", "it is complete or unsuccessful"),
    EventKind.JOIN_FINISHED: ("A join has ended", "a home area device joined or did not; for TDSPs"),
    EventKind.REP_CHANGED: ("A meter came or left", "the REP of record has changed; for REPs"),
}
TAGS = {DeliveryStatus.WAITING: "info", DeliveryStatus.DELIVERED: "good", DeliveryStatus.FAILED: "bad"}
WEBHOOK = Form(
    action=HERE,
    button="Register the webhook",
    fields=(
        Field(
            name="name",
            label="Name",
            required=True,
            most=LONGEST_NAME,
            missing="Enter a name",
            hint="What takes it, such as “Billing”",
            tip="Only your company's administrators see the name.",
            fill="off",
        ),
        Field(
            name="address",
            label="Address",
            kind=FieldKind.URL,
            required=True,
            literal=True,
            most=WEBHOOK_ADDRESS,
            missing="Enter an address",
            hint="It begins with https:// and can be reached from the internet",
            tip="Each event is sent there as a POST of JSON, signed with the secret that the next page shows.",
            fill="off",
        ),
        Field(
            name="events",
            label="What it is told of",
            kind=FieldKind.CHECKBOXES,
            required=True,
            missing="Choose what it is told of",
            hint="Of meters that your company sees at that moment",
            choices=tuple(Choice(str(kind), words, note) for kind, (words, note) in EVENTS.items()),
        ),
    ),
)
ROTATE = Form(
    action=HERE,
    button="Make a new secret",
    fields=(
        Field(
            name="grace",
            label="How much longer the old secret signs too",
            kind=FieldKind.RADIO,
            required=True,
            hint="Until then each event carries two signatures, so that your program may check either",
            choices=(
                Choice("0", "Not at all", "the old one was seen by others"),
                Choice("3600", "1 hour"),
                Choice("86400", "1 day"),
                Choice("604800", "7 days"),
            ),
        ),
    ),
    values={"grace": "86400"},
)


@router.get(HERE)
async def webhooks(request: Request, who: EnteredHere) -> Response:
    """A company's webhooks."""
    portal, company_id = portal_of(request), _company(who)
    async with portal.database.reading() as connection:
        found = await webhooks_of(connection, company_id, portal.clock.now())
    return PAGES.page(
        request,
        "webhooks.html",
        who,
        WEBHOOKS.words,
        place=HERE,
        help_at="webhooks",
        webhooks=found,
        most=MOST,
        events={kind: words for kind, (words, _) in EVENTS.items()},
        said=done_words(request.query_params),
    )


@router.get(NEW)
async def new_form(request: Request, who: EnteredHere) -> Response:
    """The form for a new webhook."""
    _company(who)
    return _form_page(request, who, WEBHOOK, "New webhook")


@router.post(HERE)
async def register(request: Request, who: EnteredHere) -> Response:
    """Register a webhook, and lead to the page that shows its secret."""
    _company(who)
    portal, form = portal_of(request), await WEBHOOK.read(request)
    if form.faults:
        return _form_page(request, who, form, "New webhook", status=422)
    chance = Chance(id=RequestId(portal.dice.request_id(portal.clock.now())), secret=portal.dice.secret(SECRET_BYTES))
    settings, wanted = portal.settings.webhooks, _wanted(form)
    answer = await portal.acting.run(
        actor_of(who.viewer), lambda act: make_webhook(act, who.viewer, portal.vault, settings, chance, wanted)
    )
    if isinstance(answer, PeopleRefused):
        return _form_page(request, who, form.refused(answer.faults), "New webhook", status=422)
    return _shown_next(request, who, answer)


@router.get(SHOWN)
async def shown(request: Request, who: EnteredHere) -> Response:
    """A secret that was just made, this once."""
    _company(who)
    secret = shown_once.taken(request, who, SHOWN)
    page = PAGES.page(
        request, "webhook_shown.html", who, "Your webhook's secret", place=HERE, help_at="webhooks", secret=secret
    )
    shown_once.forget(request, page, SHOWN)
    return page


@router.get(ONE)
async def webhook(
    request: Request,
    who: EnteredHere,
    webhook_id: RequestId,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """One webhook with what it was told."""
    return await _one_page(request, who, webhook_id, before)


@router.get(f"{ONE}/edit")
async def edit_form(request: Request, who: EnteredHere, webhook_id: RequestId) -> Response:
    """The form that changes a webhook."""
    found = await _found(request, who, webhook_id)
    form = replace(WEBHOOK, action=f"{HERE}/{found.id}/edit", button="Save the changes")
    values = {"name": found.name, "address": found.address}
    return _form_page(request, who, form.filled(values, {"events": map(str, found.events)}), "Change", found)


@router.post(f"{ONE}/edit")
async def edit(request: Request, who: EnteredHere, webhook_id: RequestId) -> Response:
    """Save the changes, then show the webhook."""
    portal, found = portal_of(request), await _found(request, who, webhook_id)
    form = await replace(WEBHOOK, action=f"{HERE}/{found.id}/edit", button="Save the changes").read(request)
    if not form.faults:
        settings, wanted = portal.settings.webhooks, _wanted(form)
        answer = await portal.acting.run(
            actor_of(who.viewer), lambda act: change_webhook(act, who.viewer, settings, webhook_id, wanted)
        )
        if not isinstance(answer, PeopleRefused):
            return _to(found, "webhook-saved")
        form = form.refused(answer.faults)
    return _form_page(request, who, form, "Change", found, status=422)


@router.get(f"{ONE}/secret")
async def rotate_form(request: Request, who: EnteredHere, webhook_id: RequestId) -> Response:
    """Ask for how long the old secret signs too."""
    found = await _found(request, who, webhook_id)
    return _form_page(request, who, replace(ROTATE, action=f"{HERE}/{found.id}/secret"), "New secret", found)


@router.post(f"{ONE}/secret")
async def rotate(request: Request, who: EnteredHere, webhook_id: RequestId) -> Response:
    """Make a new secret, and lead to the page that shows it."""
    portal, found = portal_of(request), await _found(request, who, webhook_id)
    form = await replace(ROTATE, action=f"{HERE}/{found.id}/secret").read(request)
    if form.faults:
        return _form_page(request, who, form, "New secret", found, status=422)
    secret, grace = portal.dice.secret(SECRET_BYTES), timedelta(seconds=int(form["grace"]))
    answer = await portal.acting.run(
        actor_of(who.viewer), lambda act: rotate_secret(act, who.viewer, portal.vault, webhook_id, secret, grace)
    )
    return RedirectResponse(HERE, 303) if isinstance(answer, PeopleRefused) else _shown_next(request, who, answer)


@router.get(f"{ONE}/remove")
async def remove_form(request: Request, who: EnteredHere, webhook_id: RequestId) -> Response:
    """Ask once more before a webhook is removed."""
    found = await _found(request, who, webhook_id)
    form = Form(action=f"{HERE}/{found.id}/remove", button="Remove the webhook", fields=(), danger=True)
    return _form_page(request, who, form, "Remove", found)


@router.post(f"{ONE}/remove")
async def remove(request: Request, who: EnteredHere, webhook_id: RequestId) -> Response:
    """Remove a webhook, then show the list."""
    _company(who)
    answer = await portal_of(request).acting.run(
        actor_of(who.viewer), lambda act: remove_webhook(act, who.viewer, webhook_id)
    )
    if isinstance(answer, PeopleRefused):
        raise NotFound
    return RedirectResponse(f"{HERE}?done=webhook-removed", status_code=303)


@router.post(f"{ONE}/state")
async def switch(request: Request, who: EnteredHere, webhook_id: RequestId) -> Response:
    """Switch a webhook on if it is off, and off if it is on, as the button said."""
    found = await _found(request, who, webhook_id)
    on = (await request.form()).get("on") == "yes"
    await portal_of(request).acting.run(
        actor_of(who.viewer), lambda act: switch_webhook(act, who.viewer, webhook_id, on=on)
    )
    return _to(found, "webhook-on" if on else "webhook-off")


@router.post(f"{ONE}/ping")
async def ping(request: Request, who: EnteredHere, webhook_id: RequestId) -> Response:
    """Have a ping sent, then show the webhook."""
    portal, found = portal_of(request), await _found(request, who, webhook_id)
    ping_id = RequestId(portal.dice.request_id(portal.clock.now()))
    answer = await portal.acting.run(
        actor_of(who.viewer), lambda act: ping_webhook(act, who.viewer, webhook_id, ping_id)
    )
    if isinstance(answer, PeopleRefused):
        return await _one_page(request, who, webhook_id, refused=answer.words)
    return _to(found, "webhook-ping")


@router.post(f"{ONE}/deliveries/{{delivery_id}}/replay")
async def replay(request: Request, who: EnteredHere, webhook_id: RequestId, delivery_id: DELIVERY) -> Response:
    """Have an event sent again, then show the webhook."""
    found = await _found(request, who, webhook_id)
    answer = await portal_of(request).acting.run(
        actor_of(who.viewer), lambda act: replay_delivery(act, who.viewer, webhook_id, delivery_id)
    )
    if isinstance(answer, PeopleRefused):
        if answer.reason is PeopleRefusal.NOT_THERE:
            raise NotFound
        return await _one_page(request, who, webhook_id, refused=answer.words)
    return _to(found, "webhook-again")


async def _one_page(
    request: Request, who: Entered, webhook_id: RequestId, before: int | None = None, refused: str = ""
) -> Response:
    found = await _found(request, who, webhook_id)
    async with portal_of(request).database.reading() as connection:
        told = await deliveries_of(connection, found, PAGE + 1, before)
    page = told[:PAGE]
    return PAGES.page(
        request,
        "webhook.html",
        who,
        found.name,
        place=HERE,
        beneath=(Place(found.name, f"{HERE}/{found.id}"),),
        help_at="webhooks",
        status=409 if refused else 200,
        webhook=found,
        deliveries=page,
        older=f"{HERE}/{found.id}?before={page[-1].id}" if len(told) > PAGE else None,
        is_first=before is None,
        tags=TAGS,
        events={kind: words for kind, (words, _) in EVENTS.items()},
        said=done_words(request.query_params),
        refused=refused,
    )


def _wanted(form: Form) -> WantedWebhook:
    chosen = [kind for kind in CHOSEN if str(kind) in form.chosen["events"]]
    return WantedWebhook(name=form["name"], address=form["address"], events=chosen)


def _company(who: Entered) -> int:
    """The company whose webhooks somebody looks after. Raises NotFound for all others: these pages are not theirs."""
    company_id = company_of(who.viewer)
    if company_id is None:
        raise NotFound
    return company_id


async def _found(request: Request, who: Entered, webhook_id: RequestId) -> Webhook:
    """One of the company's webhooks. Raises NotFound."""
    portal, company_id = portal_of(request), _company(who)
    async with portal.database.reading() as connection:
        found = await find_webhook(connection, company_id, webhook_id, portal.clock.now())
    if found is None:
        raise NotFound
    return found


def _to(found: Webhook, done: str) -> Response:
    return RedirectResponse(f"{HERE}/{found.id}?done={done}", status_code=303)


def _shown_next(request: Request, who: Entered, made: MadeWebhook) -> Response:
    onward = RedirectResponse(SHOWN, status_code=303)
    shown_once.hand_over(request, onward, who, SHOWN, made.secret)
    return onward


def _form_page(
    request: Request, who: Entered, form: Form, title: str, found: Webhook | None = None, *, status: int = 200
) -> Response:
    place = Place(title, request.url.path)
    beneath = (place,) if found is None else (Place(found.name, f"{HERE}/{found.id}"), place)
    heading = title if found is None else f"{title}: {found.name}"
    return PAGES.page(
        request,
        "webhook_form.html",
        who,
        heading,
        place=HERE,
        beneath=beneath,
        help_at="webhooks",
        status=status,
        error=bool(form.faults),
        form=form,
        webhook=found,
    )
