"""The Commissioning cluster (0x0015) as Smart Energy has it: encrypted. Source: ZigBee Smart Energy 1.4, 5.4.6."""

from zigpy.zcl.clusters import general

from drivers.zigbee.clusters.secured import SecuredCluster


class Commissioning(SecuredCluster, general.Commissioning):
    """zigpy's own, on profile 0x0109."""
