"""The ZigBee driver: one radio's life, and reads of the meters behind it."""

import asyncio
import logging
import sqlite3
from functools import partial

from zigpy.exceptions import CorruptDatabase, NetworkNotFormed, RadioException

from drivers.zigbee import metering
from drivers.zigbee.application import SmartEnergyApplication
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.esi.notices import Notices
from drivers.zigbee.housing import home_of
from drivers.zigbee.load_profile import LoadProfiles
from drivers.zigbee.meters import Meters
from drivers.zigbee.reading import ask
from drivers.zigbee.reporting import RegisterReports
from drivers.zigbee.settings import ZigBeeSettings, for_zigpy
from gateway.clock import Clock
from gateway.dice import Dice
from gateway.errors import BadConfig, LinkLost
from gateway.ports import Assignment, HomeNetwork
from gateway.reads import RegisterRead

log = logging.getLogger(__name__)


class ZigBeeDriver:
    """Reads Smart Energy meters through one EZSP co-processor. See gateway.ports.Driver."""

    Settings = ZigBeeSettings

    def __init__(self, name: str, settings: ZigBeeSettings, clock: Clock, dice: Dice) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._connected = asyncio.Event()
        self._app: SmartEnergyApplication | None = None
        chance = dice.stream(f"zigbee/{name}")
        self._meters = Meters(name, settings, clock, chance, connection=self._connection, is_up=self._connected.is_set)
        self._profiles = LoadProfiles(self._meters, clock)
        self._reporting = RegisterReports(name, self._meters, clock, lambda: self._app)
        self._notices = Notices(name, clock, self._connection)
        self._home = home_of(name, settings, clock, dice, self._connection, self._notices)
        _keep_keys_out_of_logs()

    async def run(self) -> None:
        """Live through one connection: open it, serve reads, raise LinkLost when it is gone."""
        told = self._settings
        app = SmartEnergyApplication(for_zigpy(told), told.attempt_timeout_s, told.watchdog_s, self._clock.now)
        app.desk = self._notices
        app.reported = partial(self._reporting.heard, app)
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
            self._reporting.close()
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
    def profiles(self) -> LoadProfiles:
        """Its meters' own logs."""
        return self._profiles

    @property
    def reporting(self) -> RegisterReports:
        """Its meters' own reports of their registers."""
        return self._reporting

    async def read(self, assignment: Assignment, timeout_s: float) -> RegisterRead:
        """Read a meter's registers within timeout_s seconds; see gateway.ports.Driver."""

        async def work(app: SmartEnergyApplication, device: SmartEnergyDevice) -> RegisterRead:
            plate = await self._meters.plate(app, device)
            answers = await self._meters.asked(
                app, device, lambda meter, limit_s: ask(meter, metering.REGISTERS, limit_s)
            )
            return metering.register_read(
                answers,
                plate,
                meter=assignment.meter,
                read_at=self._clock.now(),
                path=f"{self.name} 0x{device.nwk:04X} ep {device.meter_endpoint} lqi {device.lqi}",
            )

        return await self._meters.reach(assignment, timeout_s, work)

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


def _keep_keys_out_of_logs() -> None:
    """zigpy and bellows write network and link keys at DEBUG, and bellows.ezsp whole frames and keys at WARNING.

    aiosqlite writes at DEBUG what zigpy stores: its backups, and the network key in them.
    """
    quiet = {"zigpy": logging.WARNING, "bellows": logging.WARNING, "bellows.ezsp": logging.ERROR}
    for name, level in (quiet | {"aiosqlite": logging.WARNING}).items():
        logger = logging.getLogger(name)
        logger.setLevel(max(level, logger.level))
