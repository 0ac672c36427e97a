"""The checker of `make crash` itself: a pair of databases made by hand is well, and each fault put into it is seen."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Delete, Insert, Update, delete, insert, select, update

from gateway.database import Database
from gateway.errors import FailureReason
from gateway.identifiers import MeterNumber, RequestId
from gateway.journal import SqlJournal
from gateway.journal.tables import counters, requests
from portal.meters.tables import meters
from portal.reads.status import ReadStatus
from portal.reads.tables import read_outbox, reads
from simulators.processes import Child
from simulators.street import street
from tests.crash import HASTY, PATIENT, Storm, Tally, faults, storms
from tests.servers import Mosquitto
from tests.stack import GATEWAY, Plan, Stack, seeded

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
COUNT = 4
FAILED = COUNT - 1
"""The last read failed at the gateway; the others are successes."""
CALM = Storm(name="calm", reads=COUNT, kills=0, settings=PATIENT, settle_s=0.1)


def request_id(number: int) -> RequestId:
    return RequestId(f"00000000-0000-7000-8000-{number:012x}")


@dataclass
class Aftermath:
    """What a storm left behind: a stack at rest whose every read came out well, until a test changes something."""

    stack: Stack
    portal: Database
    journal: Database
    tally: Tally = field(default_factory=Tally)

    def meter(self, number: int) -> MeterNumber:
        """The meter of that number."""
        return self.stack.street[number].meter

    async def told(self, *changes: Insert | Update | Delete) -> None:
        """Change the portal's database."""
        await self._change(self.portal, changes)

    async def did(self, *changes: Insert | Update | Delete) -> None:
        """Change the gateway's database."""
        await self._change(self.journal, changes)

    async def seen(self, storm: Storm = CALM) -> list[str]:
        """What the checker finds wrong."""
        found, _ = await faults(self.stack, storm, self.tally)
        return found

    async def portal_read(self, number: int, id_: RequestId, status: str) -> dict[str, Any]:
        """A row of the portal's reads."""
        premise = self.stack.street[number]
        async with self.portal.reading() as connection:
            meter_id = await connection.scalar(select(meters.c.id).where(meters.c.number == premise.meter))
        return {
            "id": id_, "meter_id": meter_id, "meter": premise.meter, "esi_id": premise.esi_id, "gateway": GATEWAY,
            "status": ReadStatus(status), "asked_at": NOW, "deadline_at": NOW + timedelta(minutes=1),
        }  # fmt: skip

    def gateway_request(self, number: int, id_: RequestId, status: str, seq: int) -> dict[str, Any]:
        """A row of the gateway's requests."""
        premise = self.stack.street[number]
        return {
            "id": id_, "meter": premise.meter, "esi_id": premise.esi_id, "requested_at": NOW,
            "deadline_at": NOW + timedelta(minutes=1), "status": status, "seq": seq,
        }  # fmt: skip

    async def _change(self, database: Database, changes: Sequence[Insert | Update | Delete]) -> None:
        async def job(connection: Any) -> None:
            for change in changes:
                await connection.execute(change)

        await database.write(job)


@pytest.fixture
async def aftermath(tmp_path: Path) -> AsyncIterator[Aftermath]:
    """Four reads of four meters, three successes and one failure, on which everybody agrees."""
    premises = street(5, COUNT)
    url = f"sqlite:///{tmp_path}/portal.db"
    await seeded(url, premises)
    nobody = Child("nobody", ())
    stack = Stack(
        plan=Plan(meters=COUNT, driver="desk"), folder=tmp_path, broker=Mosquitto("", tmp_path, 0), street=premises,
        database_url=url, control_port=0, portal_ports=[], gateway=nobody, meters=None,
    )  # fmt: skip
    journal = Database.open(f"sqlite:///{tmp_path}/gateway.db")
    await SqlJournal.opened(journal, "journal-1")
    made = Aftermath(stack, Database.open(url), journal)
    for number, premise in enumerate(premises):
        id_, status = request_id(number), "failed" if number == FAILED else "done"
        await made.told(insert(reads).values(await made.portal_read(number, id_, status)))
        await made.did(insert(requests).values(made.gateway_request(number, id_, status, number + 1)))
        made.tally.accepted[premise.esi_id] = id_
    await made.did(update(counters).values(last_seq=COUNT, receipted_seq=COUNT))
    stack.ledger.write_text("".join(f"{premise.meter}\n" for premise in premises), encoding="utf-8")
    yield made
    await made.portal.close()
    await journal.close()


async def test_where_all_agree_there_is_no_fault(aftermath: Aftermath) -> None:
    assert await aftermath.seen() == []


async def test_an_accepted_request_that_is_not_recorded_is_seen(aftermath: Aftermath) -> None:
    aftermath.tally.accepted["another"] = request_id(99)
    assert await aftermath.seen() == ["an accepted request is not recorded"]


@pytest.mark.parametrize("status", [ReadStatus.QUEUED, ReadStatus.SENT, ReadStatus.ACCEPTED, ReadStatus.ON_AIR])
async def test_a_request_without_an_outcome_is_seen(aftermath: Aftermath, status: ReadStatus) -> None:
    await aftermath.told(update(reads).where(reads.c.id == request_id(FAILED)).values(status=status))
    assert await aftermath.seen() == ["it never settled", "1 requests have no outcome"]


async def test_a_request_left_in_the_outbox_is_seen(aftermath: Aftermath) -> None:
    await aftermath.told(insert(read_outbox).values(read_id=request_id(0)))
    assert await aftermath.seen() == ["1 requests are still in the outbox"]


async def test_an_open_claim_is_seen(aftermath: Aftermath) -> None:
    await aftermath.did(update(requests).where(requests.c.id == request_id(FAILED)).values(status="open", seq=None))
    assert await aftermath.seen() == ["it never settled", "1 claims are open"]


async def test_an_outcome_without_a_receipt_is_seen(aftermath: Aftermath) -> None:
    await aftermath.did(update(counters).values(receipted_seq=COUNT - 1))
    assert await aftermath.seen() == ["it never settled"]


async def test_two_successes_of_a_meter_are_seen(aftermath: Aftermath) -> None:
    id_ = request_id(50)
    await aftermath.told(insert(reads).values(await aftermath.portal_read(0, id_, "done")))
    await aftermath.did(insert(requests).values(aftermath.gateway_request(0, id_, "done", 50)))
    await aftermath.did(update(counters).values(last_seq=50, receipted_seq=50))
    with aftermath.stack.ledger.open("a", encoding="utf-8") as ledger:
        ledger.write(f"{aftermath.meter(0)}\n")
    assert await aftermath.seen() == ["a meter has two successes within the hour"]


async def test_a_read_executed_more_often_than_asked_is_seen(aftermath: Aftermath) -> None:
    with aftermath.stack.ledger.open("a", encoding="utf-8") as ledger:
        ledger.write(f"{aftermath.meter(0)}\n")
    assert await aftermath.seen() == ["meters executed more reads than were asked of them"]


async def test_a_success_that_no_meter_executed_is_seen(aftermath: Aftermath) -> None:
    aftermath.stack.ledger.write_text("".join(f"{aftermath.meter(n)}\n" for n in range(1, COUNT)), encoding="utf-8")
    assert await aftermath.seen() == ["a meter has more successes than it executed reads"]


@pytest.mark.parametrize(("number", "status"), [(0, ReadStatus.FAILED), (FAILED, ReadStatus.DONE)])
async def test_a_read_on_which_the_two_differ_is_seen(aftermath: Aftermath, number: int, status: ReadStatus) -> None:
    await aftermath.told(update(reads).where(reads.c.id == request_id(number)).values(status=status))
    assert await aftermath.seen() == ["portal and gateway differ about 1 reads"]


async def test_a_success_that_the_gateway_knows_nothing_of_is_seen(aftermath: Aftermath) -> None:
    await aftermath.did(delete(requests).where(requests.c.id == request_id(0)))
    assert await aftermath.seen() == ["1 successes are not in the gateway's journal"]


async def test_a_request_that_only_the_gateway_knows_is_seen(aftermath: Aftermath) -> None:
    id_ = request_id(50)
    await aftermath.did(
        insert(requests).values(aftermath.gateway_request(FAILED, id_, "failed", 50)),
        update(counters).values(last_seq=50, receipted_seq=50),
    )
    assert await aftermath.seen() == ["1 requests of the gateway are not recorded"]


async def test_a_request_that_never_arrived_is_seen_unless_nobody_had_the_time(aftermath: Aftermath) -> None:
    await aftermath.did(delete(requests).where(requests.c.id == request_id(FAILED)))
    timed_out = update(reads).where(reads.c.id == request_id(FAILED)).values(reason=FailureReason.TIMEOUT)
    await aftermath.told(timed_out)
    assert await aftermath.seen() == ["1 requests never reached the gateway"]
    assert await aftermath.seen(Storm(name="hasty", reads=COUNT, kills=0, settings=HASTY, settle_s=0.1)) == []


@pytest.mark.parametrize("short", [True, False])
def test_every_rule_is_left_out_once_and_is_in_force_once_beside_it(short: bool) -> None:
    made = storms(short=short)
    broken = {setting for storm in made if storm.must_fail for setting in storm.settings if setting.endswith("=false")}
    assert broken == {
        "gateway.claim_first=false", "gateway.until_receipt=false", "portal.reads.outbox_until_result=false"
    }  # fmt: skip
    whole = [storm for storm in made if not storm.must_fail]
    assert whole
    assert not [setting for storm in whole for setting in storm.settings if setting.endswith("=false")]
