"""The Time cluster (0x000A) as Smart Energy has it: encrypted, and by metergate's clock and zone.

Source: ZigBee Cluster Library, chapter 3.12; Smart Energy 1.4, 5.4.6 and A.3.
"""

from typing import Any

from zigpy.time import TimeSnapshot
from zigpy.zcl import Cluster, foundation
from zigpy.zcl.clusters import general

from drivers.zigbee.clusters.secured import SecuredCluster


class Time(SecuredCluster, general.Time):
    """zigpy's own on profile 0x0109, but for where the time comes from."""

    def _handle_read_attributes(
        self, attribute_ids: list[int], *handler_args: Any
    ) -> list[foundation.ReadAttributeRecord]:
        """All attributes of one answer are of one instant."""
        desk = self.desk
        assert desk is not None  # who has none answers nobody
        snapshot = TimeSnapshot.compute(desk.zone, desk.now())
        return Cluster._handle_read_attributes(self, attribute_ids, snapshot)
