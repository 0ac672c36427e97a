"""Premise and Meter Information of many meters as CSV: the guide's fields (figures 29 and 30; PMI-03, PMI-04)."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import CENTRAL
from gateway.identifiers import EsiId
from portal.companies.tables import companies
from portal.market.tables import premises
from portal.meters.tables import meters
from portal.reports.columns import MISSING
from portal.reports.csv_text import text_cell
from portal.reports.forms import Report
from portal.visibility import VisibleMeter

Fields = Sequence[tuple[str, ColumnElement[Any]]]
PREMISE_FIELDS: Fields = (
    ("Electric Utility Company", companies.c.name),
    ("ESI ID", premises.c.esi_id),
    ("Service Voltage", premises.c.service_voltage),
    ("Premise Status", premises.c.status),
    ("Time Zone", premises.c.time_zone),
    ("House Number", premises.c.house_number),
    ("Fractional House Address", premises.c.house_fraction),
    ("Leading Directional", premises.c.leading_directional),
    ("Street Name", premises.c.street_name),
    ("Street Type", premises.c.street_type),
    ("Trailing Directional", premises.c.trailing_directional),
    ("Unit Designation", premises.c.unit),
    ("City", premises.c.city),
    ("State", premises.c.state),
    ("ZIP", premises.c.zip),
    ("Zip + 4", premises.c.zip_4),
    ("Meter Read Cycle", premises.c.read_cycle),
    ("Load Profile", premises.c.load_profile),
    ("Rate Class/Code", premises.c.rate_class),
    ("AMS Profile Effective Date", premises.c.ams_profile_from),
)
METER_FIELDS: Fields = (
    ("Electric Utility Company", companies.c.name),
    ("ESI ID", premises.c.esi_id),
    ("Meter Number", meters.c.number),
    ("Utility Meter Number", meters.c.utility_number),
    ("kWh Meter Multiplier", meters.c.multiplier),
    ("Number of Channels", meters.c.channels),
    ("Manufacturer Name", meters.c.manufacturer),
    ("Last Meter Test Date", meters.c.tested_on),
    ("Meter Class", meters.c.meter_class),
    ("Installation Date", meters.c.installed_at),
    ("Activation Date", meters.c.provisioned_at),
    ("Technology/Communicator Indicator", meters.c.technology),
    ("Instrument Rated", meters.c.instrument_rated),
    ("CT Ratio", meters.c.ct_ratio),
    ("PT Ratio", meters.c.pt_ratio),
    ("ESI Firmware Version", meters.c.esi_firmware),
    ("HAN Protocol", meters.c.han_protocol),
    ("Smart Energy Profile", meters.c.smart_energy_profile),
    ("Interval Setting", meters.c.interval_minutes),
    ("In flow / Out flow (DG) Capable", meters.c.generation_capable),
    ("Distributed Generation Channel", meters.c.generation_channel),
    ("Remote disconnect / connect Capable", meters.c.remote_disconnect),
    ("Meter Status", meters.c.status),
    ("Meter Phases", meters.c.phases),
    ("Meter Model", meters.c.model),
    ("Last Updated", meters.c.updated_at),
)
FIELDS: dict[Report, Fields] = {Report.PREMISE: PREMISE_FIELDS, Report.METER: METER_FIELDS}


def first_line(report: Report) -> str:
    """The header: the guide's names of the fields."""
    return ",".join(text_cell(name) for name, _ in FIELDS[report]) + "\n"


async def lines(connection: AsyncConnection, report: Report, seen: Sequence[VisibleMeter]) -> str:
    """A line for each meter, in the order of their ESI IDs."""
    rows = await connection.execute(_selected(report).where(meters.c.id.in_([meter.id for meter in seen])))
    return "".join(",".join(map(_cell, row)) + "\n" for row in rows)


def _selected(report: Report) -> Select[Any]:
    joined = meters.join(premises, premises.c.esi_id == meters.c.esi_id).join(
        companies, companies.c.id == premises.c.tdsp_id
    )
    columns: Iterable[ColumnElement[Any]] = (column for _, column in FIELDS[report])
    return select(*columns).select_from(joined).order_by(premises.c.esi_id)


def _cell(value: object) -> str:
    """A value as people read it; a text is guarded against being calculated, a number is left as it is."""
    match value:
        case None:
            return MISSING
        case EsiId():
            return f"'{value}"
        case bool():
            return "Y" if value else "N"
        case datetime():
            return f"{value.astimezone(CENTRAL):%m/%d/%Y %H:%M:%S}"
        case date():
            return f"{value:%m/%d/%Y}"
        case Decimal():
            return f"{value.normalize():f}"
        case str():
            return text_cell(str.__str__(value))
        case _:
            return str(value)
