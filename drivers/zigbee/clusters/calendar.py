"""The Calendar cluster (0x0707): when which tariff applies. Source: ZigBee Smart Energy 1.4, annex D.9."""

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


class ScheduleEntry(t.Struct):
    """From a minute of the day on: a price tier, whether credit is friendly, or what switches are on."""

    start_min: t.uint16_t
    value: t.uint8_t


class Season(t.Struct):
    """Which week's profile applies from a date on."""

    start_date: t.Date
    week_id: t.uint8_t


class SpecialDay(t.Struct):
    """Which day's profile a date has, whatever its week says."""

    date: t.Date
    day_id: t.uint8_t


_CALENDAR = {"provider_id": t.uint32_t, "event_id": t.uint32_t, "calendar_id": t.uint32_t}
_PART = {"command_index": t.uint8_t, "total_commands": t.uint8_t}


class Calendar(SecuredCluster):
    """Labels are those of the auxiliary switches that a calendar can turn."""

    cluster_id: Final[t.uint16_t] = 0x0707
    ep_attribute: Final = "smartenergy_calendar"

    class AttributeDefs(BaseAttributeDefs):
        """The server's."""

        switch_1_label: Final = ZCLAttributeDef(id=0x0000, type=OctetString, access="rw")
        switch_2_label: Final = ZCLAttributeDef(id=0x0001, type=OctetString, access="rw")
        switch_3_label: Final = ZCLAttributeDef(id=0x0002, type=OctetString, access="rw")
        switch_4_label: Final = ZCLAttributeDef(id=0x0003, type=OctetString, access="rw")
        switch_5_label: Final = ZCLAttributeDef(id=0x0004, type=OctetString, access="rw")
        switch_6_label: Final = ZCLAttributeDef(id=0x0005, type=OctetString, access="rw")
        switch_7_label: Final = ZCLAttributeDef(id=0x0006, type=OctetString, access="rw")
        switch_8_label: Final = ZCLAttributeDef(id=0x0007, type=OctetString, access="rw")
        reporting_status: Final = ZCL_REPORTING_STATUS_ATTR

    class ServerCommandDefs(BaseCommandDefs):
        """From the device."""

        get_calendar: Final = ZCLCommandDef(
            id=0x00,
            schema={
                "earliest_time": t.UTCTime,
                "lowest_event_id": t.uint32_t,
                "number_of_calendars": t.uint8_t,
                "calendar_type": t.uint8_t,
                "provider_id": t.uint32_t,
            },
        )
        get_day_profiles: Final = ZCLCommandDef(
            id=0x01,
            schema={
                "provider_id": t.uint32_t,
                "calendar_id": t.uint32_t,
                "first_day_id": t.uint8_t,
                "number_of_days": t.uint8_t,
            },
        )
        get_week_profiles: Final = ZCLCommandDef(
            id=0x02,
            schema={
                "provider_id": t.uint32_t,
                "calendar_id": t.uint32_t,
                "first_week_id": t.uint8_t,
                "number_of_weeks": t.uint8_t,
            },
        )
        get_seasons: Final = ZCLCommandDef(id=0x03, schema={"provider_id": t.uint32_t, "calendar_id": t.uint32_t})
        get_special_days: Final = ZCLCommandDef(
            id=0x04,
            schema={
                "start_time": t.UTCTime,
                "number_of_events": t.uint8_t,
                "calendar_type": t.uint8_t,
                "provider_id": t.uint32_t,
                "calendar_id": t.uint32_t,
            },
        )
        get_calendar_cancellation: Final = ZCLCommandDef(id=0x05, schema={})

    class ClientCommandDefs(BaseCommandDefs):
        """From the server."""

        publish_calendar: Final = ZCLCommandDef(
            id=0x00,
            schema={
                **_CALENDAR,
                "start_time": t.UTCTime,
                "calendar_type": t.uint8_t,
                "time_reference": t.uint8_t,
                "name": OctetString,
                "number_of_seasons": t.uint8_t,
                "number_of_weeks": t.uint8_t,
                "number_of_days": t.uint8_t,
            },
        )
        publish_day_profile: Final = ZCLCommandDef(
            id=0x01,
            schema={
                **_CALENDAR,
                "day_id": t.uint8_t,
                "total_entries": t.uint8_t,
                **_PART,
                "calendar_type": t.uint8_t,
                "entries": t.List[ScheduleEntry],
            },
        )
        publish_week_profile: Final = ZCLCommandDef(
            id=0x02,
            schema={
                **_CALENDAR,
                "week_id": t.uint8_t,
                "monday_id": t.uint8_t,
                "tuesday_id": t.uint8_t,
                "wednesday_id": t.uint8_t,
                "thursday_id": t.uint8_t,
                "friday_id": t.uint8_t,
                "saturday_id": t.uint8_t,
                "sunday_id": t.uint8_t,
            },
        )
        publish_seasons: Final = ZCLCommandDef(id=0x03, schema={**_CALENDAR, **_PART, "seasons": t.List[Season]})
        publish_special_days: Final = ZCLCommandDef(
            id=0x04,
            schema={
                **_CALENDAR,
                "start_time": t.UTCTime,
                "calendar_type": t.uint8_t,
                "total_days": t.uint8_t,
                **_PART,
                "days": t.List[SpecialDay],
            },
        )
        cancel_calendar: Final = ZCLCommandDef(
            id=0x05, schema={"provider_id": t.uint32_t, "calendar_id": t.uint32_t, "calendar_type": t.uint8_t}
        )
