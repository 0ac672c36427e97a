"""The Keep-Alive cluster (0x0025): how often a device asks whether its trust centre is there.

Source: ZigBee Smart Energy 1.4, annex A.3; the numbers are its defaults.
"""

# zigpy's definitions take plain numbers and dictionaries and convert them, which their annotations do not say.
# mypy: disable-error-code="arg-type, assignment, misc"

from typing import Final

import zigpy.types as t
from zigpy.zcl.foundation import BaseAttributeDefs, ZCLAttributeDef

from drivers.zigbee.clusters.secured import SecuredCluster

BASE_MIN, JITTER_S = 10, 300


class KeepAlive(SecuredCluster):
    """A device asks every base minutes and up to jitter seconds more; after three silences it looks for its network."""

    cluster_id: Final[t.uint16_t] = 0x0025
    ep_attribute: Final = "keep_alive"

    class AttributeDefs(BaseAttributeDefs):
        """Ours to serve."""

        base_min: Final = ZCLAttributeDef(id=0x0000, type=t.uint8_t, access="r", mandatory=True)
        jitter_s: Final = ZCLAttributeDef(id=0x0001, type=t.uint16_t, access="r", mandatory=True)

    def handle_read_attribute_base_min(self) -> t.uint8_t:
        """The least time between two questions."""
        return t.uint8_t(BASE_MIN)  # type: ignore[no-untyped-call]  # zigpy's is unannotated

    def handle_read_attribute_jitter_s(self) -> t.uint16_t:
        """What chance may add to it."""
        return t.uint16_t(JITTER_S)  # type: ignore[no-untyped-call]  # zigpy's is unannotated
