"""The endpoints with which a meter meets one device: the Energy Services Interface, and the meter beside it.

Both show the same registers; which of the two real meters have, differs, so this one has both.
"""

from collections.abc import Callable, Mapping

from simulators.han import wire
from simulators.meter import SimMeter
from simulators.zigbee import zcl, zdo
from simulators.zigbee.aps import SMART_ENERGY
from simulators.zigbee.clusters import BASIC, KEY_ESTABLISHMENT, METERING, TIME, Metering, basic
from simulators.zigbee.key_establishment import KeyEstablishment
from simulators.zigbee.nodes import Endpoint
from simulators.zigbee.services_interface.programme import Programme
from simulators.zigbee.services_interface.servers import (
    Heard,
    LoadControl,
    Messaging,
    More,
    Price,
    Time,
    keep_alive,
)
from simulators.zigbee.uplink import KEEP_ALIVE

ENERGY_SERVICES_INTERFACE, METERING_DEVICE = 0x0500, 0x0501
INTERFACE_ENDPOINT, METERING_ENDPOINT = 1, 2
Face = Callable[[KeyEstablishment, Heard, More], Mapping[int, Endpoint]]
"""Makes the endpoints for one device: its exchange of keys, who hears its answers, and who says more to it."""


def faces(meter: SimMeter, programme: Programme) -> Face:
    """What a meter with a programme shows to each of its devices."""
    metering, time, nameplate = Metering(meter), Time(meter), basic("SIM-ESI-1")

    def make(keys: KeyEstablishment, heard: Heard, more: More) -> Mapping[int, Endpoint]:
        own: dict[int, zcl.Cluster] = {BASIC: nameplate, KEY_ESTABLISHMENT: keys.server}
        interface: dict[int, zcl.Cluster] = {
            **own,
            wire.PRICE: Price(programme, meter.now, heard, more),
            wire.MESSAGING: Messaging(programme, meter.now, heard),
            wire.LOAD_CONTROL: LoadControl(programme, meter.now, heard, more),
            TIME: time,
            KEEP_ALIVE: keep_alive(),
            METERING: metering,
        }
        return {
            INTERFACE_ENDPOINT: _endpoint(ENERGY_SERVICES_INTERFACE, interface, keys),
            METERING_ENDPOINT: _endpoint(METERING_DEVICE, {**own, METERING: metering}, keys),
        }

    return make


def _endpoint(device: int, servers: Mapping[int, zcl.Cluster], keys: KeyEstablishment) -> Endpoint:
    descriptor = zdo.Descriptor(
        profile=SMART_ENERGY, device=device, servers=tuple(servers), clients=(KEY_ESTABLISHMENT,)
    )
    return Endpoint(descriptor=descriptor, servers=servers, clients={KEY_ESTABLISHMENT: keys.client})
