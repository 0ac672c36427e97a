"""Agreements with customers over the official interface: asked for, listed, looked into and ended.

The original's are about a customer's energy data and several meters; the portal's are about one meter each (HAN-05), so
that a request for several makes several. Of the answers only what stands in each service's words is public; the names
agreementList, customerMeterFaultList and agreementFaultList are ours, after those of the requests.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gateway.errors import BadIdentifier
from gateway.identifiers import EsiId
from portal.acting import Act, actor_of
from portal.agreements.changing import NO_DURATION, NO_METER, NewAgreement, make_agreement, terminate_agreement
from portal.agreements.machine import DURATIONS, AgreementKind, AgreementStatus, EndedBy
from portal.agreements.shown import Agreement, find_agreement, list_agreements
from portal.context import Portal
from portal.faults import NOT_THERE, PeopleRefused, bad_form
from portal.permissions import Action
from portal.smt.bodies import text
from portal.smt.facade import SUBMITTED
from portal.smt.services.entries import wall
from portal.smt.services.envelope import CHOICE, METERS, NUMBER, REFUSED, ServiceRefused, field
from portal.viewer import Viewer
from portal.visibility import find_meter

Body = Mapping[str, Any]
Answer = dict[str, Any]
Change = Callable[[Act], Awaitable[Agreement | PeopleRefused]]
LANGUAGES = {"ENGLISH": "en", "SPANISH": "es"}
MOST_AT_ONCE = 50
MOST_LISTED = 500
LONGEST_NUMBER = 9
SOON = timedelta(days=45)
EXPIRING, ENDED = "expire in last 45 days", "terminated in last 45 days"
STATUSES: Mapping[AgreementStatus, tuple[str, str]] = {
    AgreementStatus.PENDING: ("PEN", "Pending - Customer Authorization"),
    AgreementStatus.ACTIVE: ("ACT", "Active - Authorization Confirmed"),
    AgreementStatus.NOT_ACCEPTED: ("NACOM", "Not Accepted"),
    AgreementStatus.EXPIRED: ("NACOM", "Not Accepted - Authorization Expired"),
    AgreementStatus.COMPLETED: ("COM", "Completed"),
    AgreementStatus.TERMINATED: ("TER", "Non Active - Terminated"),
}
"""The code and the words of each status; ACT and NACOM are the original's, the other codes are ours."""
ENDED_BY = {
    EndedBy.COMPANY: "Non Active - Terminated by REP",
    EndedBy.CUSTOMER: "Non Active - Terminated by Customer",
    EndedBy.SWITCH: "Non Active - Terminated by Switch",
    EndedBy.MOVE_OUT: "Non Active - Terminated by Move Out",
}


class AgreementServices:
    """The four services; what is refused of several is refused of all, and each is told."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def handlers(self) -> dict[str, Callable[[Viewer, Body], Awaitable[Answer]]]:
        """Each by its name in the path."""
        return {
            "NewAgreement": self._make,
            "myagreements": self._list,
            "AgreementESIIDs": self._meters,
            "Terminateagreement": self._terminate,
        }

    async def _make(self, viewer: Viewer, body: Body) -> Answer:
        months = _whole(field(body, "agreementDuration"))
        if months not in DURATIONS:
            raise ServiceRefused(CHOICE, f"agreementDuration: {NO_DURATION}")
        language = LANGUAGES.get(text(body, "customerLanguagePreference").strip().upper() or "ENGLISH")
        if language is None:
            raise ServiceRefused(CHOICE, f"customerLanguagePreference must be one of {', '.join(LANGUAGES)}")
        email, wanted = text(body, "retailCustomerEmail").strip(), _listed(body, "customerMeterList")
        changes = [self._making(viewer, each, months, email, language) for each in wanted]
        made, faults = await self._all_or_none(viewer, changes)
        if faults:
            told = [{"ESIID": text(wanted[place], "ESIID")[:40], "reasonCode": why} for place, why in faults]
            raise ServiceRefused(REFUSED, "No agreement was made", customerMeterFaultList=told)
        numbers = [{"agreementNumber": str(each.id), "ESIID": each.esi_id} for each in made]
        submitted = {"statusCode": "0", "statusReason": SUBMITTED}
        return submitted | {"agreementNumber": numbers[0]["agreementNumber"], "agreementList": numbers}

    def _making(self, viewer: Viewer, meter: Body, months: int, email: str, language: str) -> Change:
        secret = self._portal.credentials.make_link().secret
        number = text(meter, "meterNumber").strip()

        async def change(act: Act) -> Agreement | PeopleRefused:
            try:
                esi_id = EsiId(text(meter, "ESIID").strip().removeprefix("'"))
            except BadIdentifier:
                return bad_form({"esi_id": NO_METER})
            seen = await find_meter(act.connection, viewer, esi_id, act.now) if number else None
            if number and (seen is None or seen.number != number):
                return bad_form({"esi_id": NO_METER})
            new = NewAgreement(
                esi_id=esi_id, kind=AgreementKind.ENERGY_DATA, months=months, email=email, language=language
            )
            return await make_agreement(act, viewer, new, secret)

        return change

    async def _list(self, viewer: Viewer, body: Body) -> Answer:
        now, reason = self._portal.clock.now(), text(body, "statusReason").strip()
        if field(body, "agreementNumber") not in (None, ""):
            found = [await self._own(viewer, body)]
        else:
            found = await self._newest(viewer, now)
        entries = [_entry(each, now) for each in found if _is_meant(each, reason, now)]
        return {"agreementStatusList": entries}

    async def _newest(self, viewer: Viewer, now: datetime) -> list[Agreement]:
        found: list[Agreement] = []
        before: int | None = None
        async with self._portal.database.reading() as connection:
            while len(found) < MOST_LISTED:
                page = await list_agreements(connection, viewer, now, before=before)
                found += page.agreements
                before = page.next_before
                if before is None:
                    break
        return found

    async def _meters(self, viewer: Viewer, body: Body) -> Answer:
        agreement = await self._own(viewer, body)
        meters = [{"ESIID": agreement.esi_id, "meterNumber": agreement.number}]
        return {"agreementNumber": str(agreement.id), "ESIIDList": meters}

    async def _terminate(self, viewer: Viewer, body: Body) -> Answer:
        if not viewer.may(Action.SEE_AGREEMENTS):
            raise ServiceRefused(NUMBER, NOT_THERE.words, 404)
        wanted = _listed(body, "agreementList")
        ended, faults = await self._all_or_none(viewer, [self._ending(viewer, each) for each in wanted])
        if faults:
            told = [
                {"agreementNumber": str(field(wanted[place], "agreementNumber") or "")[:40], "reasonCode": why}
                for place, why in faults
            ]
            raise ServiceRefused(REFUSED, "No agreement was ended", agreementFaultList=told)
        now = self._portal.clock.now()
        return {"statusCode": "0", "statusReason": SUBMITTED, "agreementStatusList": [_entry(e, now) for e in ended]}

    def _ending(self, viewer: Viewer, named: Body) -> Change:
        async def change(act: Act) -> Agreement | PeopleRefused:
            number = _whole(field(named, "agreementNumber"))
            found = None if number is None else await find_agreement(act.connection, viewer, number, act.now)
            email = text(named, "retailCustomerEmail").strip()
            if found is None or email.lower() not in ("", found.email.lower()):
                return NOT_THERE
            return await terminate_agreement(act, viewer, found.id)

        return change

    async def _own(self, viewer: Viewer, body: Body) -> Agreement:
        """The agreement that a body names. Raises ServiceRefused alike if there is none or it is another's."""
        number = _whole(field(body, "agreementNumber"))
        found = None
        if number is not None:
            async with self._portal.database.reading() as connection:
                found = await find_agreement(connection, viewer, number, self._portal.clock.now())
        if found is None:
            raise ServiceRefused(NUMBER, "agreementNumber is not that of an agreement of yours", 404)
        return found

    async def _all_or_none(
        self, viewer: Viewer, changes: Sequence[Change]
    ) -> tuple[list[Agreement], list[tuple[int, str]]]:
        """Make all changes in one act; or none, and the place and the words of each that is refused."""

        async def job(act: Act) -> tuple[list[Agreement], list[tuple[int, str]]]:
            async with act.connection.begin_nested() as together:
                answers = [await change(act) for change in changes]
                refused = [(place, each) for place, each in enumerate(answers) if isinstance(each, PeopleRefused)]
                if refused:
                    await together.rollback()
            done = [each for each in answers if isinstance(each, Agreement)]
            return done, [(place, " ".join(each.faults.values()) or each.words) for place, each in refused]

        return await self._portal.acting.run(actor_of(viewer), job)


def _listed(body: Body, name: str) -> list[Body]:
    """The objects of a list. Raises ServiceRefused."""
    found = field(body, name)
    if not isinstance(found, list) or not found or not all(isinstance(each, Mapping) for each in found):
        raise ServiceRefused(METERS if name == "customerMeterList" else NUMBER, f"{name} must list one object at least")
    if len(found) > MOST_AT_ONCE:
        raise ServiceRefused(CHOICE, f"{name} may list {MOST_AT_ONCE} objects at most")
    return found


def _whole(found: Any) -> int | None:
    """A number of ours, as number or text; None if it is not one."""
    words = str(found).strip()
    return int(words) if words.isascii() and words.isdigit() and len(words) <= LONGEST_NUMBER else None


def _entry(agreement: Agreement, now: datetime) -> Answer:
    """An agreement as the list has it, times as everywhere in the services."""
    status = agreement.status_at(now)
    code, words = STATUSES[status]
    ended = ENDED_BY.get(agreement.ended_by, words) if agreement.ended_by else words
    return {
        "agreementNumber": str(agreement.id),
        "status": code,
        "statusReason": ended if status is AgreementStatus.TERMINATED else words,
        "ESIID": agreement.esi_id,
        "meterNumber": agreement.number,
        "retailCustomerEmail": agreement.email,
        "agreementDuration": str(agreement.months),
        "statusDate": wall(agreement.status_since),
        "startDate": wall(agreement.accepted_at) if agreement.accepted_at else "",
        "endDate": wall(agreement.due_at) if agreement.due_at and status is AgreementStatus.ACTIVE else "",
    }


def _is_meant(agreement: Agreement, reason: str, now: datetime) -> bool:
    """Whether an agreement is one that a filter asks for: by code, by words, or by what happens within 45 days."""
    status = agreement.status_at(now)
    match reason.lower():
        case "":
            return True
        case word if word == EXPIRING:
            due = agreement.due_at
            return status is AgreementStatus.ACTIVE and due is not None and due <= now + SOON
        case word if word == ENDED:
            return status is AgreementStatus.TERMINATED and agreement.status_since >= now - SOON
    entry = _entry(agreement, now)
    return reason.lower() in (entry["status"].lower(), entry["statusReason"].lower())
