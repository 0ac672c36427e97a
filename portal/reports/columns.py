"""The columns of each report as tables have them: what a sheet calls them, what a program does, and what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from portal.reports.forms import Report

MISSING = "N/A"
"""What people read where a value is missing (RPT-13, RPT-14); programs get null."""
Row = tuple[object, ...]
"""A value for each column of a report, None where it is missing."""


class Kind(Enum):
    """What a column's values are: ESI IDs and texts, dates, instants, times of day, thousandths, counts, truths.

    LOCAL and UTC both hold aware instants; people see the first in Chicago's time. THOUSANDTHS are Wh, W or VA, which
    people see as kWh, kW or kVA. ESTIMATED is a bool, which people see as E or A.
    """

    ESI_ID = auto()
    TEXT = auto()
    DATE = auto()
    LOCAL = auto()
    UTC = auto()
    CLOCK = auto()
    THOUSANDTHS = auto()
    COUNT = auto()
    ESTIMATED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """header is its name for people, in CSV and sheets; field its name for programs. Either may be empty: not there."""

    header: str = ""
    field: str = ""
    kind: Kind


_ESI_ID = Column(header="ESIID", field="esi_id", kind=Kind.ESI_ID)
_REVISED = Column(header="REVISION_DATE", field="revised_at", kind=Kind.LOCAL)
_VERSION = (Column(field="version", kind=Kind.COUNT), Column(field="received_at", kind=Kind.UTC))

COLUMNS: dict[Report, Sequence[Column]] = {
    Report.DAILY_USAGE: (
        _ESI_ID,
        Column(header="USAGE_DATE", field="day", kind=Kind.DATE),
        _REVISED,
        Column(header="USAGE_START_TIME", kind=Kind.CLOCK),
        Column(header="USAGE_END_TIME", kind=Kind.CLOCK),
        Column(header="USAGE_KWH", field="wh", kind=Kind.THOUSANDTHS),
        Column(header="ESTIMATED_ACTUAL", field="estimated", kind=Kind.ESTIMATED),
        Column(header="CONSUMPTION_SURPLUSGENERATION", field="channel", kind=Kind.TEXT),
        Column(header="USAGE_START_UTC", field="start", kind=Kind.UTC),
        Column(header="UTC_OFFSET", kind=Kind.TEXT),
        *_VERSION,
    ),
    Report.DAILY_READS: (
        _ESI_ID,
        Column(header="READ_DATE", field="read_date", kind=Kind.DATE),
        _REVISED,
        Column(header="START_READING", field="start_wh", kind=Kind.THOUSANDTHS),
        Column(header="END_READING", field="end_wh", kind=Kind.THOUSANDTHS),
        Column(header="USAGE_KWH", field="usage_wh", kind=Kind.THOUSANDTHS),
        *_VERSION,
    ),
    Report.MONTHLY_USAGE: (
        _ESI_ID,
        Column(header="START_DATE", field="start_date", kind=Kind.DATE),
        Column(header="END_DATE", field="end_date", kind=Kind.DATE),
        _REVISED,
        Column(header="ACTUAL_KWH", field="actual_wh", kind=Kind.THOUSANDTHS),
        Column(header="METERED_KW", field="metered_w", kind=Kind.THOUSANDTHS),
        Column(header="BILLED_KW", field="billed_w", kind=Kind.THOUSANDTHS),
        Column(header="METERED_KVA", field="metered_va", kind=Kind.THOUSANDTHS),
        Column(header="BILLED_KVA", field="billed_va", kind=Kind.THOUSANDTHS),
        *_VERSION,
    ),
}
"""The reports of usage, in the order of their columns; the headers of the last two are our own (no file was seen)."""
