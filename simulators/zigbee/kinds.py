"""The kinds of home-area devices that can be switched on in the laboratory, each with what it is made of.

Source: ZigBee Smart Energy 07-5356, chapter 6 (devices).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.clock import Clock
from gateway.identifiers import Eui64, MeterNumber
from simulators.han.wire import LOAD_CONTROL, MESSAGING, PRICE
from simulators.load_shape import Home, HouseholdLoad
from simulators.meter import MeterModel, SimMeter
from simulators.zigbee import zcl, zdo
from simulators.zigbee.aps import SMART_ENERGY
from simulators.zigbee.behaviour import Behaviour, Idle
from simulators.zigbee.clusters import BASIC, KEY_ESTABLISHMENT, METERING, TIME, Metering, basic
from simulators.zigbee.devices.display import DisplayBehaviour
from simulators.zigbee.devices.load_follower import LoadFollower, ThermostatBehaviour
from simulators.zigbee.devices.panel import NoSuchButton
from simulators.zigbee.devices.prepayment import PREPAYMENT, PrepaymentBehaviour
from simulators.zigbee.devices.rogues import Recorder, default_key, wrong_key
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.nodes import Endpoint

METER, DISPLAY, THERMOSTAT, LOAD_SWITCH, APPLIANCE, TERMINAL = 0x0501, 0x0502, 0x0503, 0x0504, 0x0505, 0x0506
WATER_HEATER, POOL_PUMP, SMART_APPLIANCE = 0x0004, 0x0008, 0x0010


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a device is made of: its endpoints, and what it does of itself."""

    endpoints: Mapping[int, Endpoint]
    behaviour: Behaviour = field(default_factory=Idle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of device. make is called once for each, when it is first switched on; sleepy ones are end devices.

    own_key makes the link key that it joins with out of its install code; rogues make another.
    """

    make: Callable[[Clock], Made]
    sleepy: bool = False
    own_key: Callable[[bytes], bytes] = link_key_of


class MeterFront(Idle):
    """The front of a meter that only answers: its counters."""

    def __init__(self, meter: SimMeter) -> None:
        self._meter = meter

    def shows(self, now: datetime) -> dict[str, Any]:
        """What it has counted."""
        now_there = self._meter.registers()
        return {"delivered_wh": now_there.delivered_wh, "demand_w": now_there.demand_w}

    def press(self, button: str, event: int | None, now: datetime) -> None:
        """There are no buttons."""
        raise NoSuchButton("a meter has no buttons")


def _endpoint(
    device: int, model: str, clients: Mapping[int, zcl.Cluster], servers: Mapping[int, zcl.Cluster], *uses: int
) -> Mapping[int, Endpoint]:
    """One endpoint with a nameplate; uses are clusters that it asks and takes no commands of."""
    descriptor = zdo.Descriptor(
        profile=SMART_ENERGY,
        device=device,
        servers=(BASIC, KEY_ESTABLISHMENT, *servers),
        clients=(KEY_ESTABLISHMENT, *uses, *clients),
    )
    return {1: Endpoint(descriptor=descriptor, servers={BASIC: basic(model), **servers}, clients=clients)}


def _display(clock: Clock) -> Made:
    behaviour = DisplayBehaviour(clock)
    clients = {PRICE: behaviour.price, MESSAGING: behaviour.messages}
    return Made(endpoints=_endpoint(DISPLAY, "SIM-IHD-1", clients, {}, TIME, METERING), behaviour=behaviour)


def _follower(
    device: int, model: str, behaviour: Callable[[Clock], LoadFollower], *uses: int
) -> Callable[[Clock], Made]:
    def make(clock: Clock) -> Made:
        made = behaviour(clock)
        return Made(endpoints=_endpoint(device, model, {LOAD_CONTROL: made.client}, {}, TIME, *uses), behaviour=made)

    return make


def _terminal(clock: Clock) -> Made:
    behaviour = PrepaymentBehaviour(clock)
    endpoints = _endpoint(
        TERMINAL, "SIM-PPT-1", {PRICE: behaviour.price}, {PREPAYMENT: behaviour.server}, TIME, PREPAYMENT
    )
    return Made(endpoints=endpoints, behaviour=behaviour)


def _submeter(clock: Clock) -> Made:
    """A meter behind the meter, such as one of a car's charger: it joins like any other device."""
    load = HouseholdLoad("submeter", Home(mean_wh_per_day=9_000))
    meter = SimMeter(number=MeterNumber("SUBMETER"), eui64=Eui64("0" * 16), model=MeterModel(), load=load, clock=clock)
    endpoints = _endpoint(METER, "SIM-SUB-1", {}, {METERING: Metering(meter)}, TIME)
    return Made(endpoints=endpoints, behaviour=MeterFront(meter))


def _recorder(clock: Clock) -> Made:
    return Made(endpoints=_endpoint(DISPLAY, "SIM-IHD-1", {}, {}, TIME, PRICE), behaviour=Recorder())


KINDS: Mapping[str, Kind] = {
    "display": Kind(make=_display),
    "thermostat": Kind(make=_follower(THERMOSTAT, "SIM-PCT-1", ThermostatBehaviour)),
    "load_switch": Kind(
        make=_follower(LOAD_SWITCH, "SIM-LCS-1", lambda clock: LoadFollower(clock, WATER_HEATER | POOL_PUMP))
    ),
    "appliance": Kind(
        make=_follower(APPLIANCE, "SIM-APP-1", lambda clock: LoadFollower(clock, SMART_APPLIANCE), PRICE), sleepy=True
    ),
    "prepayment": Kind(make=_terminal),
    "submeter": Kind(make=_submeter),
}
"""Honest devices, by name; the homes of a street have them in this order."""

ROGUES: Mapping[str, Kind] = {
    "rogue_wrong_key": Kind(make=_recorder, own_key=wrong_key),
    "rogue_default_key": Kind(make=_recorder, own_key=default_key),
    "rogue_replay": Kind(make=_recorder),
}
"""Devices that mean no good: a network must keep the first two out, and believe nothing that the third says twice."""
