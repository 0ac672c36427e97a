"""The fields of a premise and of a meter as their pages show them, with the guide's words (figures 29, 30; pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from gateway.identifiers import EsiId, MeterNumber
from portal.meters.information import MeterInformation, PremiseInformation
from portal.pages.formats import ABSENT, moment
from portal.reports.forms import Report
from portal.reports.information import FIELDS

_UTILITY = "Company that transmits and distributes electricity for this Smart Meter"
_ESI_ID = "Electric Service Identifier"
PREMISE_DESCRIPTIONS = (
    _UTILITY,
    _ESI_ID,
    "Voltage at the Premise",
    "A or a: the Premise is active; I or i: it is inactive",
    "The time zone where the premise is located",
    "The House Number of the service address",
    "Designator that can be used to distinguish premises with the same address",
    "The directional indicator (typically N, S, E, W) that precedes the street name",
    "The street name for the service address",
    "The street type (e.g. St, Ave, Ln) for the service address",
    "The directional indicator that occurs after the street type",
    "Denotes individual premises in multi-unit addresses, for example in apartment buildings",
    "The city or locality of the service address",
    "The state of the service address",
    "The primary, five digit ZIP Code of the service address",
    "The secondary, four digit ZIP Code of the service address",
    "The cycle number corresponding to a meter read cycle date when data is reported for the monthly billing period",
    "Describes the load profile at the service location as per ERCOT specifications",
    "Code that identifies the tariff used by the TDSP billing this location",
    "Effective start date for SMT to start sending usage data to ERCOT",
)
METER_DESCRIPTIONS = (
    _UTILITY,
    _ESI_ID,
    "Manufacturer Serial Number of the Meter",
    "Meter Identifier used by the TDSP",
    "A multiplying factor that is used to convert kWh readings to kWh consumption on certain (instrument rated) meters",
    "Number of Channels the Meter is Configured for",
    "Company that manufactured the Meter",
    "Last date the Meter was manually tested",
    (
        "The maximum current (amperes) the meter can register continuously without creating an unsafe condition at the "
        "meter socket"
    ),
    "Date Meter was Installed",
    "Date when Meter started sending Usage Information to SMT",
    "Indicator of the type of communication used to transport data from the Meter",
    "Indicator of whether or not the Meter requires a Current Transformer / Potential Transformer",
    (
        "The ratio of the primary to secondary transformer windings of a current transformer that is on the source "
        "side of an instrument rated meter"
    ),
    (
        "The ratio of the primary to secondary transformer windings of a potential or voltage transformer that is on "
        "the source side of an instrument rated meter"
    ),
    "The firmware version of the ZigBee communication module",
    "Type of HAN Protocol enabled: ZigBee or HomePlug",
    "The HAN compliance specification that this meter supports",
    "How often the Meter is recording usage (length in minutes of the interval)",
    "Indicator of whether or not the Meter is able to handle both consumption and generation metering",
    "The channel number on the meter of the Distributed Generation channel",
    "Indicator of whether or not the Meter is enabled for remote disconnects",
    "E or e: the Meter is energized; D or d: it is de-energized",
    "The number of phases that the meter handles, either 1, 2 or 3",
    "Meter Model Identifier",
    "Last date and timestamp that the Meter Information was updated",
)
DESCRIPTIONS = {Report.PREMISE: PREMISE_DESCRIPTIONS, Report.METER: METER_DESCRIPTIONS}
"""The guide's descriptions, in the order of its fields."""
_STATUSES = {"A": "active", "I": "inactive", "E": "energized", "D": "de-energized"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """A field: its name, what it is, and its value as people read it; identifiers are set apart."""

    name: str
    about: str
    value: str
    is_id: bool


def field_rows(report: Report, known: PremiseInformation | MeterInformation) -> Sequence[FieldRow]:
    """All fields of a premise or a meter, in the guide's order."""
    return [
        FieldRow(
            name=title,
            about=about,
            value=_text(name, value := getattr(known, name)),
            is_id=isinstance(value, EsiId | MeterNumber) or name == "utility_number",
        )
        for (title, name), about in zip(FIELDS[report], DESCRIPTIONS[report], strict=True)
    ]


def _text(name: str, value: object) -> str:
    """A value as people read it; N/A where it is not known."""
    match value:
        case None:
            return ABSENT
        case bool():
            return "Yes" if value else "No"
        case datetime():
            return moment(value)
        case date():
            return f"{value:%m/%d/%Y}"
        case Decimal():
            return f"{value.normalize():f}"
        case str() if name == "status" and value.upper() in _STATUSES:
            return f"{value} ({_STATUSES[value.upper()]})"
        case _:
            return str(value)
