"""Reads, bills, premises and meters in the fields of the services (pure).

The names of a meter's fields are the original's; those of a premise's have not been seen and are ours, after figure 29.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gateway.clock import CENTRAL
from portal.meters.information import MeterInformation, PremiseInformation
from portal.smt.interval_text import DATE, WALL_TIME, kwh
from portal.usage.register_files import DailyRead, MonthlyUsage


def registered_read(read: DailyRead) -> dict[str, Any]:
    """An element of registeredReads; null is missing."""
    return {
        "readDate": _day(read.read_date),
        "revisionDate": wall(read.revised_at),
        "startReading": _thousandths(read.start_wh),
        "endReading": _thousandths(read.end_wh),
        "energyDataKwh": _thousandths(read.usage_wh),
    }


def billing_entry(month: MonthlyUsage) -> dict[str, Any]:
    """An element of billingData; null is missing."""
    return {
        "startDate": _day(month.start_date),
        "endDate": _day(month.end_date),
        "revisionDate": wall(month.revised_at),
        "actualkWh": _thousandths(month.actual_wh),
        "meteredKW": _thousandths(month.metered_w),
        "billedKW": _thousandths(month.billed_w),
        "meteredKVA": _thousandths(month.metered_va),
        "billedKVA": _thousandths(month.billed_va),
    }


def meter_data(meter: MeterInformation) -> dict[str, Any]:
    """MeterData, one to one with figure 30."""
    return {
        "utilityCompanyId": meter.utility,
        "ESIID": meter.esi_id,
        "meterSerialNumber": meter.number,
        "utilityMeterId": meter.utility_number,
        "KWHMeterMultiplier": _plain(meter.multiplier),
        "configuredChannels": meter.channels,
        "manufacturerName": meter.manufacturer,
        "testDate": _day(meter.tested_on),
        "meterClass": meter.meter_class,
        "installationDate": _day_of(meter.installed_at),
        "initialProvisionDate": _day_of(meter.provisioned_at),
        "communicationIndicator": meter.technology,
        "instrumentRated": _letter(meter.instrument_rated),
        "currentTransformersRatio": meter.ct_ratio,
        "potentialTransformersRatio": meter.pt_ratio,
        "esiFirmwareVersion": meter.esi_firmware,
        "HANProtocol": meter.han_protocol,
        "smartEnergyProfile": meter.smart_energy_profile,
        "intervalSetting": meter.interval_minutes,
        "reverseFlowHandling": _letter(meter.generation_capable),
        "DGChannel": meter.generation_channel,
        "disconnect": _letter(meter.remote_disconnect),
        "meterStatus": meter.status,
        "meterPhases": meter.phases,
        "meterModel": meter.model,
        "LastUpdated": wall(meter.updated_at),
    }


def premise_data(premise: PremiseInformation) -> dict[str, Any]:
    """An element of PremiseData, one to one with figure 29."""
    return {
        "utilityCompanyId": premise.utility,
        "ESIID": premise.esi_id,
        "serviceVoltage": premise.service_voltage,
        "premiseStatus": premise.status,
        "timeZone": premise.time_zone,
        "houseNumber": premise.house_number,
        "fractionalHouseAddress": premise.house_fraction,
        "leadingDirectional": premise.leading_directional,
        "streetName": premise.street_name,
        "streetType": premise.street_type,
        "trailingDirectional": premise.trailing_directional,
        "unitDesignation": premise.unit,
        "city": premise.city,
        "state": premise.state,
        "zipCode": premise.zip,
        "zipPlus4": premise.zip_4,
        "meterReadCycle": premise.read_cycle,
        "loadProfile": premise.load_profile,
        "rateClassCode": premise.rate_class,
        "AMSProfileEffectiveDate": _day(premise.ams_profile_from),
    }


def wall(at: datetime | None) -> str | None:
    """An instant in Chicago's wall time, MM/DD/YYYY HH:MM:SS."""
    return None if at is None else at.astimezone(CENTRAL).strftime(WALL_TIME)


def _day(day: date | None) -> str | None:
    return None if day is None else day.strftime(DATE)


def _day_of(at: datetime | None) -> str | None:
    return None if at is None else _day(at.astimezone(CENTRAL).date())


def _thousandths(value: int | None) -> str | None:
    return None if value is None else kwh(value)


def _letter(yes: bool | None) -> str | None:
    return None if yes is None else "Y" if yes else "N"


def _plain(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)
