"""Who answers what devices send by themselves on the clusters that we serve."""

from datetime import datetime, tzinfo
from typing import Protocol

from zigpy.zcl import Cluster, foundation


class Desk(Protocol):
    """What the clusters of drivers.zigbee.clusters turn to. Nothing here blocks or raises."""

    @property
    def zone(self) -> tzinfo:
        """The zone whose wall clock devices show."""
        ...

    def now(self) -> datetime:
        """The instant that devices are told."""
        ...

    def admits(self, cluster: Cluster) -> bool:
        """Whether the device behind a cluster is registered with us; nobody else is answered."""
        ...

    def asked(
        self, cluster: Cluster, header: foundation.ZCLHeader, command: foundation.CommandSchema | bytes
    ) -> foundation.Status | None:
        """A device's command; bytes if its cluster does not have it.

        Returns the status of the Default Response, None if another answer is under way.
        """
        ...

    def refused(self, cluster: Cluster, header: foundation.ZCLHeader, response: foundation.CommandSchema) -> None:
        """A device's Default Response to something that we did not await an answer to."""
        ...
