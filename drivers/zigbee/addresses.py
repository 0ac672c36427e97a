"""A node's extended address as metergate writes it and as zigpy holds it (pure)."""

import zigpy.types as t

from gateway.identifiers import Eui64


def ieee_of(device: Eui64) -> t.EUI64:
    """As zigpy holds it: least significant byte first."""
    return t.EUI64.deserialize(bytes.fromhex(device)[::-1])[0]


def eui64_of(ieee: t.EUI64) -> Eui64:
    """As metergate writes it: most significant byte first."""
    return Eui64.of(ieee.serialize()[::-1])
