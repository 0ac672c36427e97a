"""The Price cluster (0x0700): what energy costs now and later. Source: ZigBee Smart Energy 1.4, annex D.4.

Attributes stand here as far as prices by time and by block of consumption need them; the clients' three randomization
and commodity attributes share ids with the servers' labels and are left out.
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

from drivers.zigbee.clusters.fields import OctetString
from drivers.zigbee.clusters.secured import SecuredCluster


class MatrixPrice(t.Struct):
    """The price of a tier, or of a block within it (high nibble the tier, low nibble the block)."""

    tier_block: t.uint8_t
    price: t.uint32_t


class TierLabel(t.Struct):
    """What a tier is called."""

    tier: t.uint8_t
    label: OctetString


def _count(entry: Any) -> int:
    return int(entry.count)


class TierThresholds(t.Struct):
    """A tier's thresholds between blocks. zigpy packs from the low nibble on: the count there, the tier above it."""

    count: t.uint4_t
    tier: t.uint4_t
    thresholds: t.List[t.uint48_t] = t.StructField(length=_count)


class PublishPriceSchema(CommandSchema):
    """A price, with what each later version of the profile appended; absent fields are None.

    digits_and_tier: high nibble the price's decimal places, low nibble the tier. tiers_and_register: high nibble how
    many tiers there are, low nibble the meter's register. price_control: bit 0 asks for an acknowledgement.
    """

    provider_id: t.uint32_t
    rate_label: OctetString
    event_id: t.uint32_t
    current_time: t.UTCTime
    unit: t.uint8_t
    currency: t.uint16_t
    digits_and_tier: t.bitmap8
    tiers_and_register: t.bitmap8
    start_time: t.UTCTime
    duration_min: t.uint16_t
    price: t.uint32_t
    price_ratio: t.uint8_t
    generation_price: t.uint32_t
    generation_price_ratio: t.uint8_t
    alternate_cost: t.uint32_t = t.StructField(optional=True)
    alternate_cost_unit: t.uint8_t = t.StructField(optional=True)
    alternate_cost_digits: t.bitmap8 = t.StructField(optional=True)
    block_thresholds: t.uint8_t = t.StructField(optional=True)
    price_control: t.bitmap8 = t.StructField(optional=True)
    generation_tiers: t.uint8_t = t.StructField(optional=True)
    generation_tier: t.uint8_t = t.StructField(optional=True)
    extended_tiers: t.uint8_t = t.StructField(optional=True)
    extended_tier: t.uint8_t = t.StructField(optional=True)
    extended_register: t.uint8_t = t.StructField(optional=True)


_EARLIEST = {"earliest_time": t.UTCTime, "lowest_event_id": t.uint32_t, "number_of_commands": t.uint8_t}
_EARLIEST_OF_TARIFF = {**_EARLIEST, "tariff_type?": t.uint8_t}
_OF_TARIFF = {"tariff_id": t.uint32_t}
_ISSUED = {"provider_id": t.uint32_t, "event_id": t.uint32_t}
_IN_PARTS = {
    **_ISSUED,
    "start_time": t.UTCTime,
    "tariff_id": t.uint32_t,
    "command_index": t.uint8_t,
    "total_commands": t.uint8_t,
    "payload_control": t.bitmap8,
}
_BILLING_PERIOD = {
    **_ISSUED,
    "start_time": t.UTCTime,
    "duration": t.uint24_t,
    "duration_type": t.bitmap8,
    "tariff_type": t.uint8_t,
}


class Price(SecuredCluster):
    """A start time of 0 is now, a duration of 0xFFFF until changed; all ones is an unused price or ratio."""

    cluster_id: Final[t.uint16_t] = 0x0700
    ep_attribute: Final = "smartenergy_price"

    class AttributeDefs(BaseAttributeDefs):
        """The server's."""

        tier_1_label: Final = ZCLAttributeDef(id=0x0000, type=OctetString, access="rw")
        tier_2_label: Final = ZCLAttributeDef(id=0x0001, type=OctetString, access="rw")
        tier_3_label: Final = ZCLAttributeDef(id=0x0002, type=OctetString, access="rw")
        tier_4_label: Final = ZCLAttributeDef(id=0x0003, type=OctetString, access="rw")
        tier_5_label: Final = ZCLAttributeDef(id=0x0004, type=OctetString, access="rw")
        tier_6_label: Final = ZCLAttributeDef(id=0x0005, type=OctetString, access="rw")
        tier_7_label: Final = ZCLAttributeDef(id=0x0006, type=OctetString, access="rw")
        tier_8_label: Final = ZCLAttributeDef(id=0x0007, type=OctetString, access="rw")
        tier_9_label: Final = ZCLAttributeDef(id=0x0008, type=OctetString, access="rw")
        tier_10_label: Final = ZCLAttributeDef(id=0x0009, type=OctetString, access="rw")
        tier_11_label: Final = ZCLAttributeDef(id=0x000A, type=OctetString, access="rw")
        tier_12_label: Final = ZCLAttributeDef(id=0x000B, type=OctetString, access="rw")
        tier_13_label: Final = ZCLAttributeDef(id=0x000C, type=OctetString, access="rw")
        tier_14_label: Final = ZCLAttributeDef(id=0x000D, type=OctetString, access="rw")
        tier_15_label: Final = ZCLAttributeDef(id=0x000E, type=OctetString, access="rw")
        block_1_threshold: Final = ZCLAttributeDef(id=0x0100, type=t.uint48_t, access="r")
        block_2_threshold: Final = ZCLAttributeDef(id=0x0101, type=t.uint48_t, access="r")
        block_3_threshold: Final = ZCLAttributeDef(id=0x0102, type=t.uint48_t, access="r")
        block_4_threshold: Final = ZCLAttributeDef(id=0x0103, type=t.uint48_t, access="r")
        block_5_threshold: Final = ZCLAttributeDef(id=0x0104, type=t.uint48_t, access="r")
        block_6_threshold: Final = ZCLAttributeDef(id=0x0105, type=t.uint48_t, access="r")
        block_7_threshold: Final = ZCLAttributeDef(id=0x0106, type=t.uint48_t, access="r")
        block_8_threshold: Final = ZCLAttributeDef(id=0x0107, type=t.uint48_t, access="r")
        block_9_threshold: Final = ZCLAttributeDef(id=0x0108, type=t.uint48_t, access="r")
        block_10_threshold: Final = ZCLAttributeDef(id=0x0109, type=t.uint48_t, access="r")
        block_11_threshold: Final = ZCLAttributeDef(id=0x010A, type=t.uint48_t, access="r")
        block_12_threshold: Final = ZCLAttributeDef(id=0x010B, type=t.uint48_t, access="r")
        block_13_threshold: Final = ZCLAttributeDef(id=0x010C, type=t.uint48_t, access="r")
        block_14_threshold: Final = ZCLAttributeDef(id=0x010D, type=t.uint48_t, access="r")
        block_15_threshold: Final = ZCLAttributeDef(id=0x010E, type=t.uint48_t, access="r")
        block_period_start: Final = ZCLAttributeDef(id=0x0200, type=t.UTCTime, access="r")
        block_period_min: Final = ZCLAttributeDef(id=0x0201, type=t.uint24_t, access="r")
        threshold_multiplier: Final = ZCLAttributeDef(id=0x0202, type=t.uint24_t, access="r")
        threshold_divisor: Final = ZCLAttributeDef(id=0x0203, type=t.uint24_t, access="r")
        commodity: Final = ZCLAttributeDef(id=0x0300, type=t.enum8, access="r")
        standing_charge: Final = ZCLAttributeDef(id=0x0301, type=t.uint32_t, access="r")
        tariff_label: Final = ZCLAttributeDef(id=0x0610, type=OctetString, access="r")
        tariff_unit: Final = ZCLAttributeDef(id=0x0615, type=t.enum8, access="r")
        tariff_currency: Final = ZCLAttributeDef(id=0x0616, type=t.uint16_t, access="r")
        tariff_digits: Final = ZCLAttributeDef(id=0x0617, type=t.bitmap8, access="r")
        reporting_status: Final = ZCL_REPORTING_STATUS_ATTR

    class ServerCommandDefs(BaseCommandDefs):
        """From the device."""

        get_current_price: Final = ZCLCommandDef(id=0x00, schema={"options": t.bitmap8})
        get_scheduled_prices: Final = ZCLCommandDef(
            id=0x01, schema={"start_time": t.UTCTime, "number_of_events": t.uint8_t}
        )
        price_acknowledgement: Final = ZCLCommandDef(
            id=0x02, schema={**_ISSUED, "acknowledged_time": t.UTCTime, "price_control": t.bitmap8}
        )
        get_block_periods: Final = ZCLCommandDef(
            id=0x03, schema={"start_time": t.UTCTime, "number_of_events": t.uint8_t, "tariff_type?": t.uint8_t}
        )
        get_conversion_factor: Final = ZCLCommandDef(id=0x04, schema=_EARLIEST)
        get_calorific_value: Final = ZCLCommandDef(id=0x05, schema=_EARLIEST)
        get_tariff_information: Final = ZCLCommandDef(id=0x06, schema=_EARLIEST_OF_TARIFF)
        get_price_matrix: Final = ZCLCommandDef(id=0x07, schema=_OF_TARIFF)
        get_block_thresholds: Final = ZCLCommandDef(id=0x08, schema=_OF_TARIFF)
        get_co2_value: Final = ZCLCommandDef(id=0x09, schema=_EARLIEST_OF_TARIFF)
        get_tier_labels: Final = ZCLCommandDef(id=0x0A, schema=_OF_TARIFF)
        get_billing_period: Final = ZCLCommandDef(id=0x0B, schema=_EARLIEST_OF_TARIFF)
        get_consolidated_bill: Final = ZCLCommandDef(id=0x0C, schema=_EARLIEST_OF_TARIFF)
        cpp_event_response: Final = ZCLCommandDef(id=0x0D, schema={"event_id": t.uint32_t, "authorisation": t.uint8_t})
        get_credit_payment: Final = ZCLCommandDef(
            id=0x0E, schema={"latest_time": t.UTCTime, "number_of_records": t.uint8_t}
        )
        get_currency_conversion: Final = ZCLCommandDef(id=0x0F, schema={})
        get_tariff_cancellation: Final = ZCLCommandDef(id=0x10, schema={})

    class ClientCommandDefs(BaseCommandDefs):
        """From the Energy Services Interface."""

        publish_price: Final = ZCLCommandDef(id=0x00, schema=PublishPriceSchema)
        publish_block_period: Final = ZCLCommandDef(
            id=0x01,
            schema={
                **_ISSUED,
                "start_time": t.UTCTime,
                "duration": t.uint24_t,
                "tiers_and_thresholds": t.bitmap8,
                "control": t.bitmap8,
                "duration_type?": t.bitmap8,
                "tariff_type?": t.uint8_t,
                "tariff_resolution?": t.uint8_t,
            },
        )
        publish_conversion_factor: Final = ZCLCommandDef(
            id=0x02,
            schema={"event_id": t.uint32_t, "start_time": t.UTCTime, "factor": t.uint32_t, "digits": t.bitmap8},
        )
        publish_calorific_value: Final = ZCLCommandDef(
            id=0x03,
            schema={
                "event_id": t.uint32_t,
                "start_time": t.UTCTime,
                "value": t.uint32_t,
                "unit": t.uint8_t,
                "digits": t.bitmap8,
            },
        )
        publish_tariff_information: Final = ZCLCommandDef(
            id=0x04,
            schema={
                **_ISSUED,
                "tariff_id": t.uint32_t,
                "start_time": t.UTCTime,
                "type_and_scheme": t.bitmap8,
                "label": OctetString,
                "price_tiers": t.uint8_t,
                "block_thresholds": t.uint8_t,
                "unit": t.uint8_t,
                "currency": t.uint16_t,
                "digits": t.bitmap8,
                "standing_charge": t.uint32_t,
                "tier_block_mode": t.uint8_t,
                "threshold_multiplier": t.uint24_t,
                "threshold_divisor": t.uint24_t,
            },
        )
        publish_price_matrix: Final = ZCLCommandDef(id=0x05, schema={**_IN_PARTS, "prices": t.List[MatrixPrice]})
        publish_block_thresholds: Final = ZCLCommandDef(
            id=0x06, schema={**_IN_PARTS, "thresholds": t.List[TierThresholds]}
        )
        publish_co2_value: Final = ZCLCommandDef(
            id=0x07,
            schema={
                **_ISSUED,
                "start_time": t.UTCTime,
                "tariff_type": t.uint8_t,
                "value": t.uint32_t,
                "unit": t.uint8_t,
                "digits": t.bitmap8,
            },
        )
        publish_tier_labels: Final = ZCLCommandDef(
            id=0x08,
            schema={
                **_ISSUED,
                "tariff_id": t.uint32_t,
                "command_index": t.uint8_t,
                "total_commands": t.uint8_t,
                "labels": t.LVList[TierLabel, t.uint8_t],
            },
        )
        publish_billing_period: Final = ZCLCommandDef(id=0x09, schema=_BILLING_PERIOD)
        publish_consolidated_bill: Final = ZCLCommandDef(
            id=0x0A,
            schema={**_BILLING_PERIOD, "bill": t.uint32_t, "currency": t.uint16_t, "digits": t.bitmap8},
        )
        publish_cpp_event: Final = ZCLCommandDef(
            id=0x0B,
            schema={
                **_ISSUED,
                "start_time": t.UTCTime,
                "duration_min": t.uint16_t,
                "tariff_type": t.uint8_t,
                "price_tier": t.uint8_t,
                "authorisation": t.uint8_t,
            },
        )
        publish_credit_payment: Final = ZCLCommandDef(
            id=0x0C,
            schema={
                **_ISSUED,
                "due_time": t.UTCTime,
                "overdue_amount": t.uint32_t,
                "status": t.uint8_t,
                "payment": t.uint32_t,
                "payment_time": t.UTCTime,
                "reference": OctetString,
            },
        )
        publish_currency_conversion: Final = ZCLCommandDef(
            id=0x0D,
            schema={
                **_ISSUED,
                "start_time": t.UTCTime,
                "old_currency": t.uint16_t,
                "new_currency": t.uint16_t,
                "factor": t.uint32_t,
                "digits": t.bitmap8,
                "flags": t.bitmap32,
            },
        )
        cancel_tariff: Final = ZCLCommandDef(
            id=0x0E, schema={"provider_id": t.uint32_t, "tariff_id": t.uint32_t, "tariff_type": t.uint8_t}
        )
