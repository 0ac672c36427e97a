"""The Metering cluster (0x0702) as Smart Energy has it: encrypted. Source: ZigBee Smart Energy 1.4, annex D.3."""

from zigpy.zcl.clusters import smartenergy

from drivers.zigbee.clusters.secured import SecuredCluster


class Metering(SecuredCluster, smartenergy.Metering):
    """zigpy's own, which is the one Smart Energy cluster that it declares."""
