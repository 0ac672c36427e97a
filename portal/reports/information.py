"""Premise and Meter Information of many meters as CSV: the guide's fields (figures 29 and 30; PMI-03, PMI-04)."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import CENTRAL
from gateway.identifiers import EsiId
from portal.meters.information import meter_information, premise_information
from portal.reports.columns import MISSING
from portal.reports.csv_text import text_cell
from portal.reports.forms import Report
from portal.visibility import VisibleMeter

Titles = Sequence[tuple[str, str]]
"""The guide's name of each field, and its name in PremiseInformation or MeterInformation."""
PREMISE_FIELDS: Titles = (
    ("Electric Utility Company", "utility"),
    ("ESI ID", "esi_id"),
    ("Service Voltage", "service_voltage"),
    ("Premise Status", "status"),
    ("Time Zone", "time_zone"),
    ("House Number", "house_number"),
    ("Fractional House Address", "house_fraction"),
    ("Leading Directional", "leading_directional"),
    ("Street Name", "street_name"),
    ("Street Type", "street_type"),
    ("Trailing Directional", "trailing_directional"),
    ("Unit Designation", "unit"),
    ("City", "city"),
    ("State", "state"),
    ("ZIP", "zip"),
    ("Zip + 4", "zip_4"),
    ("Meter Read Cycle", "read_cycle"),
    ("Load Profile", "load_profile"),
    ("Rate Class/Code", "rate_class"),
    ("AMS Profile Effective Date", "ams_profile_from"),
)
METER_FIELDS: Titles = (
    ("Electric Utility Company", "utility"),
    ("ESI ID", "esi_id"),
    ("Meter Number", "number"),
    ("Utility Meter Number", "utility_number"),
    ("kWh Meter Multiplier", "multiplier"),
    ("Number of Channels", "channels"),
    ("Manufacturer Name", "manufacturer"),
    ("Last Meter Test Date", "tested_on"),
    ("Meter Class", "meter_class"),
    ("Installation Date", "installed_at"),
    ("Activation Date", "provisioned_at"),
    ("Technology/Communicator Indicator", "technology"),
    ("Instrument Rated", "instrument_rated"),
    ("CT Ratio", "ct_ratio"),
    ("PT Ratio", "pt_ratio"),
    ("ESI Firmware Version", "esi_firmware"),
    ("HAN Protocol", "han_protocol"),
    ("Smart Energy Profile", "smart_energy_profile"),
    ("Interval Setting", "interval_minutes"),
    ("In flow / Out flow (DG) Capable", "generation_capable"),
    ("Distributed Generation Channel", "generation_channel"),
    ("Remote disconnect / connect Capable", "remote_disconnect"),
    ("Meter Status", "status"),
    ("Meter Phases", "phases"),
    ("Meter Model", "model"),
    ("Last Updated", "updated_at"),
)
FIELDS: dict[Report, Titles] = {Report.PREMISE: PREMISE_FIELDS, Report.METER: METER_FIELDS}


def first_line(report: Report) -> str:
    """The header: the guide's names of the fields."""
    return ",".join(text_cell(name) for name, _ in FIELDS[report]) + "\n"


async def lines(connection: AsyncConnection, report: Report, seen: Sequence[VisibleMeter]) -> str:
    """A line for each meter, in the order of their ESI IDs."""
    ask = premise_information if report is Report.PREMISE else meter_information
    found: Sequence[object] = await ask(connection, sorted(seen, key=attrgetter("esi_id")))
    names = [name for _, name in FIELDS[report]]
    return "".join(",".join(_cell(getattr(each, name)) for name in names) + "\n" for each in found)


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
