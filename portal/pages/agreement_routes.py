"""A REP's agreements with customers on pages: the list, a new one, and one with what happened (guide 5.2; HAN-05)."""

from dataclasses import replace
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from gateway.errors import BadIdentifier
from gateway.identifiers import EsiId
from portal.accounts.owner import LANGUAGES
from portal.accounts.sessions import Entered
from portal.acting import actor_of
from portal.agreements.changing import NO_METER, NewAgreement, make_agreement, resend_agreement, terminate_agreement
from portal.agreements.machine import DURATIONS, MOST_LETTERS, OPEN_FOR, AgreementKind, AgreementStatus
from portal.agreements.shown import Agreement, find_agreement, list_agreements
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound, NotPermitted
from portal.faults import PeopleRefusal, PeopleRefused
from portal.locales.catalogues import AGREEMENT_TEXTS
from portal.pages.agreement_view import KINDS, STATUSES, agreement_row, kinds_for
from portal.pages.done_words import and_done, done_words
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import AGREEMENTS, Place, has_agreements
from portal.pages.refusals import BAD_FORM, marked, turn_away, with_refusal
from portal.pages.render import PAGES
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

HOME, NEW = AGREEMENTS.href, f"{AGREEMENTS.href}/new"
ID = Annotated[int, Path(ge=1, le=2**31 - 1)]
BEFORE = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
ASK = Form(
    action=HOME,
    button="Ask the customer",
    fields=(
        Field(
            name="esi_id",
            label="ESI ID",
            required=True,
            missing="Enter the meter's ESI ID",
            hint="17 or 22 digits, of a meter whose REP of record your company is",
            tip="An agreement is about one meter. It ends by itself when the meter switches to another REP, or when "
            "whoever agreed moves out.",
            most=22,
            literal=True,
            digits=True,
            fill="off",
        ),
        Field(name="kind", label="What is asked for", kind=FieldKind.RADIO, required=True),
        Field(
            name="months",
            label="For how long",
            kind=FieldKind.SELECT,
            required=True,
            hint="From the customer's consent on",
            choices=tuple(Choice(str(each), f"{each} month{'' if each == 1 else 's'}") for each in DURATIONS),
        ),
        Field(
            name="email",
            label="Customer's e-mail address",
            kind=FieldKind.EMAIL,
            required=True,
            missing="Enter the customer's e-mail address",
            hint="The letter with the link that answers goes there",
            tip="Whoever opens the link can answer and can end the agreement. The customer needs no account.",
            most=254,
            fill="off",
        ),
        Field(
            name="language",
            label="Language of letter and page",
            kind=FieldKind.RADIO,
            required=True,
            missing="Choose a language",
            hint="The customer reads and answers in it",
            choices=tuple(Choice(key, words) for key, words in LANGUAGES.items() if key in AGREEMENT_TEXTS.languages),
        ),
    ),
    values={"months": "12", "language": "en"},
)


@router.get(HOME)
async def agreements(request: Request, who: EnteredHere, status: str = "", before: BEFORE = None) -> Response:
    """The company's agreements, the newest first, all or those of a status."""
    _rep(who)
    portal, now = portal_of(request), portal_of(request).clock.now()
    chosen = AgreementStatus(status) if status in set(AgreementStatus) else None
    async with portal.database.reading() as connection:
        found = await list_agreements(connection, who.viewer, now, before=before, status=chosen)
    kept = f"status={chosen}&" if chosen else ""
    return PAGES.page(
        request,
        "agreements.html",
        who,
        AGREEMENTS.words,
        place=HOME,
        help_at="agreements",
        rows=[agreement_row(each, who.viewer, HOME, now) for each in found.agreements],
        older=f"{HOME}?{kept}before={found.next_before}" if found.next_before else "",
        newest=f"{HOME}{f'?status={chosen}' if chosen else ''}" if before else "",
        wanted=chosen,
        statuses={each: words for each, (words, _) in STATUSES.items()},
        may_ask=bool(kinds_for(who.viewer)),
        said=done_words(request.query_params),
    )


@router.get(NEW)
async def new_form(request: Request, who: EnteredHere, esi_id: str = "", kind: str = "") -> Response:
    """The form that asks; a meter's page leads here with its ESI ID."""
    given = {"esi_id": esi_id[:22], "kind": kind if kind in set(AgreementKind) else ""}
    return _new_page(request, who, _form_of(who).filled({**ASK.values, **given}))


@router.post(HOME)
async def ask(request: Request, who: EnteredHere) -> Response:
    """Record the agreement and mail the customer, then show it; pressed twice, he is asked once."""
    portal, form = portal_of(request), await _form_of(who).read(request)
    esi_id: EsiId | None = None
    try:
        esi_id = EsiId(form["esi_id"])
    except BadIdentifier:
        form = form.judged({"esi_id": NO_METER, **form.faults} if form["esi_id"] else form.faults)
    if form.faults or esi_id is None:
        return _new_page(request, who, form, status=BAD_FORM)
    new = NewAgreement(
        esi_id=esi_id,
        kind=AgreementKind(form["kind"]),
        months=int(form["months"]),
        email=form["email"],
        language=form["language"],
    )
    secret = portal.credentials.make_link().secret
    answer = await portal.acting.run(actor_of(who.viewer), lambda act: make_agreement(act, who.viewer, new, secret))
    if isinstance(answer, PeopleRefused):
        turn_away(answer)
        return marked(request, _new_page(request, who, with_refusal(form, answer, "esi_id")), answer)
    return RedirectResponse(and_done(f"{HOME}/{answer.id}", "agreement-asked"), status_code=303)


@router.get(f"{HOME}/{{agreement_id}}")
async def one(request: Request, who: EnteredHere, agreement_id: ID) -> Response:
    """One agreement: whom, about what, where it stands and what happened."""
    return _page(request, who, await _own(request, who, agreement_id))


@router.post(f"{HOME}/{{agreement_id}}/resend")
async def resend(request: Request, who: EnteredHere, agreement_id: ID) -> Response:
    """Mail the letter once more, with a new link."""
    portal = portal_of(request)
    secret = portal.credentials.make_link().secret
    answer = await portal.acting.run(
        actor_of(who.viewer), lambda act: resend_agreement(act, who.viewer, agreement_id, secret)
    )
    return await _after(request, who, agreement_id, answer, "agreement-mailed")


@router.get(f"{HOME}/{{agreement_id}}/end")
async def end_form(request: Request, who: EnteredHere, agreement_id: ID) -> Response:
    """Ask once more before an agreement is ended."""
    agreement = await _own(request, who, agreement_id)
    row = agreement_row(agreement, who.viewer, HOME, portal_of(request).clock.now())
    if not row.may_end:
        return RedirectResponse(row.href, status_code=303)
    return PAGES.page(
        request,
        "agreement_end.html",
        who,
        "End an agreement",
        place=HOME,
        beneath=(Place(_title(agreement), row.href),),
        help_at="agreements",
        row=row,
        form=Form(action=f"{row.href}/end", button="End it now", fields=(), danger=True),
    )


@router.post(f"{HOME}/{{agreement_id}}/end")
async def end(request: Request, who: EnteredHere, agreement_id: ID) -> Response:
    """End it for the company."""
    portal = portal_of(request)
    answer = await portal.acting.run(
        actor_of(who.viewer), lambda act: terminate_agreement(act, who.viewer, agreement_id)
    )
    return await _after(request, who, agreement_id, answer, "agreement-ended")


@router.get(f"{HOME}/{{agreement_id}}/resend")
async def back_to_agreement(request: Request, who: EnteredHere, agreement_id: ID) -> Response:
    """Where a reload of a refused change leads."""
    return RedirectResponse(f"{HOME}/{(await _own(request, who, agreement_id)).id}", status_code=303)


def _rep(who: Entered) -> None:
    """Raises NotFound for whoever has no agreements: these pages are not theirs."""
    if not has_agreements(who.viewer):
        raise NotFound


def _form_of(who: Entered) -> Form:
    """The form with the kinds that somebody may ask for. Raises NotFound, or NotPermitted for those who only read."""
    _rep(who)
    kinds = kinds_for(who.viewer)
    if not kinds:
        raise NotPermitted
    choices = tuple(Choice(str(kind), *KINDS[kind]) for kind in kinds)
    fields = (replace(each, choices=choices) if each.name == "kind" else each for each in ASK.fields)
    return replace(ASK, fields=tuple(fields))


async def _own(request: Request, who: Entered, agreement_id: int) -> Agreement:
    """An agreement of the viewer's company. Raises NotFound."""
    _rep(who)
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await find_agreement(connection, who.viewer, agreement_id, portal.clock.now())
    if found is None:
        raise NotFound
    return found


async def _after(
    request: Request, who: Entered, agreement_id: int, answer: Agreement | PeopleRefused, done: str
) -> Response:
    """The agreement's page after a change; a refusal is shown in its place."""
    if not isinstance(answer, PeopleRefused):
        return RedirectResponse(and_done(f"{HOME}/{agreement_id}", done), status_code=303)
    if answer.reason is not PeopleRefusal.NOT_NOW:
        turn_away(answer)
    return marked(request, _page(request, who, await _own(request, who, agreement_id), answer.words), answer)


def _title(agreement: Agreement) -> str:
    return f"{KINDS[agreement.kind][0]} agreement"


def _page(request: Request, who: Entered, agreement: Agreement, refusal: str = "") -> Response:
    title = _title(agreement)
    return PAGES.page(
        request,
        "agreement.html",
        who,
        title,
        place=HOME,
        beneath=(Place(title, f"{HOME}/{agreement.id}"),),
        help_at="agreements",
        error=bool(refusal),
        row=agreement_row(agreement, who.viewer, HOME, portal_of(request).clock.now()),
        language=LANGUAGES[agreement.language],
        refusal=refusal,
        said=done_words(request.query_params),
        most_letters=MOST_LETTERS,
    )


def _new_page(request: Request, who: Entered, form: Form, status: int = 200) -> Response:
    return PAGES.page(
        request,
        "agreement_new.html",
        who,
        "New agreement",
        place=HOME,
        beneath=(Place("New agreement", NEW),),
        help_at="agreements",
        status=status,
        error=bool(form.faults),
        form=form,
        open_days=OPEN_FOR.days,
    )
