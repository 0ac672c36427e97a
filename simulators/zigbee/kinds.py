"""The kinds of home-area devices that can be switched on in the laboratory, each with what it is made of.

Source: ZigBee Smart Energy 07-5356, chapter 6 (devices).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.clock import Clock
from simulators.zigbee import zdo
from simulators.zigbee.aps import SMART_ENERGY
from simulators.zigbee.clusters import BASIC, KEY_ESTABLISHMENT, METERING, TIME, basic
from simulators.zigbee.life import Behaviour, Idle
from simulators.zigbee.nodes import Endpoint

PRICE, LOAD_CONTROL, MESSAGING = 0x0700, 0x0701, 0x0703
DISPLAY, THERMOSTAT, LOAD_SWITCH, APPLIANCE = 0x0502, 0x0503, 0x0504, 0x0505


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a device is made of: its endpoints, and what it does of itself."""

    endpoints: Mapping[int, Endpoint]
    behaviour: Behaviour = field(default_factory=Idle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of device. make is called once for each, when it is first switched on; sleepy ones are end devices."""

    make: Callable[[Clock], Made]
    sleepy: bool = False


def _bare(device: int, *clients: int) -> Callable[[Clock], Made]:
    """A device with a nameplate that uses some clusters, and does nothing yet with what they bring."""
    descriptor = zdo.Descriptor(
        profile=SMART_ENERGY, device=device, servers=(BASIC, KEY_ESTABLISHMENT), clients=(KEY_ESTABLISHMENT, *clients)
    )
    return lambda clock: Made(endpoints={1: Endpoint(descriptor=descriptor, servers={BASIC: basic()})})


KINDS: Mapping[str, Kind] = {
    "display": Kind(make=_bare(DISPLAY, TIME, PRICE, METERING, MESSAGING)),
    "thermostat": Kind(make=_bare(THERMOSTAT, TIME, PRICE, LOAD_CONTROL, MESSAGING)),
    "load_switch": Kind(make=_bare(LOAD_SWITCH, TIME, LOAD_CONTROL)),
    "appliance": Kind(make=_bare(APPLIANCE, TIME, PRICE), sleepy=True),
}
