"""The Messaging cluster (0x0703): texts on a display. Source: ZigBee Smart Energy 1.4, annex D.5."""

# zigpy's definitions take plain numbers and dictionaries and convert them, which their annotations do not say.
# mypy: disable-error-code="arg-type, assignment, misc"

from typing import Final

import zigpy.types as t
from zigpy.zcl.foundation import ZCL_REPORTING_STATUS_ATTR, BaseAttributeDefs, BaseCommandDefs, ZCLCommandDef

from drivers.zigbee.clusters.fields import OctetString, Text
from drivers.zigbee.clusters.secured import SecuredCluster

_DISPLAY = {
    "message_id": t.uint32_t,
    "control": t.bitmap8,
    "start_time": t.UTCTime,
    "duration_min": t.uint16_t,
    "message": Text,
    "extended_control?": t.bitmap8,
}


class Messaging(SecuredCluster):
    """Control: bits 0-1 the way (0 normal), 2-3 the importance, 5 enhanced confirmation, 7 confirmation required."""

    cluster_id: Final[t.uint16_t] = 0x0703
    ep_attribute: Final = "smartenergy_messaging"

    class AttributeDefs(BaseAttributeDefs):
        """None of its own."""

        reporting_status: Final = ZCL_REPORTING_STATUS_ATTR

    class ServerCommandDefs(BaseCommandDefs):
        """From the display."""

        get_last_message: Final = ZCLCommandDef(id=0x00, schema={})
        message_confirmation: Final = ZCLCommandDef(
            id=0x01,
            schema={
                "message_id": t.uint32_t,
                "confirmation_time": t.UTCTime,
                "confirmation_control?": t.bitmap8,
                "response?": OctetString,
            },
        )
        get_message_cancellation: Final = ZCLCommandDef(id=0x02, schema={"earliest_time": t.UTCTime})

    class ClientCommandDefs(BaseCommandDefs):
        """From the Energy Services Interface."""

        display_message: Final = ZCLCommandDef(id=0x00, schema=_DISPLAY)
        cancel_message: Final = ZCLCommandDef(id=0x01, schema={"message_id": t.uint32_t, "control": t.bitmap8})
        display_protected_message: Final = ZCLCommandDef(id=0x02, schema=_DISPLAY)
        cancel_all_messages: Final = ZCLCommandDef(id=0x03, schema={"implementation_time": t.UTCTime})
