"""A radio's home area network: devices are brought in and taken out, described and re-keyed. See gateway.ports.

Of a device's keys the vault is the record and the co-processor's table the copy: a start makes the copy equal, and
finishes the joins and removals that an interruption left open. One device joins at a time.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from drivers.zigbee import describing
from drivers.zigbee.addresses import ieee_of
from drivers.zigbee.application import TROUBLE, SmartEnergyApplication
from drivers.zigbee.cbke.certificates import Identity
from drivers.zigbee.cbke.frames import Status
from drivers.zigbee.cbke.suites import best_common
from drivers.zigbee.clusters.key_establishment import KeyEstablishment
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.doorkeeper import Doorkeeper
from drivers.zigbee.esi.notices import Notices
from drivers.zigbee.join_causes import Observations, cause_of
from drivers.zigbee.joining import Joining, Patience, Watch
from drivers.zigbee.key_keeper import KeyKeeper
from drivers.zigbee.rotation import Rotation
from drivers.zigbee.trust_centre import LONGEST_WINDOW_S
from drivers.zigbee.vault import Kind, Vault
from gateway.clock import Clock
from gateway.dice import Dice
from gateway.errors import BadConfig, LinkLost
from gateway.han.notices import Heard, Notice
from gateway.han.words import Cause, DeviceInfo, HanFault, Membership
from gateway.identifiers import Eui64, RequestId
from gateway.keys import InstallCode
from gateway.ports import Told

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[Doorkeeper], Coroutine[Any, Any, T]]

CLEANING_S = 30.0
"""How long cleaning up after a join may take; what is not done by then, the next start does."""

CLOSINGS, CLOSING_PAUSE_S = 3, 1.0
"""How often the network is told to close, and the pause between, before the connection is started anew for it."""

LEAVING_S = 5.0
"""How long a device whose certificate we do not trust may take to leave by itself."""

COUNTERS_S = 600.0
"""How often the frame counters are written down."""

ROTATION_LOOK_S = 600.0
"""How often it is looked whether the network key has had its days."""

LEAST_VERSION = 13
"""The EZSP version from which on link keys are imported and exported as we do it."""


class ZigBeeHome:
    """One radio's trust centre, over all its connections. See gateway.ports.HomeNetwork."""

    def __init__(
        self,
        name: str,
        vault: Vault,
        identities: Sequence[Identity],
        clock: Clock,
        dice: Dice,
        *,
        connection: Callable[[], Awaitable[SmartEnergyApplication]],
        patience: Patience,
        key_switch_s: float,
        rotate_days: int,
        notices: Notices,
    ) -> None:
        self._name, self._vault, self._identities = name, vault, tuple(identities)
        self._clock, self._dice = clock, dice
        self._connection, self._patience = connection, patience
        self._rotation, self._rotate_days = Rotation(vault, clock, dice, key_switch_s), rotate_days
        self._one_at_a_time = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._cleaning: asyncio.Task[None] | None = None
        self._door: Doorkeeper | None = None
        self._listener: Callable[[Heard], None] | None = None
        self._notices = notices
        notices.admit(lambda device: vault.get(device) is not None)

    # For the driver

    def attach(self, app: SmartEnergyApplication) -> None:
        """Be the witness of a connection before it starts."""
        keeper = KeyKeeper(self._vault, app.trust_centre)
        self._door = Doorkeeper(app, keeper, self._identities, self._clock, self._dice, self._hear)
        app.witness = self._door

    async def settle_in(self, app: SmartEnergyApplication) -> None:
        """Once a connection has started: nobody may join, keys are where they belong, and old business is finished.

        The co-processor was reset, so that it has no install code's key any more."""
        door = self._door
        assert door is not None
        if app.ezsp.ezsp_version < LEAST_VERSION:
            raise BadConfig(f"a home area network needs a co-processor with EZSP {LEAST_VERSION} or later")
        await self._idle.wait()
        await app.trust_centre.deny_well_known_key()
        await app.trust_centre.close()
        await door.keeper.restore()
        door.begin(self._finish_old(door))
        door.begin(self._keep_counting(door))
        if self._rotate_days:
            door.begin(self._keep_rotating())

    def detach(self) -> None:
        """The connection is gone."""
        if self._door is not None:
            self._door.close()
        self._door = None

    async def _finish_old(self, door: Doorkeeper) -> None:
        """Joins and removals that were interrupted: who has an established key by now is in, the others are out."""
        for device in self._vault.unfinished():
            async with self._one_at_a_time:  # A join that came first may have finished the business itself.
                if device in self._vault.unfinished():
                    if not door.keeper.is_established(device):
                        await door.send_away(device)
                    await door.keeper.settle(device)
                    self._vault.finish(device)

    async def _keep_counting(self, door: Doorkeeper) -> None:
        while True:
            await self._clock.sleep(COUNTERS_S)
            with contextlib.suppress(*TROUBLE):
                await door.keeper.save_counters()

    # Joins

    async def join(self, device: Eui64, code: InstallCode, window_s: int, told: Told) -> DeviceInfo:
        """Bring a device onto the network; see gateway.ports. The next join waits until this one has ended."""
        if not 0 < window_s <= LONGEST_WINDOW_S:
            raise HanFault(Cause.BAD_COMMAND, f"a joining window lasts 1 to {LONGEST_WINDOW_S} s, not {window_s}")
        async with self._one_at_a_time:
            door, joined = await self._at_the_door(), list[DeviceInfo]()
            try:
                await door.app.unless_lost(self._join(door, device, code, window_s, told, joined))
                return joined[0]
            except LinkLost:
                if joined:  # Only the cleaning up was cut short, which the next start does.
                    return joined[0]
                verdict = cause_of(Observations(link_lost=True))
                raise HanFault(verdict.cause, verdict.detail) from None
            except TROUBLE as error:
                raise HanFault(Cause.LINK_LOST, f"the co-processor did not do its part ({error!r})") from None

    async def _join(
        self,
        door: Doorkeeper,
        device: Eui64,
        code: InstallCode,
        window_s: int,
        told: Told,
        joined: list[DeviceInfo],
    ) -> None:
        """One join with what must follow it; the device that joined is put into joined."""
        await self._idle.wait()
        self._vault.begin(device)
        self._idle.clear()
        watch = door.watches[device] = Watch(device)
        try:
            if not await door.keeper.has_room(device):
                raise HanFault(Cause.KEY_TABLE_FULL, "the co-processor has no room for another link key")
            established = await Joining(door.app, watch, self._clock, self._patience, told).run(code, window_s)
            joined.append(await self._described(door, device, established.suite.bit))
        finally:
            self._cleaning = asyncio.create_task(self._clean_up(door, watch, bool(joined)))
            await asyncio.shield(self._cleaning)

    async def _clean_up(self, door: Doorkeeper, watch: Watch, joined: bool) -> None:
        """Close the network and erase the code's key; of a failed join leave nothing. Whoever cancels it is not heard.

        The vault forgets first: that works without a radio, and what the radio still has the next start erases. From
        then on no key of the device is kept: an exchange that is under way may end any moment.
        """
        app = door.app
        watch.given_up = not joined
        try:
            if not joined and watch.seen.announced:
                self._vault.forget(watch.device)
            async with asyncio.timeout(CLEANING_S):
                await app.unless_lost(self._leave_clean(door, watch, joined))
        except LinkLost:
            log.info("%s: the start of the next connection cleans up after the join of %s", self._name, watch.device)
        except (HanFault, sqlite3.Error, *TROUBLE) as error:
            log.error("%s: the network may be open after the join of %s: %r", self._name, watch.device, error)
            app.end("the network could not be closed")
        finally:
            door.watches.pop(watch.device, None)
            self._idle.set()

    async def _leave_clean(self, door: Doorkeeper, watch: Watch, joined: bool) -> None:
        """A device is sent away before its keys are erased: it heeds only who has them."""
        await self._close(door.app)
        if not joined:
            if watch.came and not door.keeper.holds(watch.device):
                await self._wait_for_leave(watch)
                await door.send_away(watch.device)
            await door.keeper.settle(watch.device)
        await door.app.trust_centre.expect_nobody()
        self._vault.finish(watch.device)

    async def _close(self, app: SmartEnergyApplication) -> None:
        for remaining in reversed(range(CLOSINGS)):
            try:
                await app.trust_centre.close()
                return
            except TROUBLE as error:
                log.warning("%s: the network did not close (%r)", self._name, error)
                if not remaining:
                    raise
            await self._clock.sleep(CLOSING_PAUSE_S)

    async def _wait_for_leave(self, watch: Watch) -> None:
        """A device that was told that its certificate's issuer is unknown has to leave by itself."""
        if watch.seen.key is not None and getattr(watch.seen.key, "status", None) == Status.UNKNOWN_ISSUER:
            deadline_s = self._clock.monotonic() + LEAVING_S
            while not watch.seen.left and self._clock.monotonic() < deadline_s:
                await self._clock.sleep(LEAVING_S / 20)

    # Devices that are here

    async def membership(self, device: Eui64) -> Membership:
        """What the trust centre knows of a device, without asking it or the radio."""
        kept = self._vault.get(device)
        if kept is not None:
            return Membership.REGISTERED if kept.kind is Kind.ESTABLISHED else Membership.JOINED
        return Membership.JOINED if device in self._vault.unfinished() else Membership.ABSENT

    async def remove(self, device: Eui64, timeout_s: float) -> bool:
        """Tell a device to leave, and forget its keys whether it answers or not; returns whether it said that it does.

        One that did not hear it still has the network key, until rotate() changes that; its own key opens nothing.
        """

        async def work(door: Doorkeeper) -> bool:
            known = door.keeper.holds(device) or ieee_of(device) in door.app.devices
            if not known:
                return True
            self._vault.begin(device)
            self._vault.forget(device)
            self._notices.forget(device)
            left = await door.send_away(device)
            await door.keeper.settle(device)
            self._vault.finish(device)
            return left

        return await self._on_air(work, timeout_s)

    async def rekey(self, device: Eui64, timeout_s: float) -> DeviceInfo:
        """Establish a new link key with a registered device; the old one holds until both proved the new one."""

        async def work(door: Doorkeeper) -> DeviceInfo:
            return await self._rekeyed(door, device, timeout_s)

        return await self._on_air(work, timeout_s)

    async def _rekeyed(self, door: Doorkeeper, device: Eui64, timeout_s: float) -> DeviceInfo:
        node = self._registered(door, device)
        if device in door.watches:
            raise HanFault(Cause.BUSY, "a key of the device is being established")
        endpoint = describing.energy_endpoint(node)
        if endpoint is None or KeyEstablishment.cluster_id not in endpoint.in_clusters:
            raise HanFault(Cause.REFUSED_BY_DEVICE, "the device has no server of key establishment")
        theirs = await describing.suites(endpoint.in_clusters[KeyEstablishment.cluster_id], timeout_s)
        suite = best_common(sum(door.desk.suites), theirs)
        if suite is None:
            raise HanFault(Cause.UNSUPPORTED_SUITE, f"the device has suites 0x{theirs:04x}")
        watch = door.watches[device] = Watch(device)
        try:
            await door.desk.initiate(device, endpoint.endpoint_id, suite)
            done = await watch.until(lambda: watch.established is not None, self._clock, timeout_s)
        finally:
            door.desk.abandon(device)
            door.watches.pop(device, None)
        if not done:
            verdict = cause_of(replace(watch.seen, interviewed=True))
            raise HanFault(verdict.cause, verdict.detail)
        return await self._described(door, device, suite.bit)

    async def ping(self, device: Eui64, timeout_s: float) -> float:
        """Ask a device for a sign of life; returns the seconds until it came."""

        async def work(door: Doorkeeper) -> float:
            began_s = self._clock.monotonic()
            await describing.sign_of_life(self._registered(door, device), timeout_s)
            return self._clock.monotonic() - began_s

        return await self._on_air(work, timeout_s)

    async def describe(self, device: Eui64, timeout_s: float) -> DeviceInfo:
        """Ask a device about itself anew."""

        async def work(door: Doorkeeper) -> DeviceInfo:
            node = self._registered(door, device)
            await node.reinterview()
            if door.app.devices.get(ieee_of(device)) is node:
                raise HanFault(Cause.UNREACHABLE, "the device does not tell about itself anew")
            kept = self._vault.get(device)
            return await self._described(door, device, None if kept is None else kept.suite)

        return await self._on_air(work, timeout_s)

    async def rotate(self, request: RequestId, timeout_s: float) -> int:
        """Give the network a new network key, and keep it in the backup; see gateway.ports."""
        return await self._rotated(request, timeout_s)

    async def _rotated(self, name: str, timeout_s: float) -> int:
        async with self._one_at_a_time:
            return await self._on_air(lambda door: self._rotation.change(door.app, name, timeout_s), timeout_s)

    async def _keep_rotating(self) -> None:
        """Change the network key whenever its days are over; what fails is tried again."""
        while True:
            name = self._rotation.due(self._rotate_days)
            if name is not None:
                try:
                    sequence = await self._rotated(name, self._rotation.patience_s)
                    log.info("%s: the network key was changed; its sequence number is %d", self._name, sequence)
                except (HanFault, LinkLost) as fault:
                    log.warning("%s: the network key, %s, could not be changed: %s", self._name, name, fault)
            await self._clock.sleep(ROTATION_LOOK_S)

    # Notices

    async def send(self, device: Eui64, notice: Notice, timeout_s: float) -> None:
        """Tell a device, and remember it until it is over."""
        await self._notices.send(device, notice, timeout_s)

    def remember(self, device: Eui64, notice: Notice) -> None:
        """Remember a notice without sending it."""
        self._notices.remember(device, notice)

    def listen(self, listener: Callable[[Heard], None]) -> None:
        """Name who is told what devices say and do by themselves."""
        self._listener = listener
        self._notices.listen(listener)

    # What they share

    def _hear(self, heard: Heard) -> None:
        if self._listener is not None:
            self._listener(heard)

    async def _described(self, door: Doorkeeper, device: Eui64, suite: int | None) -> DeviceInfo:
        node = self._node(door, device)
        return describing.info(node, await describing.makings(node, self._patience.announce_s), suite)

    def _registered(self, door: Doorkeeper, device: Eui64) -> SmartEnergyDevice:
        if not door.keeper.holds(device):
            raise HanFault(Cause.UNKNOWN_DEVICE, "the trust centre has no key of the device")
        return self._node(door, device)

    def _node(self, door: Doorkeeper, device: Eui64) -> SmartEnergyDevice:
        node = door.app.devices.get(ieee_of(device))
        if not isinstance(node, SmartEnergyDevice):
            raise HanFault(Cause.UNREACHABLE, "the device has not been heard of since the start")
        return node

    async def _at_the_door(self) -> Doorkeeper:
        """The connection's door, once there is one."""
        app = await self._connection()
        if self._door is None or self._door.app is not app:
            raise LinkLost(f"{self._name} has lost its co-processor")
        return self._door

    async def _on_air(self, work: Work[T], timeout_s: float) -> T:
        """Do something over the connection within timeout_s seconds. Raises HanFault or LinkLost."""
        door: Doorkeeper | None = None
        try:
            async with asyncio.timeout(timeout_s):
                door = await self._at_the_door()
                return await door.app.unless_lost(work(door))
        except TimeoutError:
            if door is None:
                raise LinkLost(f"{self._name} has had no connection to its co-processor") from None
            raise HanFault(Cause.UNREACHABLE, f"no answer within {timeout_s:g} s") from None
        except TROUBLE as error:
            raise HanFault(Cause.UNREACHABLE, f"the message was not delivered ({type(error).__name__})") from None
