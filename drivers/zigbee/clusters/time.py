"""The Time cluster (0x000A) as Smart Energy has it: encrypted, and by metergate's clock and zone.

Source: ZigBee Cluster Library, chapter 3.12; Smart Energy 1.4, 5.4.6 and A.3.
"""

from typing import Any

import zigpy.types as t
from zigpy.time import TimeSnapshot
from zigpy.zcl import Cluster, foundation
from zigpy.zcl.clusters import general

from drivers.zigbee.clusters.secured import SecuredCluster


class Time(SecuredCluster, general.Time):
    """zigpy's own on profile 0x0109, but for where the time comes from. Without a desk there is none to tell."""

    def _handle_read_attributes(
        self, attribute_ids: list[int], *handler_args: Any
    ) -> list[foundation.ReadAttributeRecord]:
        """All attributes of one answer are of one instant."""
        desk = self.desk
        if desk is None:
            return [_untold(attribute) for attribute in attribute_ids]
        snapshot = TimeSnapshot.compute(desk.zone, desk.now())
        return Cluster._handle_read_attributes(self, attribute_ids, snapshot)


def _untold(attribute: int) -> foundation.ReadAttributeRecord:
    return foundation.ReadAttributeRecord(attrid=t.uint16_t(attribute), status=foundation.Status.NOT_AUTHORIZED)  # type: ignore[no-untyped-call]  # zigpy's is unannotated
