"""What gateways say of devices and commands: recorded once, receipted in one sequence, believed only of their own."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from gateway.database import Database
from gateway.han.messages import DeviceChanged, DeviceReported, JoinDevice
from gateway.han.notices import Answer, Heard
from gateway.han.sealing import public_text
from gateway.han.words import NEXT_STEP, Cause, Stage
from gateway.identifiers import Eui64, GatewayId, MeterNumber, RequestId
from gateway.messages import CommandEnded, GatewayState, Mark, OutcomeStatus, Receipt, UnknownReport
from gateway.ports import Delivery
from portal.context import Portal
from portal.gateways.tables import IncidentKind, gateway_marks
from portal.han.ask import DeviceRefused, Given
from portal.han.history import find_command, find_device
from portal.han.shown import Device, GatewayCommand
from portal.han.status import OPEN, TRANSITIONS, CommandStatus, Told
from portal.han.tables import han_commands, han_outbox, han_reports, han_timeline
from portal.meters.steps import TRANSITIONS as STEPS
from portal.meters.steps import Event, Step
from portal.meters.tables import meters
from tests.clock import HandClock, turns
from tests.gateway.homes import CODE, DEVICE, SEALING, info
from tests.portal.asking import kept_incidents, published
from tests.portal.pages.house import House
from tests.portal.wire import WireBus
from tests.portal.world import GATEWAY, OTHER_GATEWAY, esi, managed, viewer, visible

METER, OTHER_METER = MeterNumber("M00001"), MeterNumber("M00002")
UNKNOWN_METER = MeterNumber("M99999")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
STRANGER = RequestId("00000000-0000-7000-8000-000000000000")


class Voice:
    """A gateway that says what a test wants, numbered."""

    def __init__(self, clock: HandClock, gateway: GatewayId = GATEWAY, journal: str = "j") -> None:
        self.clock, self.gateway, self.journal, self.seq = clock, gateway, journal, 0

    def mark(self) -> Mark:
        """The next number."""
        self.seq += 1
        return Mark(journal=self.journal, seq=self.seq)

    def changed(
        self, stage: Stage, request: RequestId | None = None, meter: MeterNumber = METER, at: datetime | None = None
    ) -> Delivery:
        """The device reached a stage."""
        cause = Cause.LEFT_BY_ITSELF if stage is Stage.FAILED else None
        message = DeviceChanged(
            request=request, meter=meter, device=DEVICE, stage=stage, at=at or self.clock.now(), cause=cause,
            detail="", next_step=NEXT_STEP[cause] if cause else None,
            info=info(DEVICE) if stage is Stage.ACTIVE else None, mark=self.mark(),
        )  # fmt: skip
        return Delivery(gateway=self.gateway, message=message)

    def ended(
        self,
        command: RequestId,
        status: OutcomeStatus = OutcomeStatus.DONE,
        meter: MeterNumber = METER,
        device: Eui64 | None = DEVICE,
    ) -> Delivery:
        """A command ended."""
        cause = None if status is OutcomeStatus.DONE else Cause.UNREACHABLE
        message = CommandEnded(
            id=command, meter=meter, device=device, status=status, cause=cause, detail="", info=None,
            next_step=None, round_trip_ms=None, successes=None, ended_at=self.clock.now(), mark=self.mark(),
        )  # fmt: skip
        return Delivery(gateway=self.gateway, message=message)

    def reported(self, meter: MeterNumber | None = METER, answer: Answer = Answer.OPTED_OUT) -> Delivery:
        """The device said something."""
        heard = Heard(device=DEVICE, answer=answer, event=7, at=self.clock.now())
        message = DeviceReported(meter=meter, device=DEVICE, heard=heard, mark=self.mark())
        return Delivery(gateway=self.gateway, message=message)


@pytest.fixture
def voice(clock: HandClock) -> Voice:
    return Voice(clock)


async def born(portal: Portal | House, gateway: GatewayId = GATEWAY) -> None:
    """The gateway has told its sealing key."""
    state = GatewayState(
        gateway=gateway, online=True, boot_id="b", at=portal.clock.now(), version="0.1", meters=1, links=(),
        sealing_key=public_text(SEALING),
    )  # fmt: skip
    await portal.desk.handle([Delivery(gateway=gateway, message=state)])


async def join(portal: Portal) -> RequestId:
    """A join of the device at meter 1, given."""
    await born(portal)
    who = await viewer(portal.database, "wires.admin")
    meter = await visible(portal.database, who, 1, portal.clock.now())
    answer = await portal.devices.join(meter, who, DEVICE, CODE, 60)
    assert isinstance(answer, Given), answer
    return answer.id


async def command(portal: Portal, command_id: RequestId) -> GatewayCommand:
    """A command as it stands."""
    who = await viewer(portal.database, "wires.admin")
    async with portal.database.reading() as connection:
        found = await find_command(connection, who, command_id, portal.clock.now())
    assert found is not None
    return found


async def device(portal: Portal, number: int = 1) -> Device | None:
    """The device as it stands at a meter."""
    who = await viewer(portal.database, "wires.admin")
    here = await managed(portal.database, who, number, portal.clock.now())
    async with portal.database.reading() as connection:
        return await find_device(connection, here, DEVICE)


async def count(database: Database, table: object) -> int:
    """The rows of a table."""
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]  # a table


async def mark(database: Database) -> int:
    """How far the gateway's reports are recorded."""
    async with database.reading() as connection:
        return await connection.scalar(select(gateway_marks.c.seq)) or 0


@pytest.mark.parametrize("status", CommandStatus)
def test_the_table_of_a_command_s_statuses(status: CommandStatus) -> None:
    ends = {Told.DONE: "done", Told.FAILED: "failed", Told.REFUSED: "refused"}
    for told in Told:
        expected = None
        if told in ends and status in (*OPEN, CommandStatus.EXPIRED):
            expected = ends[told]
        elif told is Told.TIMED_OUT and status in OPEN:
            expected = "expired"
        elif (status, told) == (CommandStatus.QUEUED, Told.SENT):
            expected = "sent"
        assert TRANSITIONS.get((status, told)) == expected


@pytest.mark.parametrize("step", Step)
def test_the_table_of_a_meter_s_steps(step: Step) -> None:
    asked = {Event.ASSIGN_ASKED, Event.MOVE_ASKED, Event.WITHDRAW_ASKED}
    leaving = {Event.WITHDRAWN_ON, Event.WITHDRAWN_OFF, Event.NOT_WITHDRAWN}
    known = {
        Step.UNSERVED: {Event.ASSIGN_ASKED},
        Step.SERVED: asked,
        Step.WITHDRAWING: leaving,
        Step.ASSIGNING: set(Event) - asked - leaving,
    }
    assert {event for event in Event if (step, event) in STEPS} == known[step]


async def test_a_timeline_is_recorded_once_and_in_the_gateway_s_order(portal: Portal, voice: Voice) -> None:
    request = await join(portal)
    told = [voice.changed(stage, request) for stage in (Stage.REQUESTED, Stage.VALIDATED, Stage.ACTIVE)]
    await portal.desk.handle([told[0]])
    await portal.desk.handle([told[2], told[0]])
    await portal.desk.handle([told[1], told[1], *told])
    found = await device(portal)
    assert found is not None
    assert [entry.stage for entry in found.timeline] == [Stage.REQUESTED, Stage.VALIDATED, Stage.ACTIVE]
    assert (found.stage, found.info) == (Stage.ACTIVE, info(DEVICE))
    assert await kept_incidents(portal.database) == []


async def test_all_kinds_share_one_receipt_without_gaps(portal: Portal, voice: Voice, bus: WireBus) -> None:
    request = await join(portal)
    told = [voice.changed(Stage.ACTIVE, request), voice.ended(request), voice.reported()]
    foreseen = Delivery(gateway=GATEWAY, message=UnknownReport(kind="DeviceDreamt", mark=voice.mark()))
    await portal.desk.handle([told[0], told[2], foreseen])
    assert await mark(portal.database) == 1
    await portal.desk.handle([told[1]])
    assert await mark(portal.database) == 2
    await portal.desk.handle([told[2], foreseen])
    assert await mark(portal.database) == 4
    await turns()
    assert [m.mark.seq for _, m in published(bus) if isinstance(m, Receipt)][-1] == 4
    assert await kept_incidents(portal.database) == [(IncidentKind.UNKNOWN_REPORT, 2)]


async def test_an_end_leaves_the_outbox_and_with_it_the_sealed_code(portal: Portal, voice: Voice, bus: WireBus) -> None:
    request = await join(portal)
    await turns()
    [sent] = [message for _, message in published(bus) if isinstance(message, JoinDevice)]
    assert (sent.id, sent.device) == (request, DEVICE)
    assert await count(portal.database, han_outbox) == 1
    await portal.desk.handle([voice.ended(request, OutcomeStatus.FAILED)])
    assert await count(portal.database, han_outbox) == 0
    assert (await command(portal, request)).cause is Cause.UNREACHABLE


async def test_an_end_is_final_and_an_expiry_is_not(portal: Portal, voice: Voice, clock: HandClock) -> None:
    request = await join(portal)
    await clock.advance(60 + 120 + 10 + 30)
    async with asyncio.timeout(10):
        while (await command(portal, request)).status is not CommandStatus.EXPIRED:
            await clock.advance(1)
    await portal.desk.handle([voice.ended(request)])
    assert (await command(portal, request)).status is CommandStatus.DONE
    await portal.desk.handle([voice.ended(request, OutcomeStatus.FAILED)])
    assert (await command(portal, request)).status is CommandStatus.DONE


async def test_a_command_is_sent_again_until_it_has_ended(
    portal: Portal, voice: Voice, bus: WireBus, clock: HandClock
) -> None:
    request = await join(portal)
    sent: list[RequestId] = []
    async with asyncio.timeout(10):
        while len(sent) < 3:
            await clock.advance(1)
            sent += [message.id for _, message in published(bus) if isinstance(message, JoinDevice)]
    assert set(sent) == {request}
    assert (await command(portal, request)).status is CommandStatus.SENT
    await portal.desk.handle([voice.ended(request)])
    published(bus)
    await clock.advance(40)
    assert [message for _, message in published(bus) if isinstance(message, JoinDevice)] == []


Said = Callable[[Voice, RequestId], Delivery]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (lambda voice, _: voice.ended(STRANGER), IncidentKind.UNKNOWN_COMMAND),
        (lambda voice, request: voice.ended(request, meter=OTHER_METER), IncidentKind.FOREIGN_COMMAND),
        (lambda voice, request: voice.ended(request, device=None), IncidentKind.FOREIGN_COMMAND),
        (lambda voice, request: voice.changed(Stage.ACTIVE, request, UNKNOWN_METER), IncidentKind.FOREIGN_DEVICE),
        (lambda voice, _: voice.reported(MeterNumber("M00006")), IncidentKind.FOREIGN_DEVICE),
        (lambda voice, request: voice.changed(Stage.ACTIVE, request, at=LONG_AGO), IncidentKind.IMPLAUSIBLE),
    ],
)  # fmt: skip
async def test_what_a_gateway_cannot_know_is_an_incident_that_is_receipted(
    portal: Portal, voice: Voice, said: Said, kind: IncidentKind
) -> None:
    request = await join(portal)
    await portal.desk.handle([said(voice, request)])
    assert await kept_incidents(portal.database) == [(kind, 1)]
    assert await mark(portal.database) == 1
    assert (await command(portal, request)).status in OPEN
    assert await count(portal.database, han_timeline) == await count(portal.database, han_reports) == 0


async def test_another_gateway_ends_nothing_and_moves_nothing(portal: Portal, clock: HandClock) -> None:
    request = await join(portal)
    rogue = Voice(clock, OTHER_GATEWAY, "rogue")
    lies = [rogue.ended(request), rogue.changed(Stage.ACTIVE, request), rogue.reported()]
    await portal.desk.handle(lies)
    assert (await command(portal, request)).status in OPEN
    assert await device(portal) is None
    kinds = [kind for kind, _ in await kept_incidents(portal.database)]
    assert kinds == [IncidentKind.FOREIGN_COMMAND, IncidentKind.FOREIGN_DEVICE]


async def test_a_gateway_cannot_take_another_meter_s_device_by_saying_so(
    portal: Portal, voice: Voice, clock: HandClock
) -> None:
    request = await join(portal)
    await portal.desk.handle([voice.changed(Stage.ACTIVE, request)])
    await portal.desk.handle([voice.changed(Stage.ACTIVE, None, OTHER_METER)])
    assert await kept_incidents(portal.database) == [(IncidentKind.FOREIGN_DEVICE, 1)]
    assert await device(portal, 2) is None
    left = replace(voice.changed(Stage.FAILED), gateway=GATEWAY)
    await portal.desk.handle([left, voice.changed(Stage.REQUESTED, None, OTHER_METER)])
    found = await device(portal, 2)
    assert found is not None
    assert found.stage is Stage.REQUESTED


async def test_a_stranger_that_was_turned_away_is_kept_without_a_meter(portal: Portal, voice: Voice) -> None:
    await portal.desk.handle([voice.reported(None, Answer.TURNED_AWAY)])
    async with portal.database.reading() as connection:
        row = (await connection.execute(select(han_reports))).one()
    assert (row.meter_id, row.device, row.answer) == (None, DEVICE, Answer.TURNED_AWAY)


async def test_an_older_word_does_not_undo_a_newer_one(portal: Portal, voice: Voice) -> None:
    request = await join(portal)
    first, second = voice.changed(Stage.ACTIVE, request), voice.changed(Stage.FAILED)
    await portal.desk.handle([second])
    await portal.desk.handle([first])
    found = await device(portal)
    assert found is not None
    assert (found.stage, found.cause) == (Stage.FAILED, Cause.LEFT_BY_ITSELF)
    assert len(found.timeline) == 2


async def test_a_sealing_key_is_told_with_the_gateway_s_state(portal: Portal) -> None:
    who = await viewer(portal.database, "wires.admin")
    meter = await visible(portal.database, who, 1, portal.clock.now())
    refused = await portal.devices.join(meter, who, DEVICE, CODE, 60)
    assert isinstance(refused, DeviceRefused)
    assert "has told no key" in refused.words
    await born(portal)
    assert isinstance(await portal.devices.join(meter, who, DEVICE, CODE, 60), Given)


async def test_a_device_joins_at_one_meter_at_a_time_whoever_asks(portal: Portal) -> None:
    request = await join(portal)

    async def another() -> None:
        where = select(han_commands).where(han_commands.c.id == request)
        async with portal.database.reading() as connection:
            row = dict((await connection.execute(where)).mappings().one())
        await portal.database.write(
            lambda connection: connection.execute(han_commands.insert().values({**row, "id": STRANGER}))
        )

    with pytest.raises(Exception, match=r"uq_han_commands_open_join|UNIQUE constraint failed: han_commands\.device"):
        await another()
    who = await viewer(portal.database, "wires.admin")
    refused = await portal.devices.join(
        await visible(portal.database, who, 2, portal.clock.now()), who, DEVICE, CODE, 9
    )
    assert isinstance(refused, DeviceRefused)


async def test_a_meter_without_a_gateway_has_no_commands(portal: Portal) -> None:
    who = await viewer(portal.database, "wires.admin")
    meter = await visible(portal.database, who, 1, portal.clock.now())
    unserved = update(meters).where(meters.c.esi_id == esi(1)).values(gateway=None)
    await portal.database.write(lambda connection: connection.execute(unserved))
    refused = await portal.devices.join(meter, who, DEVICE, CODE, 60)
    assert isinstance(refused, DeviceRefused)
    assert "Assign it" in refused.words
