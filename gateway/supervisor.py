"""A gateway's life: open the journal, keep the bus and the drivers, serve, tell its state, stop cleanly."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol, get_args

from gateway.assigning import Assigning
from gateway.clock import Clock
from gateway.collection import Collection, CollectionJournal
from gateway.database import over_database
from gateway.errors import LinkLost
from gateway.han.execution import Execution
from gateway.han.messages import DeviceCommand, RotateNetworkKey
from gateway.han.network_keys import NetworkKeys
from gateway.han.provisioning import Provisioning
from gateway.han.sealing import public_text
from gateway.identifiers import MeterNumber
from gateway.journal.devices import DeviceBook
from gateway.journal.meters import MeterBook
from gateway.links import Backoff, keep
from gateway.messages import AssignMeter, Command, GatewayState, LinkState, Receipt, RequestRead, WithdrawMeter
from gateway.on_demand import OnDemandReads
from gateway.ports import Assignment, Bus, Delivery, Driver, Journal
from gateway.read_policy import ReadLimits
from gateway.reporting import ReportedJournal, Reporting
from gateway.reports import Reports
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

LINK_CHECK_S = 0.5
PRUNE_S = 3600.0
GOODBYE_S = 3.0
"""How long a stop waits for the broker to take the last state; if it never does, the will tells the same."""


@dataclass(slots=True)
class Watch:
    """A driver's link as its gateway tells it: up or not, since when, and the last trouble."""

    up: bool
    since: datetime
    detail: str = ""


class CollectedJournal(CollectionJournal, ReportedJournal, Protocol):
    """The journal's part for what meters hold and tell beside on-demand reads."""


@dataclass(kw_only=True)
class Gateway:
    """Everything one gateway process runs; `run` is its whole life."""

    settings: GatewaySettings
    limits: ReadLimits
    journal: Journal
    devices: DeviceBook
    meters: MeterBook
    collected: CollectedJournal
    bus: Bus
    drivers: Mapping[str, Driver]
    assignments: MutableMapping[MeterNumber, Assignment]
    clock: Clock
    boot_id: str
    sealing: bytes | None = field(default=None, repr=False)
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        self.reports = Reports(self.journal, self.bus, self.clock, self.settings)
        self.reads = OnDemandReads(
            self.journal, self.drivers, self.assignments, self.bus, self.reports, self.clock, self.limits, self.settings
        )
        execution = Execution(
            self.settings.id, self.devices, self.drivers, self.assignments, self.reports, self.clock, self.sealing
        )
        self.provisioning = Provisioning(
            self.devices, execution, self.drivers, self.assignments, self.reports, self.clock, self.settings
        )
        self.network_keys = NetworkKeys(self.devices, self.drivers, self.reports, self.clock)
        self.assigning = Assigning(
            self.meters,
            self.devices,
            execution,
            self.drivers,
            self.assignments,
            self.reports,
            self.clock,
            self.settings,
        )
        self.collection = Collection(
            self.collected, self.drivers, self.assignments, self.reports, self.reads, self.clock,
            self.settings.collection,
        )  # fmt: skip
        self.reporting = Reporting(
            self.collected, self.drivers, self.assignments, self.reports, self.reads, self.clock,
            self.settings.reporting, self.settings.clock_tolerance_s,
        )  # fmt: skip
        now = self.clock.now()
        self._watches = {name: Watch(up=False, since=now) for name in self.drivers}
        self._taking: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until stop is set, then finish running reads, say goodbye and close."""
        interrupted = await self.journal.interrupt(self.clock.now(), self.limits)
        await self.reports.look()
        await self.assigning.resume()
        await self.provisioning.resume()
        await self.network_keys.resume()
        if interrupted:
            log.warning("%d reads were interrupted by the last stop", len(interrupted))
        tasks = [
            asyncio.create_task(keep(f"driver {name}", driver.run, self.clock, self.backoff, partial(self._lost, name)))
            for name, driver in self.drivers.items()
        ]
        tasks += [
            asyncio.create_task(keep("the bus", self._bus_life, self.clock, self.backoff)),
            asyncio.create_task(keep("reporting", lambda: over_database(self.reports.run()), self.clock, self.backoff)),
            asyncio.create_task(
                keep("hearing", lambda: over_database(self.provisioning.run()), self.clock, self.backoff)
            ),
            asyncio.create_task(
                keep("collecting", lambda: over_database(self.collection.run()), self.clock, self.backoff)
            ),
            asyncio.create_task(
                keep("hearing meters", lambda: over_database(self.reporting.run()), self.clock, self.backoff)
            ),
            asyncio.create_task(keep("pruning", lambda: over_database(self._prune()), self.clock, self.backoff)),
            asyncio.create_task(self._tell_state()),
        ]
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        grace_s = self.settings.grace_s
        services = (self.reads, self.provisioning, self.network_keys, self.assigning)
        await asyncio.gather(*(each.settle(grace_s) for each in services))
        await self._say_goodbye()
        ended = [task for task in tasks if task.done()]
        for task in [stopped, *tasks]:
            task.cancel()
        await asyncio.gather(stopped, *tasks, return_exceptions=True)
        for task in ended:
            task.result()

    def state(self, *, online: bool = True) -> GatewayState:
        """What this gateway says of itself now."""
        return GatewayState(
            gateway=self.settings.id,
            online=online,
            boot_id=self.boot_id,
            at=self.clock.now(),
            version=version("metergate"),
            meters=len(self.assignments),
            links=tuple(
                LinkState(driver=name, up=watch.up, since=watch.since, detail=watch.detail)
                for name, watch in self._watches.items()
            ),
            receipted=self.reports.receipted,
            sealing_key=public_text(self.sealing) if self.sealing else None,
        )

    async def handle(self, batch: Sequence[Delivery]) -> None:
        """Take what the bus brings: requests to read, commands, and receipts."""
        now = self.clock.now()
        told = [by_our_clock(each.message, each.sent_at, now) for each in batch if isinstance(each.message, ASKED)]
        for delivery in batch:
            if isinstance(delivery.message, Receipt):
                self.reports.receipt(delivery.message.mark)
        if requests := [each for each in told if isinstance(each, RequestRead)]:
            await self.reads.handle(requests)
        if meters := [each for each in told if isinstance(each, AssignMeter | WithdrawMeter)]:
            await self._to_the_end(self.assigning.handle(meters))
        if commands := [each for each in told if isinstance(each, DeviceCommand)]:
            await self._to_the_end(self.provisioning.handle(commands))
        if changes := [each for each in told if isinstance(each, RotateNetworkKey)]:
            await self._to_the_end(self.network_keys.handle(changes))

    async def _to_the_end(self, taking: Coroutine[Any, Any, None]) -> None:
        """Take commands up even if the bus is lost meanwhile: one that was claimed and not begun would never end."""
        task = asyncio.create_task(taking)
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)
        await asyncio.shield(task)

    async def _bus_life(self) -> None:
        await self.bus.run(self.handle, self._greet, (self.settings.id, self.state(online=False)))

    async def _greet(self) -> None:
        await self.bus.publish(self.settings.id, self.state())
        self.reports.wake()

    def _lost(self, name: str, trouble: str) -> None:
        self._watches[name].detail = trouble

    async def _tell_state(self) -> None:
        """Publish the state when a link changes, and now and then."""
        due = self.clock.monotonic() + self.settings.state_s
        while True:
            await self.clock.sleep(LINK_CHECK_S)
            changed = [name for name, driver in self.drivers.items() if driver.up != self._watches[name].up]
            for name in changed:
                watch = self._watches[name]
                detail = watch.detail if watch.up else ""
                self._watches[name] = Watch(up=not watch.up, since=self.clock.now(), detail=detail)
                log.info("driver %s is %s", name, "down" if watch.up else "up")
            if changed or self.clock.monotonic() >= due:
                due = self.clock.monotonic() + self.settings.state_s
                await self._publish_state(online=True)

    async def _publish_state(self, *, online: bool) -> None:
        try:
            await self.bus.publish(self.settings.id, self.state(online=online))
        except LinkLost:
            log.debug("the state waits for the bus")

    async def _say_goodbye(self) -> None:
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._publish_state(online=False)
        except TimeoutError:
            log.warning("the broker did not take the last state within %.0f s", GOODBYE_S)

    async def _prune(self) -> None:
        while True:
            before = self.clock.now() - timedelta(hours=self.settings.remembered_h)
            await self.journal.prune(before)
            await self.clock.sleep(PRUNE_S)


Asked = RequestRead | Command
ASKED = get_args(Asked)


def by_our_clock(asked: Asked, sent_at: datetime | None, now: datetime) -> Asked:
    """What was asked with its instants moved from the sender's clock to ours: the two may differ by minutes."""
    if sent_at is None or isinstance(asked, WithdrawMeter):
        return asked
    ahead = now - sent_at
    if isinstance(asked, AssignMeter):
        return replace(asked, successes=tuple(at + ahead for at in asked.successes))
    return replace(asked, requested_at=asked.requested_at + ahead, deadline_at=asked.deadline_at + ahead)
