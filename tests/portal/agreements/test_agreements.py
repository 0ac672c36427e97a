"""Agreements: the table over all pairs, who may ask, what the link does, and what ends them."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from gateway.dice import SeededDice
from gateway.identifiers import Duns
from gateway.market_notices import RepChange
from portal.agreements.changing import end_due
from portal.agreements.machine import (
    AGREEMENT_TRANSITIONS,
    STANDING,
    AgreementAction,
    AgreementStatus,
    agreement_after,
    ends_after,
)
from portal.agreements.shown import Agreement, find_invitation
from portal.agreements.tables import agreements
from portal.audit.log import SYSTEM, Seal, first_broken
from portal.audit.tables import audit
from portal.faults import PeopleRefusal, PeopleRefused
from portal.market.desk import MarketDesk
from tests.clock import HandClock
from tests.portal.agreements.asking import ENERGY, HOME, SERVICES, agreed, answer, ask, asked, end, resend, seen
from tests.portal.market.words import rep, tell
from tests.portal.people.stand import Office
from tests.portal.world import BLUEBONNET, esi

HERE = esi(1)
DRAWING = """
             accept decline      expire  complete  terminate
pending      active not_accepted expired -         terminated
active       -      -            -       completed terminated
not_accepted -      -            -       -         -
expired      -      -            -       -         -
completed    -      -            -       -         -
terminated   -      -            -       -         -
"""


def test_the_table_is_its_drawing_over_all_pairs() -> None:
    head, *lines = DRAWING.strip().splitlines()
    drawn: dict[tuple[str, str], str] = {}
    for line in lines:
        status, *cells = line.split()
        drawn |= {(status, action): cell for action, cell in zip(head.split(), cells, strict=True)}
    pairs = list(product(AgreementStatus, AgreementAction))
    assert {(str(a), str(b)): str(agreement_after(a, b) or "-") for a, b in pairs} == drawn
    assert {status for status, _ in AGREEMENT_TRANSITIONS} == set(STANDING), "what is over stays as it is"


@pytest.mark.parametrize(
    ("start", "months", "end_day"),
    [("2026-01-31", 1, "2026-02-28"), ("2026-12-15", 1, "2027-01-15"), ("2024-02-29", 36, "2027-02-28")],
)
def test_months_end_on_the_same_day_or_the_months_last(start: str, months: int, end_day: str) -> None:
    at = datetime.fromisoformat(f"{start}T10:30:00").replace(tzinfo=UTC)
    assert ends_after(at, months).isoformat() == f"{end_day}T10:30:00+00:00"


async def test_a_company_asks_for_a_meter_that_it_sees_and_with_the_permission_of_the_kind(office: Office) -> None:
    for user_id in ("wires.admin", "maria.customer", "ercot.user", "team.admin", "coach.user"):
        assert (await ask(office, user_id)).reason is PeopleRefusal.NOT_FOR_YOU, user_id
    assert (await ask(office, "rep.user")).reason is PeopleRefusal.NOT_FOR_YOU, "without the permission"
    assert await ask(office, "blue.admin") == await ask(office, "blue.admin", number=99)
    faults = (await ask(office, number=99, months=2, email="none", language="xx")).faults
    assert set(faults) == {"esi_id", "months", "email", "language"}, "every fault at once"
    assert await office.rows(agreements) == []
    assert await office.mail(HOME) == []


async def test_asked_many_times_at_once_there_is_one_of_a_kind(office: Office) -> None:
    found = await asyncio.gather(*(ask(office) for _ in range(6)))
    assert len([each for each in found if isinstance(each, Agreement)]) == 1
    assert {each.reason for each in found if isinstance(each, PeopleRefused)} == {PeopleRefusal.NOT_NOW}
    assert len(await office.mail(HOME)) == 1
    await asked(office, kind=ENERGY)
    await asked(office, kind=SERVICES)
    assert len(await seen(office)) == 3


async def test_only_the_hash_of_the_link_is_kept(office: Office) -> None:
    await asked(office, secret="a link that nobody keeps")
    (row,) = await office.rows(agreements)
    assert "a link that nobody keeps" not in str(row)
    assert len(row.link_key) == 64
    async with office.database.reading() as connection:
        assert await find_invitation(connection, row.link_key) is None, "what is kept opens nothing"
        assert await find_invitation(connection, "a link that nobody keeps") is not None


async def test_a_letter_is_sent_again_once_and_its_new_link_takes_the_olds_place(office: Office) -> None:
    agreement = await asked(office, secret="first")
    assert (await resend(office, agreement.id, "second")).letters == 2
    assert (await resend(office, agreement.id, "third")).reason is PeopleRefusal.NOT_NOW
    assert len(await office.mail(HOME)) == 2
    assert (await answer(office, "first")).reason is PeopleRefusal.NOT_THERE
    assert await answer(office, "second") == "active"
    assert (await resend(office, agreement.id, "fourth")).reason is PeopleRefusal.NOT_NOW


async def test_an_accepted_agreement_holds_for_its_months_and_is_then_completed(
    office: Office, clock: HandClock
) -> None:
    agreement = await agreed(office, months=3)
    (now,) = await seen(office)
    assert (now.status, now.accepted_at, now.due_at) == ("active", clock.now(), ends_after(clock.now(), 3))
    assert await answer(office, "the link") == "active", "pressed twice"
    assert (await answer(office, "the link", AgreementAction.DECLINE)).reason is PeopleRefusal.NOT_NOW
    assert now.due_at is not None
    clock.set(now.due_at - timedelta(seconds=1))
    assert await office.acting.run(SYSTEM, end_due) == 0
    clock.set(now.due_at)
    assert (await answer(office, "the link", AgreementAction.TERMINATE)).reason is PeopleRefusal.NOT_NOW
    assert await office.acting.run(SYSTEM, end_due) == 1
    assert [each.status for each in await seen(office)] == ["completed"]
    assert [row.action for row in await office.rows(audit, subject_kind="agreement", subject_id=str(agreement.id))] == [
        "agreement.ask",
        "agreement.accept",
        "agreement.complete",
    ]


async def test_a_question_is_open_for_thirty_days_to_the_second(office: Office, clock: HandClock) -> None:
    agreement = await asked(office, secret="late")
    clock.set(clock.now() + timedelta(days=30) - timedelta(seconds=1))
    assert await office.acting.run(SYSTEM, end_due) == 0
    clock.set(clock.now() + timedelta(seconds=1))
    assert (await answer(office, "late")).reason is PeopleRefusal.NOT_NOW, "even if nobody has expired it yet"
    assert (await resend(office, agreement.id, "again")).reason is PeopleRefusal.NOT_NOW
    assert await office.acting.run(SYSTEM, end_due) == 1
    assert [each.status for each in await seen(office)] == ["expired"]
    await asked(office)


async def test_company_and_customer_end_it_and_one_that_was_declined_may_be_asked_for_anew(office: Office) -> None:
    first = await agreed(office)
    assert (await end(office, first.id)).ended_by == "company"
    assert (await end(office, first.id)).reason is PeopleRefusal.NOT_NOW
    await asked(office, secret="second")
    assert await answer(office, "second", AgreementAction.DECLINE) == "not_accepted"
    await asked(office, secret="third")
    assert await answer(office, "third") == "active"
    assert await answer(office, "third", AgreementAction.TERMINATE) == "terminated"
    assert [(each.status, each.ended_by) for each in await seen(office)] == [
        ("terminated", "customer"),
        ("not_accepted", None),
        ("terminated", "company"),
    ]
    async with office.database.reading() as connection:
        assert await first_broken(connection, Seal()) is None


async def test_another_companys_agreement_is_not_there(office: Office) -> None:
    agreement = await asked(office)
    for user_id in ("blue.admin", "wires.admin", "maria.customer", "ercot.user"):
        assert await seen(office, user_id) == [], user_id
        assert await end(office, agreement.id, user_id) == await end(office, 999, user_id), user_id
    assert [each.id for each in await seen(office, "rep.user")] == [agreement.id]
    assert (await end(office, agreement.id, "rep.user")).reason is PeopleRefusal.NOT_FOR_YOU, "read-only"


@pytest.mark.parametrize(
    ("change", "to", "by"), [(RepChange.SWITCH, BLUEBONNET, "switch"), (RepChange.MOVE_OUT, None, "move_out")]
)
async def test_a_switch_and_a_move_out_end_agreements_with_the_notice(
    office: Office, clock: HandClock, change: RepChange, to: Duns | None, by: str
) -> None:
    await agreed(office)
    await asked(office, kind=ENERGY, secret="open")
    other = await asked(office, number=2)
    feed = MarketDesk(office.database, clock, SeededDice(3))
    await tell(feed, rep(clock.now(), change, to, HERE))
    rows = await office.rows(agreements, esi_id=HERE)
    assert [(row.status, row.ended_by) for row in rows] == [("terminated", by)] * 2, "with no scheduler's help"
    assert [row.status for row in await office.rows(agreements, id=other.id)] == ["pending"]
    assert (await answer(office, "open")).reason is PeopleRefusal.NOT_NOW
    assert await office.acting.run(SYSTEM, end_due) == 2
    assert await office.acting.run(SYSTEM, end_due) == 0, "noted once"
    noted = [row.cause for row in await office.rows(audit, action="agreement.terminate")]
    assert noted == [f"ended by a {by}"] * 2
