"""Market notices as pages: a TDSP sees what it told, and its administrators tell exchanges, REP changes and files."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from gateway.market_notices import MOST_AT_ONCE, RepOfRecordChanged
from portal.accounts.sessions import Entered
from portal.acting import actor_of
from portal.audit.log import Subject
from portal.context import Portal, portal_of
from portal.customers.attaching import meter_subject
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.market import csv_file
from portal.market.csv_file import BadRow, Row
from portal.market.feed import NoticeOutcome, Sender
from portal.market.history import NoticeSeen, newest_notices
from portal.market.notices import NoticeRefusal
from portal.market.tables import NoticeSource, NoticeState
from portal.pages.done_words import and_done, done_words
from portal.pages.forms import Form
from portal.pages.navigation import NOTICES, Place
from portal.pages.notice_fields import CHANGE_WORDS, EXCHANGE, FILE, KINDS, REP_CHANGE, notice_of
from portal.pages.render import PAGES
from portal.parts import Part
from portal.permissions import Action

router = Part(include_in_schema=False, default_response_class=Response)

PAGE = 50
MOST_SAID = 50
LARGEST = 2**31 - 1
TITLES = {
    "exchange": "Tell a Meter Exchange",
    "rep-of-record": "Tell a Change of REP of Record",
    "file": "Load a Feed File",
}
LEADS = {
    "exchange": "The ESI ID keeps its history across both meters. Home devices of the former meter go with it.",
    "rep-of-record": "Who loses the premise sees it no longer from that instant on, on no page, report or program.",
    "file": "Rows that are right are applied even if others are refused; a file may be loaded again after mending.",
}
FORMS = {"exchange": EXCHANGE, "rep-of-record": REP_CHANGE}
KIND_WORDS: Mapping[str, str] = {
    "esi_id_created": "ESI ID created",
    "esi_id_retired": "ESI ID retired",
    "meter_installed": "Meter installed",
    "meter_provisioned": "Meter provisioned",
    "meter_exchanged": "Meter exchanged",
    "rep_of_record_changed": "REP of record changed",
    "premise_changed": "Premise changed",
    "meter_changed": "Meter changed",
}
STATE_TAGS: Mapping[NoticeState, str] = {
    NoticeState.APPLIED: "good",
    NoticeState.WAITING: "warn",
    NoticeState.REFUSED: "bad",
}
AT_FIELD: Mapping[NoticeRefusal, str] = {
    NoticeRefusal.NO_SUCH_METER: "meter",
    NoticeRefusal.METER_THERE: "new_meter",
    NoticeRefusal.METER_ELSEWHERE: "new_meter",
    NoticeRefusal.TOO_FAR: "date",
}
"""The field that a refusal is about; the others are about the premise."""
NOT_TEXT = "The file holds bytes that are not UTF-8: save it as CSV in UTF-8"


@router.get(NOTICES.href)
async def notices(
    request: Request,
    who: EnteredHere,
    state: NoticeState | None = None,
    before: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
) -> Response:
    """What the company told, however it came, the newest first."""
    if not who.viewer.may(Action.SEE_NOTICES) or who.viewer.company_id is None:
        raise NotFound
    async with portal_of(request).database.reading() as connection:
        found = await newest_notices(connection, who.viewer.company_id, state, before, PAGE + 1)
    return PAGES.page(
        request,
        "notices.html",
        who,
        NOTICES.words,
        place=NOTICES.href,
        help_at="notices",
        found=[(each, details_of(each)) for each in found[:PAGE]],
        older=found[PAGE - 1].number if len(found) > PAGE else None,
        state=state,
        states=list(NoticeState),
        tags=STATE_TAGS,
        kind_words=KIND_WORDS,
        may_tell=who.viewer.may(Action.TELL_NOTICES),
        done=done_words(request.query_params),
    )


@router.get(f"{NOTICES.href}/exchange")
async def exchange_page(request: Request, who: EnteredHere, esi_id: str = "", meter: str = "") -> Response:
    """The form that tells a meter exchange; the address may fill in which meter's."""
    form = EXCHANGE.filled({"esi_id": esi_id[:22], "meter": meter[:20]})
    return _form_page(request, who, "exchange", _fresh(portal_of(request), form))


@router.post(f"{NOTICES.href}/exchange")
async def exchange(request: Request, who: EnteredHere) -> Response:
    """Tell a meter exchange."""
    return await _tell(request, who, "exchange")


@router.get(f"{NOTICES.href}/rep-of-record")
async def rep_page(request: Request, who: EnteredHere, esi_id: str = "") -> Response:
    """The form that tells a change of REP of record."""
    return _form_page(
        request, who, "rep-of-record", _fresh(portal_of(request), REP_CHANGE.filled({"esi_id": esi_id[:22]}))
    )


@router.post(f"{NOTICES.href}/rep-of-record")
async def rep_change(request: Request, who: EnteredHere) -> Response:
    """Tell a change of REP of record."""
    return await _tell(request, who, "rep-of-record")


@router.get(f"{NOTICES.href}/file")
async def file_page(request: Request, who: EnteredHere) -> Response:
    """The form that loads a feed file."""
    return _form_page(request, who, "file", FILE)


@router.post(f"{NOTICES.href}/file")
async def load_file(request: Request, who: EnteredHere) -> Response:
    """Load a feed file; what is refused is named by its line, all else stands."""
    sender = _sender(who)
    form = await FILE.read(request)
    if form.faults:
        return _form_page(request, who, "file", form, status=422)
    try:
        lines = io.StringIO(form.files["file"].content.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError:
        return _form_page(request, who, "file", form.refused({"file": NOT_TEXT}), status=422)
    rows = list(csv_file.read(lines))
    told = [row for row in rows if isinstance(row, Row)]
    file = Subject(
        kind="file", id=form.files["file"].name[:40], words=form.files["file"].name[:200], company_id=sender.company_id
    )
    await _noted(portal_of(request), who, file, f"{len(told):,} notices told by file")
    outcomes = list[NoticeOutcome]()
    for start in range(0, len(told), MOST_AT_ONCE):
        some = [row.notice for row in told[start : start + MOST_AT_ONCE]]
        outcomes += await portal_of(request).market.take(sender, some, NoticeSource.FILE)
    refused = said_of(rows, outcomes)
    if not refused:
        return RedirectResponse(and_done(NOTICES.href, "file-loaded"), status_code=303)
    stands = sum(outcome.reason is None for outcome in outcomes)
    words = f"{len(refused):,} of {len(rows):,} rows refused, each named below; {stands:,} stand"
    return _form_page(request, who, "file", form.refused({"file": words}), status=422, refused=refused)


def said_of(rows: Sequence[Row | BadRow], outcomes: Sequence[NoticeOutcome]) -> list[str]:
    """A line for each row that was refused, in the file's order."""
    answers = iter(outcomes)
    said = []
    for row in rows:
        if isinstance(row, BadRow):
            said.append(str(row))
        elif (outcome := next(answers)).reason is not None:
            said.append(f"line {row.line}, id {outcome.id}: {outcome.words}")
    return said


def details_of(seen: NoticeSeen) -> str:
    """What a notice says beside its premise and its instant, in few words."""
    notice = seen.notice
    if isinstance(notice, RepOfRecordChanged):
        return f"{CHANGE_WORDS[notice.change]}{f' to {notice.rep_duns}' if notice.rep_duns else ''}"
    meter, hung = getattr(notice, "meter", None), getattr(notice, "new_meter", None)
    if notice.kind == KINDS["exchange"]:
        return f"{meter} to {hung or 'a conventional meter'}"
    return str(meter or getattr(notice, "successor", None) or "")


async def _tell(request: Request, who: Entered, what: str) -> Response:
    sender, portal = _sender(who), portal_of(request)
    form = await replace(FORMS[what], hidden={"id": ""}).read(request)
    if not OURS.fullmatch(form.hidden["id"]):
        form = _fresh(portal, form)
    notice = notice_of(form, KINDS[what])
    if isinstance(notice, Form):
        return _form_page(request, who, what, notice, status=422)
    await _noted(
        portal, who, meter_subject(notice.esi_id, sender.company_id), f"{notice.kind} told, notice {notice.id}"
    )
    (outcome,) = await portal.market.take(sender, [notice], NoticeSource.PAGE)
    if outcome.reason is not None:
        name = AT_FIELD.get(outcome.reason, "esi_id")
        known = {each.name for each in form.fields}
        shown = _fresh(portal, form).refused(
            {name if name in known else "esi_id": outcome.words or str(outcome.reason)}
        )
        return _form_page(request, who, what, shown, status=409)
    done = "notice-applied" if outcome.state is NoticeState.APPLIED else "notice-waits"
    return RedirectResponse(and_done(NOTICES.href, done), status_code=303)


async def _noted(portal: Portal, who: Entered, subject: Subject, cause: str) -> None:
    """Write down who told what, before it is told: what became of it stands with the notice."""
    await portal.acting.run(actor_of(who.viewer), lambda act: act.note("market.tell", subject, cause))


OURS = re.compile("page-[0-9a-f-]{36}")
"""The ids of notices that are told on pages."""


def _fresh(portal: Portal, form: Form) -> Form:
    """A form under an id of its own, so that a button that is pressed twice tells one notice."""
    return replace(form, hidden={"id": f"page-{portal.dice.request_id(portal.clock.now())}"})


def _sender(who: Entered) -> Sender:
    """The company that tells. Raises NotFound for whoever may not."""
    if not who.viewer.may(Action.TELL_NOTICES) or who.viewer.company_id is None:
        raise NotFound
    return Sender(company_id=who.viewer.company_id, active=True)


def _form_page(
    request: Request, who: Entered, what: str, form: Form, *, status: int = 200, refused: Sequence[str] = ()
) -> Response:
    _sender(who)
    return PAGES.page(
        request,
        "notice_form.html",
        who,
        TITLES[what],
        place=NOTICES.href,
        beneath=[Place(TITLES[what], f"{NOTICES.href}/{what}")],
        help_at="notices",
        status=status,
        error=bool(form.faults),
        lead=LEADS[what],
        form=form,
        csrf=who.session.csrf,
        refused=refused[:MOST_SAID],
        more=max(0, len(refused) - MOST_SAID),
    )
