"""The Demand Response and Load Control cluster (0x0701): taking less for a while.

Its attributes are the client's: of the device that takes less. Source: ZigBee Smart Energy 1.4, annex D.2.
"""

# zigpy's definitions take plain numbers and dictionaries and convert them, which their annotations do not say.
# mypy: disable-error-code="arg-type, assignment, misc"

from typing import Any, Final

import zigpy.types as t
from zigpy.zcl.foundation import (
    ZCL_REPORTING_STATUS_ATTR,
    BaseAttributeDefs,
    BaseCommandDefs,
    CommandSchema,
    ZCLAttributeDef,
    ZCLCommandDef,
)

from drivers.zigbee.clusters.fields import Signature
from drivers.zigbee.clusters.secured import SecuredCluster


class DeviceClasses(t.bitmap16):
    """What an event is for."""

    HVAC = 0x0001
    STRIP_HEATER = 0x0002
    WATER_HEATER = 0x0004
    POOL_PUMP = 0x0008
    SMART_APPLIANCE = 0x0010
    IRRIGATION_PUMP = 0x0020
    MANAGED_LOAD = 0x0040
    SIMPLE_LOAD = 0x0080
    EXTERIOR_LIGHTING = 0x0100
    INTERIOR_LIGHTING = 0x0200
    ELECTRIC_VEHICLE = 0x0400
    GENERATION = 0x0800


def _is_signed(report: Any) -> bool:
    return bool(report.signature_type)


class ReportEventStatusSchema(CommandSchema):
    """What a device did about an event; signed in 42 bytes more if the signature's type says so."""

    event_id: t.uint32_t
    status: t.uint8_t
    status_time: t.UTCTime
    criticality: t.uint8_t
    cooling_point: t.uint16_t
    heating_point: t.uint16_t
    average_load: t.int8s
    duty_cycle: t.uint8_t
    event_control: t.bitmap8
    signature_type: t.uint8_t
    signature: Signature = t.StructField(requires=_is_signed)


class LoadControl(SecuredCluster):
    """Set points are hundredths of a degree Celsius (0x8000 unused), offsets tenths (0xFF unused)."""

    cluster_id: Final[t.uint16_t] = 0x0701
    ep_attribute: Final = "smartenergy_drlc"

    class AttributeDefs(BaseAttributeDefs):
        """The device's: a read of them goes from the server to the client."""

        utility_enrolment_group: Final = ZCLAttributeDef(id=0x0000, type=t.uint8_t, access="rw", mandatory=True)
        start_randomization_min: Final = ZCLAttributeDef(id=0x0001, type=t.uint8_t, access="rw", mandatory=True)
        duration_randomization_min: Final = ZCLAttributeDef(id=0x0002, type=t.uint8_t, access="rw", mandatory=True)
        device_class: Final = ZCLAttributeDef(id=0x0003, type=t.uint16_t, access="rw", mandatory=True)
        reporting_status: Final = ZCL_REPORTING_STATUS_ATTR

    class ServerCommandDefs(BaseCommandDefs):
        """From the device."""

        report_event_status: Final = ZCLCommandDef(id=0x00, schema=ReportEventStatusSchema)
        get_scheduled_events: Final = ZCLCommandDef(
            id=0x01,
            schema={"start_time": t.UTCTime, "number_of_events": t.uint8_t, "event_id?": t.uint32_t},
        )

    class ClientCommandDefs(BaseCommandDefs):
        """From the Energy Services Interface."""

        load_control_event: Final = ZCLCommandDef(
            id=0x00,
            schema={
                "event_id": t.uint32_t,
                "device_class": DeviceClasses,
                "enrolment_group": t.uint8_t,
                "start_time": t.UTCTime,
                "duration_min": t.uint16_t,
                "criticality": t.uint8_t,
                "cooling_offset": t.uint8_t,
                "heating_offset": t.uint8_t,
                "cooling_point": t.int16s,
                "heating_point": t.int16s,
                "average_load": t.int8s,
                "duty_cycle": t.uint8_t,
                "event_control": t.bitmap8,
            },
        )
        cancel_load_control_event: Final = ZCLCommandDef(
            id=0x01,
            schema={
                "event_id": t.uint32_t,
                "device_class": DeviceClasses,
                "enrolment_group": t.uint8_t,
                "cancel_control": t.bitmap8,
                "effective_time": t.UTCTime,
            },
        )
        cancel_all_load_control_events: Final = ZCLCommandDef(id=0x02, schema={"cancel_control": t.bitmap8})
