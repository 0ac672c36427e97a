"""What a node is: its Smart Energy endpoint, and what its Basic cluster says of its maker."""

import asyncio
from dataclasses import dataclass

from zigpy.endpoint import Endpoint
from zigpy.zcl import Cluster, foundation

from drivers.zigbee.addresses import eui64_of
from drivers.zigbee.application import TROUBLE
from drivers.zigbee.clusters.key_establishment import CLUSTER as KEY_ESTABLISHMENT
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.profile import BASIC, PROFILE_ID
from gateway.han.words import DEVICE_TYPES, Cause, DeviceInfo, DeviceType, HanFault

MANUFACTURER, MODEL, FIRMWARE, LIBRARY_VERSION = 0x0004, 0x0005, 0x4000, 0x0000
"""Attributes of Basic: names of maker and model, build of the firmware, version of the cluster library."""

SUITES = 0x0000
"""The attribute of Key Establishment."""

_MOST_CHARACTERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Makings:
    """Who made a device, as it says; None for what it does not say."""

    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None


def energy_endpoint(device: SmartEnergyDevice) -> Endpoint | None:
    """The node's endpoint on the Smart Energy profile; with several, the one that establishes keys."""
    ours = [endpoint for endpoint in device.non_zdo_endpoints if endpoint.profile_id == PROFILE_ID]
    return next((each for each in ours if KEY_ESTABLISHMENT in each.in_clusters), ours[0] if ours else None)


async def makings(device: SmartEnergyDevice, timeout_s: float) -> Makings:
    """Ask the node who made it. It is told anyway if it does not say: a name is worth no failed join."""
    endpoint = energy_endpoint(device)
    if endpoint is None or BASIC not in endpoint.in_clusters:
        return Makings()
    try:
        texts = await _read(endpoint.in_clusters[BASIC], (MANUFACTURER, MODEL, FIRMWARE), timeout_s)
    except TROUBLE:
        return Makings()
    return Makings(manufacturer=texts.get(MANUFACTURER), model=texts.get(MODEL), firmware=texts.get(FIRMWARE))


async def sign_of_life(device: SmartEnergyDevice, timeout_s: float) -> None:
    """Ask the node's application for something that it always has. Raises HanFault UNREACHABLE."""
    endpoint = energy_endpoint(device)
    if endpoint is None or BASIC not in endpoint.in_clusters:
        raise HanFault(Cause.REFUSED_BY_DEVICE, "the device has no Basic cluster on a Smart Energy endpoint")
    try:
        await _read(endpoint.in_clusters[BASIC], (LIBRARY_VERSION,), timeout_s)
    except TROUBLE as error:
        raise HanFault(Cause.UNREACHABLE, f"the device did not answer ({type(error).__name__})") from None


def info(device: SmartEnergyDevice, made: Makings, suite: int | None) -> DeviceInfo:
    """What is known of a node. Raises HanFault INTERVIEW_FAILED if it never told about itself."""
    endpoint = energy_endpoint(device)
    if endpoint is None or device.node_desc is None:
        raise HanFault(Cause.INTERVIEW_FAILED, "the device has not told about itself")
    return DeviceInfo(
        device=eui64_of(device.ieee),
        type=DEVICE_TYPES.get(int(endpoint.device_type or 0), DeviceType.OTHER),
        nwk=int(device.nwk),
        endpoint=endpoint.endpoint_id,
        manufacturer=made.manufacturer,
        model=made.model,
        firmware=made.firmware,
        servers=tuple(sorted(map(int, endpoint.in_clusters))),
        clients=tuple(sorted(map(int, endpoint.out_clusters))),
        sleepy=not device.node_desc.is_receiver_on_when_idle,
        lqi=None if device.lqi is None else int(device.lqi),
        suite=suite,
        last_heard_at=device._last_seen,
    )


async def _read(basic: Cluster, attributes: tuple[int, ...], timeout_s: float) -> dict[int, str]:
    """The texts among some attributes, printable and not too long."""
    async with asyncio.timeout(timeout_s):
        answer = await basic.read_attributes_raw(list(attributes), timeout=timeout_s, retries=0)
    if isinstance(answer, foundation.DefaultResponse) or not hasattr(answer, "status_records"):
        return {}
    found = {}
    for record in answer.status_records:
        text = None if record.value is None else record.value.value
        if record.status == foundation.Status.SUCCESS and isinstance(text, str) and text.isprintable() and text:
            found[int(record.attrid)] = text[:_MOST_CHARACTERS]
    return found


async def suites(server: Cluster, timeout_s: float) -> int:
    """The mask of the suites that a node's Key Establishment has. Raises HanFault UNREACHABLE, REFUSED_BY_DEVICE."""
    try:
        async with asyncio.timeout(timeout_s):
            answer = await server.read_attributes_raw([SUITES], timeout=timeout_s, retries=0)
    except TROUBLE as error:
        raise HanFault(Cause.UNREACHABLE, f"the device did not answer ({type(error).__name__})") from None
    for record in getattr(answer, "status_records", ()):
        if record.attrid == SUITES and record.status == foundation.Status.SUCCESS:
            return int(record.value.value)
    raise HanFault(Cause.REFUSED_BY_DEVICE, "the device does not tell which suites it has")
