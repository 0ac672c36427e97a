"""What all Smart Energy clusters have in common: encryption end to end, and one desk that answers devices."""

import logging
from collections.abc import Coroutine
from typing import Any

from zigpy.zcl import Cluster, foundation

from drivers.zigbee.esi.desk import Desk

log = logging.getLogger(__name__)


class SecuredCluster(Cluster):
    """A cluster of profile 0x0109. It stays out of zigpy's registry, which would give it to every profile's devices.

    What a device sends by itself goes to its application's desk (drivers.zigbee.esi), which answers or has it refused:
    zigpy would answer "success" to commands that it does not know. Reports are acknowledged and not kept, for zigpy
    keeps whatever attributes a device invents.
    """

    _skip_registry = True
    aps_encryption = True

    @property
    def desk(self) -> Desk | None:
        """Who answers devices on this connection, if anybody does."""
        return self.endpoint.device.application.desk  # type: ignore[attr-defined, no-any-return]  # it is always ours

    def handle_cluster_request(self, hdr: foundation.ZCLHeader, args: Any, *, dst_addressing: Any = None) -> None:
        """A command of the cluster that nobody awaited."""
        desk = self.desk
        if desk is None or not desk.admits(self):
            self._conclude(hdr, foundation.Status.NOT_AUTHORIZED)
        elif hdr.frame_control.is_manufacturer_specific:
            self._conclude(hdr, foundation.Status.UNSUP_MANUF_CLUSTER_COMMAND)
        else:
            self._conclude(hdr, desk.asked(self, hdr, args))

    def handle_cluster_general_request(
        self, hdr: foundation.ZCLHeader, args: Any, *, dst_addressing: Any = None
    ) -> None:
        """A command of the library that nobody awaited: a question for our attributes, or news."""
        desk = self.desk
        if desk is None or not desk.admits(self):
            self._conclude(hdr, foundation.Status.NOT_AUTHORIZED)
            return
        match hdr.command_id:
            case foundation.GeneralCommand.Read_Attributes:
                records = self._handle_read_attributes(args.attribute_ids)
                self.create_catching_task(self.read_attributes_rsp(records, tsn=hdr.tsn))
            case foundation.GeneralCommand.Default_Response:
                desk.refused(self, hdr, args)
            case foundation.GeneralCommand.Report_Attributes:
                self._conclude(hdr, foundation.Status.SUCCESS)
            case _:
                self._conclude(hdr, foundation.Status.UNSUP_GENERAL_COMMAND)

    async def catching_coro(self, target: Coroutine[Any, Any, Any], exceptions: Any = None) -> None:
        """Send an answer, or let it go; zigpy would print a traceback for each when a connection closes."""
        try:
            await target
        except Exception as error:  # The task's edge: the node asks again if it wants to know.
            log.debug("%s was not answered: %r", self.endpoint.device.ieee, error)

    def _conclude(self, hdr: foundation.ZCLHeader, status: foundation.Status | None) -> None:
        """Send a Default Response where one is due; None says that an answer is under way. Answers get none."""
        quiet = hdr.frame_control.disable_default_response
        if status is None or (quiet and (status == foundation.Status.SUCCESS or _answers(hdr))):
            return
        if hdr.frame_control.is_cluster or not _answers(hdr):
            self.send_default_rsp(hdr, status)


def _answers(hdr: foundation.ZCLHeader) -> bool:
    """Whether a command is one that answers: what comes when nobody waits for it any more is no question."""
    if hdr.frame_control.is_cluster:
        return bool(hdr.direction == foundation.Direction.Server_to_Client)
    return any(
        int(number) == hdr.command_id and general.direction == foundation.Direction.Server_to_Client
        for number, general in foundation.GENERAL_COMMANDS.items()
    )
