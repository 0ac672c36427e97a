"""The Over-the-Air Upgrade cluster (0x0019) as Smart Energy has it: encrypted. Source: Smart Energy 1.4, 5.4.6."""

from zigpy.zcl.clusters import general

from drivers.zigbee.clusters.secured import SecuredCluster


class Ota(SecuredCluster, general.Ota):
    """zigpy's own, on profile 0x0109; the server that it would play there is not played."""
