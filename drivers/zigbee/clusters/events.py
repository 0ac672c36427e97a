"""The Events cluster (0x0709): a device's logs of what befell it. Source: ZigBee Smart Energy 1.4, annex D.11."""

# zigpy's definitions take plain numbers and dictionaries and convert them, which their annotations do not say.
# mypy: disable-error-code="arg-type, assignment, misc"

from typing import Final

import zigpy.types as t
from zigpy.zcl.foundation import ZCL_REPORTING_STATUS_ATTR, BaseAttributeDefs, BaseCommandDefs, ZCLCommandDef

from drivers.zigbee.clusters.fields import OctetString
from drivers.zigbee.clusters.secured import SecuredCluster


class Log(t.enum8):
    """A log's id."""

    ALL = 0x00
    TAMPER = 0x01
    FAULT = 0x02
    GENERAL = 0x03
    SECURITY = 0x04
    NETWORK = 0x05


class LoggedEvent(t.Struct):
    """One entry of a log."""

    log_id: Log
    event_id: t.uint16_t
    event_time: t.UTCTime
    data: OctetString


class Events(SecuredCluster):
    """Bits 0-3 of log_control are the log, bits 4-7 whether the entries come with their data (0x10)."""

    cluster_id: Final[t.uint16_t] = 0x0709
    ep_attribute: Final = "smartenergy_events"

    class AttributeDefs(BaseAttributeDefs):
        """None of its own."""

        reporting_status: Final = ZCL_REPORTING_STATUS_ATTR

    class ServerCommandDefs(BaseCommandDefs):
        """From whoever reads the log."""

        get_event_log: Final = ZCLCommandDef(
            id=0x00,
            schema={
                "log_control": t.bitmap8,
                "event_id": t.uint16_t,
                "start_time": t.UTCTime,
                "end_time": t.UTCTime,
                "number_of_events": t.uint8_t,
                "event_offset": t.uint16_t,
            },
        )
        clear_event_log: Final = ZCLCommandDef(id=0x01, schema={"log_id": Log})

    class ClientCommandDefs(BaseCommandDefs):
        """From the device that keeps it."""

        publish_event: Final = ZCLCommandDef(
            id=0x00,
            schema={
                "log_id": Log,
                "event_id": t.uint16_t,
                "event_time": t.UTCTime,
                "event_control": t.bitmap8,
                "data": OctetString,
            },
        )
        publish_event_log: Final = ZCLCommandDef(
            id=0x01,
            schema={
                "total_events": t.uint16_t,
                "command_index": t.uint8_t,
                "total_commands": t.uint8_t,
                "payload_control": t.bitmap8,
                "events": t.List[LoggedEvent],
            },
        )
        clear_event_log_response: Final = ZCLCommandDef(id=0x02, schema={"cleared": t.bitmap8})
