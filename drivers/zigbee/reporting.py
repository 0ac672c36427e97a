"""Meters' own reports of their registers, over ZCL attribute reporting. See gateway.ports.RegisterReporting."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from drivers.zigbee import metering, reported
from drivers.zigbee.addresses import ieee_of
from drivers.zigbee.application import TROUBLE, SmartEnergyApplication
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.metering import Value
from drivers.zigbee.meters import Meters
from drivers.zigbee.reading import ask, configure_reports
from drivers.zigbee.reported import Accord
from gateway.clock import Clock
from gateway.errors import BadIdentifier, Fault, Unreachable
from gateway.identifiers import Eui64
from gateway.ports import Assignment
from gateway.reads import RegisterRead

log = logging.getLogger(__name__)

MOST_WAITING = 256
"""Reports whose scale is being read anew, or that wait for that; what is beyond is dropped."""

AT_ONCE = 2
"""Of these, how many speak to the radio: the others of its time belong to reads."""

PATIENCE_S = 30.0
"""How long a report waits for its scale before it is dropped."""

BIND_S = 5.0
"""How long a meter may take over the binding that its reports go by; those that keep none report to who asked."""


class RegisterReports:
    """The reports of one radio's meters. dropped counts those that were no read, by the fault that says why.

    current is the connection that stands, None without one.
    """

    def __init__(
        self, name: str, meters: Meters, clock: Clock, current: Callable[[], SmartEnergyApplication | None]
    ) -> None:
        self._name, self._meters, self._clock, self._current = name, meters, clock, current
        self._listener: Callable[[RegisterRead], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.dropped: Counter[str] = Counter()

    def listen(self, listener: Callable[[RegisterRead], None]) -> None:
        """Name who is told of every whole report."""
        self._listener = listener

    async def agree(self, assignment: Assignment, every_s: int, timeout_s: float) -> None:
        """Ask a meter to report its registers every every_s seconds: what it has of them, in its own types."""

        async def work(app: SmartEnergyApplication, device: SmartEnergyDevice) -> None:
            await self._meters.plate(app, device)
            has = await self._meters.asked(app, device, lambda meter, limit_s: ask(meter, metering.REGISTERS, limit_s))
            wishes = reported.wishes(has, every_s)
            await self._bind(device)
            refused = await self._meters.asked(
                app, device, lambda meter, limit_s: configure_reports(meter, wishes, limit_s)
            )
            if refused:
                log.info("%s: meter %s does not report all it has: %s", self._name, assignment.meter, refused)
            device.accord = Accord(meter=assignment.meter, promised=reported.promised(wishes, refused))

        await self._meters.reach(assignment, timeout_s, work)

    def agreed(self, assignment: Assignment) -> bool:
        """Whether a meter agreed over this connection and has not announced itself anew since."""
        app = self._current()
        if app is None:
            return False
        try:
            device = app.devices.get(ieee_of(Eui64(assignment.address)))
        except BadIdentifier:
            return False
        accord = device.accord if isinstance(device, SmartEnergyDevice) else None
        return accord is not None and accord.holds and accord.meter == assignment.meter

    async def _bind(self, device: SmartEnergyDevice) -> None:
        """Have the meter keep us as where its reports go; not all do, and none says how it is without."""
        meter = device.meter
        if meter is None:
            return
        try:
            async with asyncio.timeout(BIND_S):
                await device.zdo.bind(meter, retries=0)  # type: ignore[no-untyped-call]  # zigpy's is unannotated
        except TROUBLE as error:
            log.debug("%s: %s keeps no binding (%s)", self._name, device.ieee, type(error).__name__)

    # What they say

    def heard(self, app: SmartEnergyApplication, device: SmartEnergyDevice, report: Mapping[int, Value]) -> None:
        """A report came under the device's own key, from a meter that agreed; it becomes a read, or is dropped."""
        accord = device.accord
        if accord is None or self._listener is None:
            return
        if len(self._tasks) >= MOST_WAITING:
            self.dropped["TooMany"] += 1
            return
        task = asyncio.create_task(self._take(app, device, accord, report))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """The connection is gone, and with it what waits for an answer."""
        for task in self._tasks:
            task.cancel()

    async def _take(
        self, app: SmartEnergyApplication, device: SmartEnergyDevice, accord: Accord, report: Mapping[int, Value]
    ) -> None:
        came_at, nwk, listener = self._clock.now(), device.nwk, self._listener
        try:
            async with asyncio.timeout(PATIENCE_S), self._turns:
                read = await app.unless_lost(self._read(app, device, accord, report, came_at, int(nwk)))
        except (Fault, TimeoutError) as fault:
            self.dropped[type(fault).__name__] += 1
            log.info("%s: a report of meter %s is dropped: %s", self._name, accord.meter, fault)
        except Exception:  # the edge of this report's task: whatever one meter sends, the others are heard
            self.dropped["Error"] += 1
            log.exception("%s: a report of meter %s ended in an error", self._name, accord.meter)
        else:
            if listener is not None:
                listener(read)

    async def _read(
        self,
        app: SmartEnergyApplication,
        device: SmartEnergyDevice,
        accord: Accord,
        report: Mapping[int, Value],
        came_at: datetime,
        nwk: int,
    ) -> RegisterRead:
        """The read that a report is, by the rules of one that was asked for: the same scale, as fresh, and the address
        vouched for by the co-processor, as whoever announces himself under it could report in the meter's name."""
        answers = reported.answers(report, accord)
        if not await app.is_at(device):
            raise Unreachable("another node has the meter's address")
        plate = await self._meters.plate(app, device)
        if device.nwk != nwk:
            raise Unreachable("the meter's address changed while its report was read")
        return metering.register_read(
            answers,
            plate,
            meter=accord.meter,
            read_at=came_at,
            path=f"{self._name} 0x{nwk:04X} ep {device.meter_endpoint} lqi {device.lqi} reported",
        )
