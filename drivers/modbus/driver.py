"""The Modbus driver: one line's life, and reads of the meters on it."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.modbus import sunspec
from drivers.modbus.line import Line, quieten
from drivers.modbus.planner import Plan, Span, plan
from drivers.modbus.profile import Profile, named
from drivers.modbus.registers import Decoder
from drivers.modbus.settings import ModbusSettings
from gateway.clock import Clock
from gateway.dice import Dice
from gateway.errors import BadConfig, BadReading, LinkLost, Unreachable, Unsupported
from gateway.ports import Assignment
from gateway.reads import RegisterRead

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.05
"""The pause before the second attempt, on average; doubled at each further one."""

READINGS = 5
"""Readings of a counter that is caught turning over, before it counts as one that never stands still."""

_ADDRESS = re.compile(r"(?:(?P<unit>[0-9]{1,3})/)?(?P<profile>[a-z0-9][a-z0-9-]*)")
_MOST_UNITS = 255


@dataclass(frozen=True, slots=True)
class Target:
    """A meter on the line: its unit id, its profile, the requests that read it and what decodes the answers."""

    name: str
    unit: int
    profile: Profile
    plan: Plan
    decoder: Decoder


class ModbusDriver:
    """Reads the meters of one Modbus line. See gateway.ports.Driver.

    An assignment's address is `UNIT/PROFILE`, as in `1/eastron-sdm630`, or the profile alone for its factory unit id.
    """

    Settings = ModbusSettings

    def __init__(self, name: str, settings: ModbusSettings, clock: Clock, dice: Dice) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._chance = dice.stream(f"modbus/{name}")
        self._connected = asyncio.Event()
        self._line: Line | None = None
        self._waiting = 0
        self._targets: dict[str, Target] = {}
        self._places: dict[str, tuple[int, float]] = {}
        quieten()

    async def run(self) -> None:
        """Live through one connection: open it, serve reads, raise LinkLost when it is gone."""
        line = Line(self._settings, self._clock)
        try:
            await line.open()
            line.lost.add_done_callback(lambda _: self._connected.clear())
            self._line = line
            self._connected.set()
            log.info("%s is up: %s", self.name, self._settings.link)
            raise LinkLost(await asyncio.shield(line.lost))
        finally:
            self._connected.clear()
            self._line = None
            self._places.clear()
            line.close("the driver closed the line")

    @property
    def up(self) -> bool:
        """Whether the line is open."""
        return self._connected.is_set()

    @property
    def home(self) -> None:
        """Modbus meters have no home area network."""
        return None

    @property
    def reporting(self) -> None:
        """A Modbus meter speaks only when it is asked: there are no reports to configure."""

    @property
    def profiles(self) -> None:
        """Modbus has no common interval log."""
        return None

    async def read(self, assignment: Assignment, timeout_s: float) -> RegisterRead:
        """Read a meter's registers within timeout_s seconds; see gateway.ports.Driver.

        Registers are live and carry no snapshot time: the values are from between the request and read_at. A read that
        loses its line is made again when the line is back, if there is time.
        """
        target = self._target(assignment.address)
        if self._waiting >= self._settings.queue:
            raise Unreachable(f"{self._waiting} reads wait for {self.name} already")
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    line = await self._connection()
                    try:
                        return await self._read(line, target, assignment)
                    except LinkLost as lost:
                        log.debug("%s: %s while reading %s", self.name, lost, assignment.meter)
        except TimeoutError:
            if self.up:
                raise Unreachable(f"the meter did not answer within {timeout_s:g} s") from None
            raise LinkLost(f"{self.name} has had no connection") from None
        finally:
            self._waiting -= 1

    def _target(self, address: str) -> Target:
        """What an assignment's address means. Raises Unsupported."""
        if address not in self._targets:
            self._targets[address] = _target(address, self._settings)
        return self._targets[address]

    async def _connection(self) -> Line:
        """The line, once it is open; it may be lost again between the event and our turn."""
        while True:
            await self._connected.wait()
            if self._line is not None and not self._line.lost.done():
                return self._line
            await asyncio.sleep(0)

    async def _read(self, line: Line, target: Target, assignment: Assignment) -> RegisterRead:
        """Ask as often as the settings say; each attempt has the line to itself from its first request to its last."""
        for attempt in range(self._settings.attempts):
            if attempt:
                await self._clock.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1) * self._chance.uniform(0.5, 1.5))
            try:
                async with line.turn(target.unit):
                    words = await self._registers(line, target)
                    read_at = self._clock.now()
                path = f"{self.name} {target.name}"
                return target.decoder.register_read(words, meter=assignment.meter, read_at=read_at, path=path)
            except (Unreachable, BadReading) as fault:
                self._places.pop(target.name, None)
                trouble = fault
        raise trouble

    async def _registers(self, line: Line, target: Target) -> dict[int, int]:
        """A reading that is whole: one where the profile vouches for that, else the first that agrees with the last."""
        origin = await self._origin(line, target)
        before: dict[int, int] | None = None
        for _ in range(READINGS):
            words = await _reading(line, target, origin)
            if target.profile.sunspec_models and words[0] not in target.profile.sunspec_models:
                raise BadReading(f"the SunSpec model at {origin} is {words[0]} now")
            if not target.plan.twice or (before is not None and target.decoder.whole(before, words)):
                return words
            before = words
        raise BadReading(f"the meter's counters did not stand still over {READINGS} readings")

    async def _origin(self, line: Line, target: Target) -> int:
        """Where the profile's register 0 is on this meter, remembered for a while."""
        if not target.profile.sunspec_models:
            return 0
        now = self._clock.monotonic()
        place, found_at = self._places.get(target.name, (0, now - self._settings.sunspec_s - 1))
        if now - found_at > self._settings.sunspec_s:
            place = await _found(line, target)
            self._places[target.name] = (place, now)
        return place


async def _reading(line: Line, target: Target, origin: int) -> dict[int, int]:
    """Every request of the plan once; words by register, counted from the origin."""
    words: dict[int, int] = {}
    for span in target.plan.requests:
        answer = await line.ask(target.unit, target.profile.function, Span(origin + span.first, span.count))
        words.update(zip(range(span.first, span.end), answer, strict=True))
    return words


async def _found(line: Line, target: Target) -> int:
    """Walk a SunSpec device's chain to the profile's model."""
    walk = sunspec.walk(target.profile.sunspec_models, target.plan.requests[-1].end)
    try:
        span = next(walk)
        while True:
            span = walk.send(await _there(line, target, span))
    except StopIteration as end:
        return int(end.value)


async def _there(line: Line, target: Target, span: Span) -> Sequence[int] | None:
    """The words of a span, or None where the device has no such registers."""
    try:
        return await line.ask(target.unit, target.profile.function, span)
    except Unsupported:
        return None


def _target(address: str, settings: ModbusSettings) -> Target:
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["unit"] or 0) > _MOST_UNITS:
        raise Unsupported(f"{address[:64]!r} is no UNIT/PROFILE")
    try:
        profile = named(match["profile"], settings.profiles)
    except BadConfig as error:
        raise Unsupported(str(error)) from None
    unit = profile.unit_id if match["unit"] is None else int(match["unit"])
    return Target(
        name=f"{unit}/{match['profile']}", unit=unit, profile=profile, plan=plan(profile), decoder=Decoder(profile)
    )
