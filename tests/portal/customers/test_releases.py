"""Requests for release: who may ask and answer, that one answer binds, and when a request is over by itself."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from portal.acting import actor_of
from portal.audit.log import Seal, first_broken
from portal.audit.tables import audit
from portal.customers.attaching import attach, detach
from portal.customers.releases import ReleaseRequest, answer_request, ask_release, open_requests
from portal.customers.tables import release_requests
from portal.faults import PeopleRefusal, PeopleRefused
from portal.market.tables import rep_spans
from portal.meters.tables import attachments
from tests.clock import HandClock
from tests.portal.customers.test_attaching import pair, register
from tests.portal.people.stand import Office
from tests.portal.world import BLUEBONNET, esi, viewer

LOSER = "maria.customer@example.com"


async def ask(office: Office, user_id: str = "rep.user", number: int = 1, comment: str = "Moved out.") -> Any:
    who = await viewer(office.database, user_id)
    return await office.acting.run(actor_of(who), lambda act: ask_release(act, who, esi(number), comment))


async def answer(office: Office, request_id: int, user_id: str = "wires.admin", *, release: bool = True) -> Any:
    who = await viewer(office.database, user_id)
    return await office.acting.run(
        actor_of(who), lambda act: answer_request(act, who, request_id, "So be it.", release=release)
    )


async def waiting(office: Office, user_id: str = "wires.admin") -> Any:
    who = await viewer(office.database, user_id)
    async with office.database.reading() as connection:
        found = await open_requests(connection, who, office.clock.now())
    return found.reason if isinstance(found, PeopleRefused) else [each.id for each in found]


async def attached(office: Office) -> int:
    async with office.database.reading() as connection:
        return len((await connection.execute(select(attachments))).all())


async def asked(office: Office, **more: Any) -> ReleaseRequest:
    found = await ask(office, **more)
    assert isinstance(found, ReleaseRequest), found
    return found


async def test_only_those_who_see_the_meter_ask_for_its_release(office: Office) -> None:
    """An invisible meter looks exactly like one that does not exist, attached or not."""
    assert (await ask(office, "blue.admin")) == (await ask(office, "blue.admin", 99))
    assert (await ask(office, "blue.admin")).reason is PeopleRefusal.NOT_THERE
    for user_id in ("maria.customer", "wires.admin", "ercot.user", "team.admin", "coach.user"):
        assert (await ask(office, user_id)).reason is PeopleRefusal.NOT_FOR_YOU, user_id
    assert (await ask(office, number=1, comment="")).reason is PeopleRefusal.FORM
    assert (await ask(office, "rep.admin", number=2)).reason is PeopleRefusal.NOT_NOW, "nobody holds it"
    assert await office.rows(release_requests) == []


async def test_asked_many_times_at_once_there_is_one_request_and_one_letter(office: Office) -> None:
    found = await asyncio.gather(*(ask(office, who) for who in ("rep.user", "rep.admin") * 5))
    assert len({each.id for each in found}) == 1
    assert [row.recipient for row in await office.mail()] == ["desk@wires.example", "wires.admin@example.com"]
    assert [row.action for row in await office.rows(audit, subject_kind="meter")] == ["meter.ask_release"]


async def test_of_many_answers_at_once_one_binds_and_the_loser_is_told_once(office: Office) -> None:
    request = await asked(office)
    results = await asyncio.gather(*(answer(office, request.id, release=bool(n % 2)) for n in range(10)))
    done = [each for each in results if isinstance(each, ReleaseRequest)]
    assert len(done) == 1
    assert {each.reason for each in results if isinstance(each, PeopleRefused)} == {PeopleRefusal.NOT_THERE}
    released = done[0].status == "released"
    assert len(await office.mail(LOSER)) == released
    assert len(await office.mail("rep.user@example.com")) == 1
    assert await attached(office) == (not released)
    async with office.database.reading() as connection:
        assert await first_broken(connection, Seal()) is None


async def test_only_its_own_tdsps_administrators_see_and_answer_a_request(office: Office) -> None:
    request = await asked(office)
    assert await waiting(office) == [request.id]
    assert await waiting(office, "gulf.admin") == []
    assert await waiting(office, "rep.user") == [request.id]
    assert await waiting(office, "blue.admin") == []
    for user_id in ("wires.user", "maria.customer", "ercot.user", "team.admin"):
        assert await waiting(office, user_id) is PeopleRefusal.NOT_FOR_YOU, user_id
    foreign = await answer(office, request.id, "gulf.admin")
    assert foreign == await answer(office, 999, "gulf.admin")
    for user_id in ("wires.user", "rep.admin", "maria.customer"):
        assert (await answer(office, request.id, user_id)).reason is PeopleRefusal.NOT_FOR_YOU, user_id
    assert await waiting(office) == [request.id]


async def test_a_request_ends_with_the_attachment_that_it_is_about(office: Office, clock: HandClock) -> None:
    request = await asked(office)
    await register(office, "second.customer")
    maria, second = [await viewer(office.database, each) for each in ("maria.customer", "second.customer")]
    await office.run(lambda act: detach(act, maria, esi(1)), "maria.customer")
    clock.set(clock.now() + timedelta(seconds=1))
    await office.run(lambda act: attach(act, second, pair(1)), "second.customer")
    assert await waiting(office) == []
    assert (await answer(office, request.id)).reason is PeopleRefusal.NOT_THERE
    again = await asked(office)
    assert (again.id != request.id, again.holder) == (True, "Second Doe")


async def test_a_request_ends_when_another_rep_takes_over(office: Office, clock: HandClock) -> None:
    request = await asked(office)
    ended = update(rep_spans).where(rep_spans.c.esi_id == esi(1)).values(to_at=clock.now())
    begun = insert(rep_spans).values(esi_id=esi(1), duns=BLUEBONNET, from_at=clock.now())
    for change in (ended, begun):
        await office.database.write(lambda connection, change=change: connection.execute(change))  # type: ignore[misc]
    assert (await waiting(office), await waiting(office, "rep.user")) == ([], [])
    assert (await answer(office, request.id)).reason is PeopleRefusal.NOT_THERE
    new = await asked(office, user_id="blue.admin")
    assert await waiting(office) == [new.id]
    assert await waiting(office, "blue.admin") == [new.id]


async def test_a_release_that_a_move_out_forestalled_takes_nothing_and_tells_nobody(office: Office) -> None:
    request = await asked(office)
    before = len(await office.mail())
    await office.database.write(lambda connection: connection.execute(delete(attachments)))
    assert (await answer(office, request.id)).reason is PeopleRefusal.NOT_THERE
    assert len(await office.mail()) == before


async def test_a_declined_request_may_be_asked_again(office: Office) -> None:
    first = await asked(office)
    declined = await answer(office, first.id, release=False)
    assert (declined.status, declined.answer) == ("declined", "So be it.")
    assert await office.mail(LOSER) == []
    second = await asked(office)
    assert (second.id != first.id, await waiting(office)) == (True, [second.id])
