"""The Prepayment cluster (0x0705): credit, debt and top-ups. Source: ZigBee Smart Energy 1.4, annex D.7."""

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


class TopUp(t.Struct):
    """One entry of the log of top-ups."""

    code: OctetString
    amount: t.int32s
    time: t.UTCTime


class DebtCollection(t.Struct):
    """One entry of the log of repayments."""

    time: t.UTCTime
    collected: t.uint32_t
    debt_type: t.uint8_t
    outstanding: t.uint32_t


_ISSUED = {"provider_id": t.uint32_t, "event_id": t.uint32_t, "implementation_time": t.UTCTime}


class Prepayment(SecuredCluster):
    """Amounts are in the currency's smallest unit that attribute 0x0502 scales."""

    cluster_id: Final[t.uint16_t] = 0x0705
    ep_attribute: Final = "smartenergy_prepayment"

    class AttributeDefs(BaseAttributeDefs):
        """The information set and the thresholds; the logs are read by commands."""

        payment_control: Final = ZCLAttributeDef(id=0x0000, type=t.bitmap16, access="r", mandatory=True)
        credit_remaining: Final = ZCLAttributeDef(id=0x0001, type=t.int32s, access="r")
        emergency_credit_remaining: Final = ZCLAttributeDef(id=0x0002, type=t.int32s, access="r")
        credit_status: Final = ZCLAttributeDef(id=0x0003, type=t.bitmap8, access="r")
        credit_remaining_time: Final = ZCLAttributeDef(id=0x0004, type=t.UTCTime, access="r")
        accumulated_debt: Final = ZCLAttributeDef(id=0x0005, type=t.int32s, access="r")
        overall_debt_cap: Final = ZCLAttributeDef(id=0x0006, type=t.int32s, access="r")
        emergency_credit_limit: Final = ZCLAttributeDef(id=0x0010, type=t.uint32_t, access="r")
        emergency_credit_threshold: Final = ZCLAttributeDef(id=0x0011, type=t.uint32_t, access="r")
        total_credit_added: Final = ZCLAttributeDef(id=0x0020, type=t.uint48_t, access="r")
        max_credit_limit: Final = ZCLAttributeDef(id=0x0021, type=t.uint32_t, access="r")
        max_credit_per_top_up: Final = ZCLAttributeDef(id=0x0022, type=t.uint32_t, access="r")
        friendly_credit_warning: Final = ZCLAttributeDef(id=0x0030, type=t.uint8_t, access="r")
        low_credit_warning: Final = ZCLAttributeDef(id=0x0031, type=t.uint32_t, access="r")
        display_low_credit_warning: Final = ZCLAttributeDef(id=0x0032, type=t.uint32_t, access="rw")
        cut_off_value: Final = ZCLAttributeDef(id=0x0040, type=t.int32s, access="r")
        alarm_status: Final = ZCLAttributeDef(id=0x0400, type=t.bitmap16, access="r")
        currency_scaling: Final = ZCLAttributeDef(id=0x0502, type=t.enum8, access="r")
        currency: Final = ZCLAttributeDef(id=0x0503, type=t.uint16_t, access="r")
        reporting_status: Final = ZCL_REPORTING_STATUS_ATTR

    class ServerCommandDefs(BaseCommandDefs):
        """From a terminal or the Energy Services Interface."""

        select_emergency_credit: Final = ZCLCommandDef(
            id=0x00,
            schema={
                "issue_time": t.UTCTime,
                "originating_device": t.uint8_t,
                "site_id": OctetString,
                "meter_serial": OctetString,
            },
        )
        change_debt: Final = ZCLCommandDef(
            id=0x02,
            schema={
                "event_id": t.uint32_t,
                "label": OctetString,
                "amount": t.uint32_t,
                "recovery_method": t.uint8_t,
                "amount_type": t.uint8_t,
                "recovery_start_time": t.UTCTime,
                "collection_time": t.uint16_t,
                "recovery_frequency": t.uint8_t,
                "recovery_amount": t.uint32_t,
                "recovery_percentage": t.uint16_t,
            },
        )
        set_up_emergency_credit: Final = ZCLCommandDef(
            id=0x03,
            schema={
                "event_id": t.uint32_t,
                "start_time": t.UTCTime,
                "limit": t.uint32_t,
                "threshold": t.uint32_t,
            },
        )
        consumer_top_up: Final = ZCLCommandDef(id=0x04, schema={"originating_device": t.uint8_t, "code": OctetString})
        adjust_credit: Final = ZCLCommandDef(
            id=0x05,
            schema={
                "event_id": t.uint32_t,
                "start_time": t.UTCTime,
                "adjustment_type": t.uint8_t,
                "value": t.uint32_t,
            },
        )
        change_payment_mode: Final = ZCLCommandDef(
            id=0x06, schema={**_ISSUED, "payment_control": t.bitmap16, "cut_off_value": t.uint32_t}
        )
        get_prepay_snapshot: Final = ZCLCommandDef(
            id=0x07,
            schema={
                "earliest_time": t.UTCTime,
                "latest_time": t.UTCTime,
                "snapshot_offset": t.uint8_t,
                "cause": t.bitmap32,
            },
        )
        get_top_up_log: Final = ZCLCommandDef(
            id=0x08, schema={"latest_time": t.UTCTime, "number_of_records": t.uint8_t}
        )
        set_low_credit_warning: Final = ZCLCommandDef(id=0x09, schema={"level": t.uint32_t})
        get_debt_log: Final = ZCLCommandDef(
            id=0x0A, schema={"latest_time": t.UTCTime, "number_of_debts": t.uint8_t, "debt_type": t.uint8_t}
        )
        set_max_credit: Final = ZCLCommandDef(
            id=0x0B, schema={**_ISSUED, "limit": t.uint32_t, "per_top_up": t.uint32_t}
        )
        set_debt_cap: Final = ZCLCommandDef(id=0x0C, schema={**_ISSUED, "cap": t.uint32_t})

    class ClientCommandDefs(BaseCommandDefs):
        """From the meter that keeps the account."""

        publish_prepay_snapshot: Final = ZCLCommandDef(
            id=0x01,
            schema={
                "snapshot_id": t.uint32_t,
                "snapshot_time": t.UTCTime,
                "total_snapshots": t.uint8_t,
                "command_index": t.uint8_t,
                "total_commands": t.uint8_t,
                "cause": t.bitmap32,
                "payload_type": t.uint8_t,
                "payload": t.Bytes,
            },
        )
        change_payment_mode_response: Final = ZCLCommandDef(
            id=0x02,
            schema={
                "friendly_credit": t.bitmap8,
                "calendar_id": t.uint32_t,
                "emergency_credit_limit": t.uint32_t,
                "emergency_credit_threshold": t.uint32_t,
            },
        )
        consumer_top_up_response: Final = ZCLCommandDef(
            id=0x03,
            schema={
                "result": t.uint8_t,
                "value": t.uint32_t,
                "source": t.uint8_t,
                "credit_remaining": t.uint32_t,
            },
        )
        publish_top_up_log: Final = ZCLCommandDef(
            id=0x05,
            schema={"command_index": t.uint8_t, "total_commands": t.uint8_t, "top_ups": t.List[TopUp]},
        )
        publish_debt_log: Final = ZCLCommandDef(
            id=0x06,
            schema={"command_index": t.uint8_t, "total_commands": t.uint8_t, "debts": t.List[DebtCollection]},
        )
