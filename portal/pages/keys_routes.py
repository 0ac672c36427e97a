"""API keys on pages: a company's administrators make, roll and end them; a new key is shown once."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import RedirectResponse, Response

from gateway.clock import CENTRAL, central_date
from portal.accounts.sessions import Entered
from portal.acting import actor_of
from portal.api_keys.changing import LONGEST_NAME, MadeKey, company_of, make, revoke, roll
from portal.api_keys.keys import SECRET_BYTES, ApiKey, key_of, keys_of
from portal.api_keys.tables import Scope
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.faults import PeopleRefusal, PeopleRefused
from portal.pages import shown_once
from portal.pages.done_words import done_words
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import KEYS, Place
from portal.pages.render import PAGES
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

NEW, SHOWN = f"{KEYS.href}/new", f"{KEYS.href}/shown"
ID = Annotated[int, Path(ge=1, le=2**31 - 1)]
SCOPES = {
    Scope.MARKET_READ: ("Read the market", "look up premises, meters and REPs of record, and what became of notices"),
    Scope.MARKET_WRITE: ("Tell the market", "send notices of new premises, exchanges, switches; for TDSPs only"),
}
MAKE = Form(
    action=KEYS.href,
    button="Make the key",
    fields=(
        Field(
            name="name",
            label="Name",
            required=True,
            most=LONGEST_NAME,
            hint="What the key is for, such as “Nightly market feed”",
            tip="Only your company's administrators see the name. A program of its own, a key of its own: then it can "
            "be ended without the others.",
            fill="off",
        ),
        Field(
            name="scopes",
            label="What it opens",
            kind=FieldKind.CHECKBOXES,
            required=True,
            missing="Choose what the key opens",
            hint="As little as the program needs",
            choices=tuple(Choice(str(scope), words, note) for scope, (words, note) in SCOPES.items()),
        ),
        Field(
            name="expires_at",
            label="Last day",
            kind=FieldKind.DATE,
            hint="It works to the end of this day, Central time. Left blank, until it is revoked",
            tip="A key that ends by itself is one that nobody has to remember.",
        ),
    ),
)
GRACES = (
    Choice("0", "None", "it ends at once"),
    Choice("3600", "1 hour"),
    Choice("86400", "1 day"),
    Choice("604800", "7 days"),
    Choice("2592000", "30 days"),
)
ROLL = Form(
    action=KEYS.href,
    button="Roll the key",
    fields=(
        Field(
            name="grace",
            label="How much longer the old key works",
            kind=FieldKind.RADIO,
            required=True,
            hint="Both keys work until then, so that no program stands still while you put in the new one",
            choices=GRACES,
        ),
    ),
    values={"grace": "86400"},
)


@router.get(KEYS.href)
async def keys(request: Request, who: EnteredHere) -> Response:
    """A company's keys, those that stand first."""
    portal, now = portal_of(request), portal_of(request).clock.now()
    async with portal.database.reading() as connection:
        found = await keys_of(connection, _company(who))
    return PAGES.page(
        request,
        "keys.html",
        who,
        KEYS.words,
        place=KEYS.href,
        help_at="programs",
        standing=[key for key in found if key.stands(now)],
        ended=[key for key in found if not key.stands(now)],
        scopes={scope: words for scope, (words, _) in SCOPES.items()},
        said=done_words(request.query_params),
    )


@router.get(NEW)
async def new_form(request: Request, who: EnteredHere) -> Response:
    """The form for a new key."""
    _company(who)
    return _form_page(request, who, MAKE)


@router.post(KEYS.href)
async def make_new(request: Request, who: EnteredHere) -> Response:
    """Make a key, and lead to the page that shows it."""
    _company(who)
    portal, form = portal_of(request), await MAKE.read(request)
    expires_at = _end_of(form["expires_at"])
    if form["expires_at"] and expires_at is None:
        form = form.refused({"expires_at": "Enter the last day as a date"})
    elif expires_at is not None and expires_at <= portal.clock.now():
        form = form.refused({"expires_at": f"Choose {central_date(portal.clock.now()):%m/%d/%Y} or a later day"})
    if form.faults:
        return _form_page(request, who, form, status=422)
    chance, scopes = portal.dice.secret(SECRET_BYTES), [Scope(each) for each in form.chosen["scopes"]]
    answer = await portal.acting.run(
        actor_of(who.viewer), lambda act: make(act, who.viewer, chance, form["name"], scopes, expires_at)
    )
    if isinstance(answer, PeopleRefused):
        return _form_page(request, who, form.refused(answer.faults), status=422)
    return _shown_next(request, who, answer)


@router.get(SHOWN)
async def shown(request: Request, who: EnteredHere) -> Response:
    """A key that was just made, this once; afterwards the page says only that it was shown."""
    _company(who)
    page = PAGES.page(
        request,
        "key_shown.html",
        who,
        "Your new key",
        place=KEYS.href,
        help_at="programs",
        key=shown_once.taken(request, who, SHOWN),
    )
    shown_once.forget(request, page, SHOWN)
    return page


@router.get(f"{KEYS.href}/{{key_id}}/roll")
async def roll_form(request: Request, who: EnteredHere, key_id: ID) -> Response:
    """The form that asks for how long the old key works on."""
    key = await _standing(request, who, key_id)
    return _form_page(request, who, replace(ROLL, action=_at(key, "roll")), key=key)


@router.post(f"{KEYS.href}/{{key_id}}/roll")
async def roll_one(request: Request, who: EnteredHere, key_id: ID) -> Response:
    """Make a key in the place of this one, and lead to the page that shows it."""
    portal, key = portal_of(request), await _standing(request, who, key_id)
    form = await replace(ROLL, action=_at(key, "roll")).read(request)
    if form.faults:
        return _form_page(request, who, form, key=key, status=422)
    chance, grace = portal.dice.secret(SECRET_BYTES), timedelta(seconds=int(form["grace"]))
    answer = await portal.acting.run(actor_of(who.viewer), lambda act: roll(act, who.viewer, chance, key_id, grace))
    if isinstance(answer, PeopleRefused):  # somebody ended it while the form was open
        return RedirectResponse(KEYS.href, status_code=303)
    return _shown_next(request, who, answer)


@router.get(f"{KEYS.href}/{{key_id}}/revoke")
async def revoke_form(request: Request, who: EnteredHere, key_id: ID) -> Response:
    """Ask once more before a key is ended."""
    key = await _standing(request, who, key_id)
    form = Form(action=_at(key, "revoke"), button="Revoke the key", fields=(), danger=True)
    return PAGES.page(
        request,
        "key_revoke.html",
        who,
        "Revoke a key",
        place=KEYS.href,
        help_at="programs",
        form=form,
        key=key,
    )


@router.post(f"{KEYS.href}/{{key_id}}/revoke")
async def revoke_one(request: Request, who: EnteredHere, key_id: ID) -> Response:
    """End a key, then show the list; pressed twice, it has ended once."""
    _company(who)
    answer = await portal_of(request).acting.run(actor_of(who.viewer), lambda act: revoke(act, who.viewer, key_id))
    if isinstance(answer, PeopleRefused) and answer.reason is PeopleRefusal.NOT_THERE:
        raise NotFound
    return RedirectResponse(f"{KEYS.href}?done=key-revoked", status_code=303)


def _company(who: Entered) -> int:
    """The company whose keys somebody looks after. Raises NotFound for all others: these pages are not theirs."""
    company_id = company_of(who.viewer)
    if company_id is None:
        raise NotFound
    return company_id


async def _standing(request: Request, who: Entered, key_id: int) -> ApiKey:
    """A key that can still be changed. Raises NotFound."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        key = await key_of(connection, _company(who), key_id)
    if key is None or not key.stands(portal.clock.now()):
        raise NotFound
    return key


def _at(key: ApiKey, what: str) -> str:
    return f"{KEYS.href}/{key.id}/{what}"


def _end_of(day: str) -> datetime | None:
    """The end of a Chicago day that a browser's date field gave, None if it is none."""
    try:
        begins = datetime.strptime(day, "%Y-%m-%d")  # noqa: DTZ007  # the zone is put in below, behind the day's end
    except ValueError:
        return None
    if begins.year > 9000:
        return None
    return (begins + timedelta(days=1)).replace(tzinfo=CENTRAL)


def _shown_next(request: Request, who: Entered, made: MadeKey) -> Response:
    onward = RedirectResponse(SHOWN, status_code=303)
    shown_once.hand_over(request, onward, who, SHOWN, made.key)
    return onward


def _form_page(request: Request, who: Entered, form: Form, *, key: ApiKey | None = None, status: int = 200) -> Response:
    title = "New key" if key is None else "Roll a key"
    return PAGES.page(
        request,
        "key_form.html",
        who,
        title,
        place=KEYS.href,
        beneath=(Place(title, request.url.path),),
        help_at="programs",
        status=status,
        error=bool(form.faults),
        form=form,
        key=key,
    )
