"""What a ZigBee street's control port understands: one JSON object per line in, one per line out, on loopback.

Lines about meters: {"meter": "900700011", "fault": "slow", "seconds": 5}, {"meter": ..., "fault": null},
{"meter": ..., "tamper": true}, {"meter": ..., "reboot": true}, {"meter": ..., "drift_ppm": 50}. About home-area
devices: {"devices": true}, {"device": EUI-64}, and with that "power": "on", "press": "opt_out" (and "event": 7), or
"picture": true. About the rest: {"air": {"loss": 0.1}}, {"ncp": "reset"}, {"ncp": "drop"}, {"stats": true}.
Answers: {"ok": true}, what was asked for, or {"error": "..."}.
"""

from collections.abc import Coroutine, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

from gateway.clock import Clock
from gateway.identifiers import Eui64
from simulators.control_port import BadCommand, LinePort, answer_to
from simulators.faults import Fault, FaultKind
from simulators.home_devices import HomeDevice
from simulators.homes import Homes
from simulators.meter import SimMeter
from simulators.world import ZigBeeStreet
from simulators.zigbee.air.weather import CLEAR, Weather
from simulators.zigbee.devices.panel import Panel, Pictured

_LONGEST_S = 3600.0
_SHARES = ("loss", "damage", "doubling", "delay_s", "jitter_s")
MOST_LISTED = 1000


class DeviceWorld(Protocol):
    """A world with home-area devices, be they a street's or those of one home."""

    homes: Homes
    clock: Clock

    def later(self, work: Coroutine[None, None, None]) -> None:
        """Have something done soon."""
        ...


def obey(street: ZigBeeStreet, line: str) -> dict[str, Any]:
    """Carry out one line; the answer is what goes back. Never raises over what a line says."""
    return answer_to(lambda command: _obey(street, command), line)


def _obey(street: ZigBeeStreet, command: dict[str, Any]) -> dict[str, Any]:
    match command:
        case {"stats": True}:
            fates = {str(fate): count for fate, count in street.radio.sky.counts.items()}
            return {"reads": street.reads(), "connections": street.ncp.connections, "air": fates}
        case {"ncp": "reset"}:
            street.ncp.reset()
        case {"ncp": "drop"}:
            street.ncp.drop()
        case {"air": dict(weather)}:
            street.radio.sky.weather = weather_told(weather)
        case {"meter": str(number)}:
            break_meter(street.meter(number), command)
        case {"devices": True}:
            return listed(street)
        case {"device": str(eui64)}:
            return attend(street, Eui64(eui64), command)
        case _:
            raise BadCommand("not a command: give meter, device, devices, air, ncp, or stats")
    return {"ok": True}


def break_meter(meter: SimMeter, command: dict[str, Any]) -> None:
    """Break or mend a meter, or have something happen to it."""
    match command:
        case {"fault": None}:
            meter.fault = None
        case {"fault": str(kind)}:
            meter.fault = _fault(kind, command.get("seconds", 0))
        case {"tamper": bool(is_open)}:
            meter.tamper(open_=is_open)
        case {"reboot": True}:
            meter.reboot()
        case {"drift_ppm": int() | float() as ppm} if not isinstance(ppm, bool) and abs(ppm) <= 1e5:
            meter.drift_ppm = float(ppm)
        case _:
            raise BadCommand("give with a meter: fault, tamper, reboot, or drift_ppm")


def _fault(kind: str, seconds: object) -> Fault:
    if kind not in list(FaultKind):
        raise BadCommand(f"no fault {kind[:24]!r}: there are {', '.join(FaultKind)}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_S:
        raise BadCommand(f"seconds are a number up to {_LONGEST_S:.0f}")
    return Fault(kind=FaultKind(kind), seconds=float(seconds))


def weather_told(told: Mapping[str, Any]) -> Weather:
    """The weather that shares, delays and cut-off EUI-64s make; nothing told is a clear sky. Raises BadInput."""
    if not told:
        return CLEAR
    cut_off = told.get("cut_off", [])
    wrong = set(told) - {*_SHARES, "lqi_matters", "cut_off"}
    numbers = {name: told[name] for name in _SHARES if name in told}
    if wrong or not isinstance(cut_off, list) or not all(type(each) in (int, float) for each in numbers.values()):
        raise BadCommand(f"air takes numbers for {', '.join(_SHARES)}, lqi_matters, and a list cut_off of EUI-64s")
    addresses = frozenset(int(Eui64(str(each)), 16) for each in cut_off)
    return replace(CLEAR, lqi_matters=told.get("lqi_matters") is True, cut_off=addresses, **numbers)


def attend(street: DeviceWorld, eui64: Eui64, command: dict[str, Any]) -> dict[str, Any]:
    """Look at a device, switch it on or off, or press a button of it."""
    plan, device, now = street.homes.named(eui64), street.homes.device(eui64), street.clock.now()
    front, event = device.behaviour, command.get("event")
    match command:
        case {"power": "on"}:
            device.power_on()
        case {"power": "off"}:
            street.later(device.power_off())
        case {"press": str(button)} if isinstance(front, Panel) and (event is None or type(event) is int):
            front.press(button, event, now)
        case {"picture": True} if isinstance(front, Pictured):
            return {"picture": front.picture(now)}
        case _ if set(command) - {"device"}:
            raise BadCommand("give with a device: power on or off, press, or picture if it has a face")
    shown = front.shows(now) if isinstance(front, Panel) else {}
    return {**_listed(street, plan), "install_code": plan.label, "failure": device.failure, "shows": shown}


def listed(street: DeviceWorld) -> dict[str, Any]:
    """The devices of a world, as many as an answer has room for."""
    return {"devices": [_listed(street, each) for each in islice(street.homes, MOST_LISTED)]}


def _listed(street: DeviceWorld, plan: HomeDevice) -> dict[str, Any]:
    living = street.homes.living(plan.eui64)
    stage = "off" if living is None else str(living.stage)
    return {"device": plan.eui64, "kind": plan.kind, "meter": plan.premise.meter, "stage": stage}


class ControlPort(LinePort):
    """The control port of a ZigBee street."""

    def __init__(self, street: ZigBeeStreet) -> None:
        super().__init__(lambda command: _obey(street, command))
