"""The Metering cluster (0x0702) as Smart Energy has it: encrypted. Source: ZigBee Smart Energy 1.4, annex D.3."""

from typing import Any

from zigpy.zcl import foundation
from zigpy.zcl.clusters import smartenergy

from drivers.zigbee.clusters.secured import SecuredCluster


class Metering(SecuredCluster, smartenergy.Metering):
    """zigpy's own, which is the one Smart Energy cluster that it declares. Its reports are the device's to hear."""

    def handle_cluster_general_request(
        self, hdr: foundation.ZCLHeader, args: Any, *, dst_addressing: Any = None
    ) -> None:
        """A command of the library that nobody awaited: a report, or whatever any cluster hears."""
        is_report = hdr.command_id == foundation.GeneralCommand.Report_Attributes
        is_ours = is_report and not hdr.frame_control.is_manufacturer_specific
        device: Any = self.endpoint.device  # always ours
        if is_ours and device.reported(self, args):
            self._conclude(hdr, foundation.Status.SUCCESS)
        else:
            super().handle_cluster_general_request(hdr, args, dst_addressing=dst_addressing)
