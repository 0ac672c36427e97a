"""What meters keep beside their registers: interval logs, frozen registers and snapshots. See gateway.ports."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drivers.zigbee.application import SmartEnergyApplication
from drivers.zigbee.clusters.metering import Metering
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.frozen import FROZEN, frozen_registers
from drivers.zigbee.intervals import (
    CHANNELS,
    NEWEST,
    InvalidEndTime,
    Log,
    Part,
    Question,
    aligned,
    instant,
    since_2000,
    watt_hours,
)
from drivers.zigbee.meters import Meters
from drivers.zigbee.reading import ask, command
from drivers.zigbee.snapshots import Published, Snapshot, snapshot
from gateway.clock import Clock
from gateway.errors import BadReading, Unsupported
from gateway.ports import Assignment
from gateway.reads import Direction, FrozenRegisters, LoadProfile

MOST_INTERVALS = 3_360
"""Of one call: 35 days of quarter hours, 160 frames."""

MANUALLY_TRIGGERED = 0x00000400
"""The cause of a snapshot that we have a meter take."""

ANY_CAUSE = 0xFFFFFFFF

_COMMANDS = Metering.ServerCommandDefs


@dataclass(frozen=True, slots=True, kw_only=True)
class FastPoll:
    """How often a meter renews its registers for a while, as it granted it: every period_s until ends_at."""

    period_s: int
    ends_at: datetime


class LoadProfiles:
    """The driver's LoadProfileSource, over Metering's own commands."""

    def __init__(self, meters: Meters, clock: Clock) -> None:
        self._meters, self._clock = meters, clock

    async def profile(
        self, assignment: Assignment, direction: Direction, before: datetime | None, count: int, timeout_s: float
    ) -> LoadProfile:
        """The count intervals that end at or before an instant; see gateway.ports.LoadProfileSource.

        Raises Unsupported also if the meter has none that old.
        """
        if not 1 <= count <= MOST_INTERVALS:
            raise Unsupported(f"{count} intervals are not within 1 to {MOST_INTERVALS}")

        async def work(app: SmartEnergyApplication, device: SmartEnergyDevice) -> LoadProfile:
            plate = await self._meters.plate(app, device)
            log = Log(wanted=count, before=None if before is None else since_2000(before))
            await self._fill(app, device, log, CHANNELS[direction])
            if log.ends_at is None or log.period_s is None:
                raise Unsupported("the meter has no intervals of that time")
            return LoadProfile(
                meter=assignment.meter,
                direction=direction,
                ends_at=instant(log.ends_at),
                interval_s=log.period_s,
                wh=watt_hours(log, plate),
                read_at=self._clock.now(),
            )

        return await self._meters.reach(assignment, timeout_s, work)

    async def frozen(self, assignment: Assignment, timeout_s: float) -> FrozenRegisters:
        """The registers as the meter froze them at its last daily freeze time; see gateway.ports.LoadProfileSource."""

        async def work(app: SmartEnergyApplication, device: SmartEnergyDevice) -> FrozenRegisters:
            plate = await self._meters.plate(app, device)
            answers = await self._meters.asked(app, device, lambda meter, limit_s: ask(meter, FROZEN, limit_s))
            return frozen_registers(answers, plate, meter=assignment.meter, read_at=self._clock.now())

        return await self._meters.reach(assignment, timeout_s, work)

    async def fast_poll(self, assignment: Assignment, period_s: int, duration_min: int, timeout_s: float) -> FastPoll:
        """Ask a meter to renew its registers more often for some minutes (15 at most); returns what it grants."""

        async def work(app: SmartEnergyApplication, device: SmartEnergyDevice) -> FastPoll:
            granted = await self._commanded(
                app,
                device,
                _COMMANDS.request_fast_poll_mode,
                fast_poll_update_period=period_s,
                duration=duration_min,
            )
            return FastPoll(
                period_s=int(granted.applied_update_period), ends_at=instant(int(granted.fast_poll_mode_end_time))
            )

        return await self._meters.reach(assignment, timeout_s, work)

    async def take_snapshot(self, assignment: Assignment, timeout_s: float) -> int:
        """Have a meter keep its registers as they are; returns the snapshot's id."""

        async def work(app: SmartEnergyApplication, device: SmartEnergyDevice) -> int:
            taken = await self._commanded(app, device, _COMMANDS.take_snapshot, snapshot_cause=MANUALLY_TRIGGERED)
            if taken.snapshot_confirmation:
                raise Unsupported("the meter takes no snapshots by command")
            return int(taken.snapshot_id)

        return await self._meters.reach(assignment, timeout_s, work)

    async def snapshot(self, assignment: Assignment, earliest: datetime, offset: int, timeout_s: float) -> Snapshot:
        """One of the snapshots that a meter took since an instant, the newest at offset 0. Unsupported if none."""

        async def work(app: SmartEnergyApplication, device: SmartEnergyDevice) -> Snapshot:
            plate = await self._meters.plate(app, device)
            told = await self._commanded(
                app,
                device,
                _COMMANDS.get_snapshot,
                earliest_start_time=since_2000(earliest),
                latest_end_time=since_2000(self._clock.now()),
                snapshot_offset=offset,
                snapshot_cause=ANY_CAUSE,
            )
            return snapshot(_published(told), plate)

        return await self._meters.reach(assignment, timeout_s, work)

    async def _fill(self, app: SmartEnergyApplication, device: SmartEnergyDevice, log: Log, channel: int) -> None:
        """Ask until the log has what is wanted of it. Every answer adds to it, ends it, or asks for less."""
        while (asked := log.question()) is not None:
            part = await self._part(app, device, channel, asked)
            try:
                log.take(part, asked)
            except InvalidEndTime:  # Some know only the ends of their own intervals.
                if log.before is None or log.counts:
                    raise
                newest = await self._part(app, device, channel, Question(ends_at=NEWEST, count=1))
                end = aligned(newest, log.before)
                if end == log.before:
                    raise
                log.before = end

    async def _part(
        self, app: SmartEnergyApplication, device: SmartEnergyDevice, channel: int, asked: Question
    ) -> Part:
        told = await self._commanded(
            app,
            device,
            _COMMANDS.get_profile,
            interval_channel=channel,
            end_time=asked.ends_at,
            number_of_periods=asked.count,
        )
        return Part(
            ends_at=int(told.end_time),
            status=int(told.status),
            period=int(told.profile_interval_period),
            counts=[int(count) for count in told.intervals],
        )

    async def _commanded(
        self, app: SmartEnergyApplication, device: SmartEnergyDevice, definition: Any, **fields: int
    ) -> Any:
        return await self._meters.asked(
            app, device, lambda meter, timeout_s: command(meter, definition, timeout_s, fields)
        )


def _published(told: Any) -> Published:
    if told.snapshot_payload is None:
        raise BadReading("the meter's snapshot is empty")
    return Published(
        id=int(told.snapshot_id),
        time=int(told.snapshot_time),
        found=int(told.total_snapshots_found),
        commands=int(told.total_number_of_commands),
        cause=int(told.snapshot_cause),
        kind=int(told.snapshot_payload_type),
        payload=bytes(told.snapshot_payload),
    )
