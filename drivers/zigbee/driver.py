"""The ZigBee driver: one radio's life, and reads of the meters behind it."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence

import zigpy.types as t
from zigpy.exceptions import CorruptDatabase, NetworkNotFormed, RadioException

from drivers.zigbee import metering
from drivers.zigbee.addresses import ieee_of
from drivers.zigbee.application import TROUBLE, SmartEnergyApplication
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.esi.notices import Notices
from drivers.zigbee.housing import home_of
from drivers.zigbee.reading import KeyMissing, ask
from drivers.zigbee.settings import ZigBeeSettings, for_zigpy
from gateway.clock import Clock
from gateway.dice import Dice
from gateway.errors import BadConfig, BadIdentifier, LinkLost, Unreachable, Unsupported
from gateway.identifiers import Eui64
from gateway.ports import Assignment, HomeNetwork
from gateway.reads import RegisterRead

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.2
"""The pause before the second attempt, on average; doubled at each further one."""


class ZigBeeDriver:
    """Reads Smart Energy meters through one EZSP co-processor. See gateway.ports.Driver."""

    Settings = ZigBeeSettings

    def __init__(self, name: str, settings: ZigBeeSettings, clock: Clock, dice: Dice) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._chance = dice.stream(f"zigbee/{name}")
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._connected = asyncio.Event()
        self._app: SmartEnergyApplication | None = None
        self._notices = Notices(name, clock, self._connection)
        self._home = home_of(name, settings, clock, dice, self._connection, self._notices)
        _keep_keys_out_of_logs()

    async def run(self) -> None:
        """Live through one connection: open it, serve reads, raise LinkLost when it is gone."""
        told = self._settings
        app = SmartEnergyApplication(for_zigpy(told), told.attempt_timeout_s, told.watchdog_s)
        app.desk = self._notices
        if self._home is not None:
            self._home.attach(app)
        try:
            await self._start(app)
            app.lost.add_done_callback(lambda _: self._connected.clear())
            self._app = app
            self._connected.set()
            log.info("%s is up: %s", self.name, app.description)
            raise LinkLost(await app.lost)
        finally:
            self._connected.clear()
            self._app = None
            app.end("the driver closed the connection")
            if self._home is not None:
                self._home.detach()
            await app.shutdown(db=True)

    @property
    def up(self) -> bool:
        """Whether the co-processor serves its network."""
        return self._connected.is_set()

    @property
    def home(self) -> HomeNetwork | None:
        """Its home area network; None unless the settings name certificates and the vault's key."""
        return self._home

    @property
    def profiles(self) -> None:
        """Not offered yet."""
        return None

    async def read(self, assignment: Assignment, timeout_s: float) -> RegisterRead:
        """Read a meter's registers within timeout_s seconds; see gateway.ports.Driver.

        A read that loses its link is made again when the link is back, if there is time.
        """
        ieee = _ieee(assignment.address)
        try:
            async with asyncio.timeout(timeout_s), self._slots:
                while True:
                    app = await self._connection()
                    try:
                        return await app.unless_lost(self._read(app, ieee, assignment))
                    except LinkLost as lost:
                        log.debug("%s: %s while reading %s", self.name, lost, assignment.meter)
        except TimeoutError:
            if self.up:
                raise Unreachable(f"the meter did not answer within {timeout_s:g} s") from None
            raise LinkLost(f"{self.name} has had no connection to its co-processor") from None

    async def _connection(self) -> SmartEnergyApplication:
        """The connection, once there is one; it may be lost again between the event and our turn."""
        while True:
            await self._connected.wait()
            if self._app is not None:
                return self._app

    async def _start(self, app: SmartEnergyApplication) -> None:
        """Open the radio and start its network. Raises LinkLost, whatever the co-processor does."""
        limit_s = self._settings.start_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                await app.unless_lost(self._open(app))
        except TimeoutError:
            raise LinkLost(f"the co-processor did not start within {limit_s:g} s") from None

    async def _open(self, app: SmartEnergyApplication) -> None:
        """The start itself, every failure of it in words."""
        try:
            await app.start(may_form=self._settings.form)
            if self._home is not None:
                await self._home.settle_in(app)
        except NetworkNotFormed:
            raise LinkLost("the co-processor has no network, and the settings do not let us form one") from None
        except (sqlite3.Error, CorruptDatabase) as error:
            raise LinkLost(f"the database {self._settings.database} cannot be used: {error}") from error
        except BadConfig as error:
            raise LinkLost(str(error)) from None
        except (OSError, RadioException) as error:
            raise LinkLost(f"{self._settings.radio} cannot be opened: {error.__cause__ or error!r}") from error
        except Exception as error:  # The other side's bytes can make bellows fail in any way; all of them mean this.
            raise LinkLost(f"the co-processor does not speak as it should ({type(error).__name__})") from error

    async def _read(self, app: SmartEnergyApplication, ieee: t.EUI64, assignment: Assignment) -> RegisterRead:
        """One read over a connection that stands: find the meter, know its nameplate, take its registers."""
        device = await self._located(app, ieee)
        now = self._clock.monotonic()
        if device.plate is None or now - device.plate_at > self._settings.nameplate_s:
            device.plate = metering.nameplate(await self._patiently(app, device, metering.NAMEPLATE))
            device.plate_at = now
        plate = device.plate
        answers = await self._patiently(app, device, metering.REGISTERS)
        return metering.register_read(
            answers,
            plate,
            meter=assignment.meter,
            read_at=self._clock.now(),
            path=f"{self.name} 0x{device.nwk:04X} ep {device.meter_endpoint} lqi {device.lqi}",
        )

    async def _located(self, app: SmartEnergyApplication, ieee: t.EUI64) -> SmartEnergyDevice:
        """The meter's node with its Metering endpoint, from memory or by asking the network and the node itself."""
        if ieee not in app.devices and not await self._found(app, ieee, self._settings.attempts):
            raise Unreachable(f"no node of the network answers to {ieee}")
        device = app.devices[ieee]
        if not isinstance(device, SmartEnergyDevice):
            raise Unsupported(f"{ieee} is the co-processor itself")
        if device.meter is None:
            if not await app.is_at(device):
                await self._found(app, ieee, 1)
            await app.interviewed(device)
        if device.meter is None and device.is_initialized:
            raise Unsupported("the node has no Metering server on the Smart Energy profile")
        if device.meter is None:
            raise Unreachable("the node does not tell about itself")
        return device

    async def _patiently(
        self, app: SmartEnergyApplication, device: SmartEnergyDevice, attributes: Sequence[int]
    ) -> metering.Answers:
        """Ask as often as the settings say, longer each time; after the first silence look for a new address."""
        for attempt in range(self._settings.attempts):
            if attempt:
                await self._clock.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1) * self._chance.uniform(0.5, 1.5))
            if attempt == 1:
                await self._found(app, device.ieee, 1)
            try:
                return await self._ask(app, device, attributes, self._settings.attempt_timeout_s * 2**attempt)
            except Unreachable as fault:
                trouble = fault
        raise trouble

    async def _ask(
        self, app: SmartEnergyApplication, device: SmartEnergyDevice, attributes: Sequence[int], timeout_s: float
    ) -> metering.Answers:
        """One attempt, at an address that is the meter's before and after."""
        meter, nwk = device.meter, device.nwk
        if meter is None or not await app.is_at(device):
            raise Unreachable("another node has the meter's address")
        try:
            answers = await ask(meter, attributes, timeout_s)
        except KeyMissing:  # It may only not know whose address this is.
            await app.introduce(device)
            answers = await ask(meter, attributes, timeout_s)
        if device.nwk != nwk:
            raise Unreachable("the meter's address changed while it was asked")
        return answers

    async def _found(self, app: SmartEnergyApplication, ieee: t.EUI64, attempts: int) -> bool:
        """Ask the network for a node's address, a few times; whether it answered."""
        for _ in range(attempts):
            try:
                async with asyncio.timeout(self._settings.attempt_timeout_s):
                    await app.search(ieee)
                return True
            except TROUBLE as error:
                log.debug("%s: %s was not found (%s)", self.name, ieee, type(error).__name__)
        return False


def _ieee(address: str) -> t.EUI64:
    """An assignment's address as zigpy holds it, least significant byte first. Raises Unsupported."""
    try:
        return ieee_of(Eui64(address))
    except BadIdentifier as error:
        raise Unsupported(str(error)) from None


def _keep_keys_out_of_logs() -> None:
    """zigpy and bellows write network and link keys at DEBUG, and bellows.ezsp whole frames and keys at WARNING.

    aiosqlite writes at DEBUG what zigpy stores: its backups, and the network key in them.
    """
    quiet = {"zigpy": logging.WARNING, "bellows": logging.WARNING, "bellows.ezsp": logging.ERROR}
    for name, level in (quiet | {"aiosqlite": logging.WARNING}).items():
        logger = logging.getLogger(name)
        logger.setLevel(max(level, logger.level))
