"""The Device Management cluster (0x0708): new tenants, suppliers, passwords and what a device logs.

Source: ZigBee Smart Energy 1.4, annex D.10. The clients' attributes, one byte for each kind of event, are left out.
"""

# zigpy's definitions take plain numbers and dictionaries and convert them, which their annotations do not say.
# mypy: disable-error-code="arg-type, assignment, misc"

from typing import Final

import zigpy.types as t
from zigpy.zcl.foundation import (
    ZCL_REPORTING_STATUS_ATTR,
    BaseAttributeDefs,
    BaseCommandDefs,
    ZCLAttributeDef,
    ZCLCommandDef,
)

from drivers.zigbee.clusters.fields import OctetString
from drivers.zigbee.clusters.secured import SecuredCluster


class EventConfiguration(t.Struct):
    """What a device does about a kind of event: bits 0-2 the log, then whether it is pushed or raises an alarm."""

    event_id: t.uint16_t
    configuration: t.bitmap8


class DeviceManagement(SecuredCluster):
    """Passwords travel in it, so no frame of it may be logged."""

    cluster_id: Final[t.uint16_t] = 0x0708
    ep_attribute: Final = "smartenergy_device_management"

    class AttributeDefs(BaseAttributeDefs):
        """The server's."""

        provider_id: Final = ZCLAttributeDef(id=0x0100, type=t.uint32_t, access="r")
        provider_name: Final = ZCLAttributeDef(id=0x0101, type=OctetString, access="r")
        provider_contact: Final = ZCLAttributeDef(id=0x0102, type=OctetString, access="r")
        proposed_provider_id: Final = ZCLAttributeDef(id=0x0110, type=t.uint32_t, access="r")
        proposed_provider_name: Final = ZCLAttributeDef(id=0x0111, type=OctetString, access="r")
        provider_change_time: Final = ZCLAttributeDef(id=0x0112, type=t.UTCTime, access="r")
        provider_change_control: Final = ZCLAttributeDef(id=0x0113, type=t.bitmap32, access="r")
        tenancy_change_time: Final = ZCLAttributeDef(id=0x0200, type=t.UTCTime, access="r")
        tenancy_change_control: Final = ZCLAttributeDef(id=0x0201, type=t.bitmap32, access="r")
        wan_status: Final = ZCLAttributeDef(id=0x0300, type=t.enum8, access="r")
        low_medium_threshold: Final = ZCLAttributeDef(id=0x0400, type=t.uint32_t, access="r")
        medium_high_threshold: Final = ZCLAttributeDef(id=0x0401, type=t.uint32_t, access="r")
        reporting_status: Final = ZCL_REPORTING_STATUS_ATTR

    class ServerCommandDefs(BaseCommandDefs):
        """From the device."""

        get_change_of_tenancy: Final = ZCLCommandDef(id=0x00, schema={})
        get_change_of_supplier: Final = ZCLCommandDef(id=0x01, schema={})
        request_new_password: Final = ZCLCommandDef(id=0x02, schema={"password_type": t.uint8_t})
        get_site_id: Final = ZCLCommandDef(id=0x03, schema={})
        report_event_configuration: Final = ZCLCommandDef(
            id=0x04,
            schema={
                "command_index": t.uint8_t,
                "total_commands": t.uint8_t,
                "configurations": t.List[EventConfiguration],
            },
        )
        get_customer_id: Final = ZCLCommandDef(id=0x05, schema={})

    class ClientCommandDefs(BaseCommandDefs):
        """From the server."""

        publish_change_of_tenancy: Final = ZCLCommandDef(
            id=0x00,
            schema={
                "provider_id": t.uint32_t,
                "event_id": t.uint32_t,
                "tariff_type": t.uint8_t,
                "implementation_time": t.UTCTime,
                "control": t.bitmap32,
            },
        )
        publish_change_of_supplier: Final = ZCLCommandDef(
            id=0x01,
            schema={
                "provider_id": t.uint32_t,
                "event_id": t.uint32_t,
                "tariff_type": t.uint8_t,
                "proposed_provider_id": t.uint32_t,
                "implementation_time": t.UTCTime,
                "control": t.bitmap32,
                "proposed_name": OctetString,
                "proposed_contact": OctetString,
            },
        )
        request_new_password_response: Final = ZCLCommandDef(
            id=0x02,
            schema={
                "event_id": t.uint32_t,
                "implementation_time": t.UTCTime,
                "duration_min": t.uint16_t,
                "password_type": t.uint8_t,
                "password": OctetString,
            },
        )
        update_site_id: Final = ZCLCommandDef(
            id=0x03,
            schema={
                "event_id": t.uint32_t,
                "implementation_time": t.UTCTime,
                "provider_id": t.uint32_t,
                "site_id": OctetString,
            },
        )
        set_event_configuration: Final = ZCLCommandDef(
            id=0x04,
            schema={
                "event_id": t.uint32_t,
                "start_time": t.UTCTime,
                "configuration": t.bitmap8,
                "control": t.uint8_t,
                "payload": t.Bytes,
            },
        )
        get_event_configuration: Final = ZCLCommandDef(id=0x05, schema={"event_id": t.uint16_t})
        update_customer_id: Final = ZCLCommandDef(
            id=0x06,
            schema={
                "event_id": t.uint32_t,
                "implementation_time": t.UTCTime,
                "provider_id": t.uint32_t,
                "customer_id": OctetString,
            },
        )
