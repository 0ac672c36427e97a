"""Devices that follow load control: thermostats, switches, appliances; all of them report, and can be opted out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.clock import Clock
from gateway.dice import SeededDice
from simulators.han import wire
from simulators.han.participation import Participation, Report, Unknown
from simulators.han.thermostat import HVAC, Thermostat
from simulators.zigbee.behaviour import Event
from simulators.zigbee.devices.panel import Client, Errands, NoSuchButton
from simulators.zigbee.octets import Octets
from simulators.zigbee.uplink import Uplink
from simulators.zigbee.zcl import SUCCESS, UINT8, UINT16, UNSUPPORTED_CLUSTER_COMMAND, Command, Reply, Value

LONGEST_REST_S = 3600.0
GROUP, START_MINUTES, END_MINUTES, DEVICE_CLASS = 0x0000, 0x0001, 0x0002, 0x0003


class LoadControlClient(Client):
    """The client of Demand Response and Load Control, whose attributes are on the device's side."""

    def __init__(self, owner: "LoadFollower", clock: Clock) -> None:
        self._owner, self._clock = owner, clock

    @property
    def values(self) -> dict[int, Value]:  # type: ignore[override]  # they follow what the device is enrolled for
        """Enrolment group, bounds of the random choice, device class."""
        part = self._owner.part
        return {
            GROUP: Value(UINT8, part.group),
            START_MINUTES: Value(UINT8, part.start_minutes),
            END_MINUTES: Value(UINT8, part.end_minutes),
            DEVICE_CLASS: Value(UINT16, part.classes),
        }

    def command(self, command: Command) -> Reply | int | None:
        """An event, or the end of one or of all."""
        octets, now = Octets(command.body), self._clock.now()
        match command.header.command:
            case wire.EVENT:
                self._owner.report(self._owner.part.hear(wire.load_event(octets, now), now))
            case wire.CANCEL_EVENT:
                self._owner.report(self._owner.part.cancel(wire.cancellation(octets, now), now))
            case wire.CANCEL_ALL_EVENTS:
                self._owner.report(self._owner.part.cancel_all(now, random=bool(octets.unsigned(1) & 1)))
            case _:
                return UNSUPPORTED_CLUSTER_COMMAND
        self._owner.errands.wake()
        return SUCCESS


class LoadFollower:
    """simulators.zigbee.behaviour.Behaviour of a device of some classes, and its front."""

    def __init__(self, clock: Clock, classes: int, group: int = 0) -> None:
        self.part, self.errands = Participation(classes, group, self._chance), Errands()
        self.client = LoadControlClient(self, clock)
        self.reports: list[tuple[int, str]] = []
        self._rolls = SeededDice(0).stream("load control")

    def _chance(self) -> float:
        return self._rolls.random()

    def told(self, event: Event) -> None:
        """It goes on with its events whatever becomes of the network."""

    def report(self, reports: Sequence[Report | Unknown]) -> None:
        """Have the trust centre told of what became of events."""
        for report in reports:
            following = report.event if isinstance(report, Report) else None
            number = report.event.event if isinstance(report, Report) else report.event
            self.reports = [*self.reports[-99:], (number, report.status.name.lower())]
            body = wire.status_report(number, report.status, report.at, following)
            self.errands.add(wire.LOAD_CONTROL, wire.REPORT_STATUS, body)

    async def live(self, uplink: Uplink) -> None:
        """Ask for scheduled events, then begin and end them on time, and report."""
        self._rolls = SeededDice(uplink.node.eui64).stream("load control")
        self.errands.add(wire.LOAD_CONTROL, wire.GET_SCHEDULED_EVENTS, wire.from_start(0, 0))
        while True:
            self.report(self.part.advance(uplink.clock.now()))
            await self.errands.say(uplink)
            due = self.part.deadline()
            wait_s = LONGEST_REST_S if due is None else (due - uplink.clock.now()).total_seconds()
            await self.errands.rest(uplink, min(max(wait_s, 0.0), LONGEST_REST_S))

    def shows(self, now: datetime) -> dict[str, Any]:
        """Which event is followed, and what was reported last."""
        following = self.part.following
        return {
            "following": None if following is None else following.event,
            "until": None if following is None else following.ends_at.isoformat(),
            "reports": [{"event": event, "status": status} for event, status in self.reports[-10:]],
        }

    def press(self, button: str, event: int | None, now: datetime) -> None:
        """opt_out leaves an event (the one that is followed, if none is named), opt_in comes back to one."""
        following = self.part.following
        number = event if event is not None else following.event if following else None
        if button not in ("opt_out", "opt_in") or number is None:
            raise NoSuchButton("the buttons are opt_out and opt_in, for an event that the device has")
        self.report((self.part.opt_out if button == "opt_out" else self.part.opt_in)(number, now))


class ThermostatBehaviour(LoadFollower):
    """A load follower that keeps a house cool."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, HVAC)
        self.house = Thermostat()
        self._at: datetime | None = None

    def shows(self, now: datetime) -> dict[str, Any]:
        """The temperatures in degrees too."""
        self._pass_time(now)
        house = self.house
        return super().shows(now) | {
            "inside_c": house.inside / 100,
            "target_c": house.target / 100,
            "running": house.running,
        }

    def report(self, reports: Sequence[Report | Unknown]) -> None:
        """What is followed changes the house from now on, not what went before."""
        if reports:
            self._pass_time(max(report.at for report in reports))
        super().report(reports)
        self.house.following = self.part.following

    def _pass_time(self, now: datetime) -> None:
        if self._at is not None and now > self._at:
            self.house.pass_time((now - self._at).total_seconds())
        self._at = now
