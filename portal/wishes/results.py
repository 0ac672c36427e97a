"""The results of a batch of reads as a CSV file: a row for each meter, in the order of the list (pure)."""

import csv
import io
from datetime import datetime

from portal.usage.kwh_text import thousandths_text
from portal.wishes.shown import Batch, WishedRead

COLUMNS = (
    *("ASKED_FOR", "ESIID", "METER", "STATUS", "REASON", "EXPLANATION", "NEXT_ALLOWED_AT", "READ_AT", "LATCHED_AT"),
    *("DELIVERED_KWH", "RECEIVED_KWH", "DEMAND_KW"),
)


def results_csv(batch: Batch) -> str:
    """The file. Instants are UTC; what is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(each) for each in batch.reads)
    return out.getvalue()


def _row(wished: WishedRead) -> list[str]:
    read = wished.read
    value = None if read is None else read.value
    reason = wished.reason or (None if read is None else read.reason)
    words = wished.words or (None if read is None else read.detail)
    next_at = wished.next_allowed_at or (None if read is None else read.next_allowed_at)
    return [
        wished.value,
        wished.esi_id or "",
        "" if read is None else read.meter,
        wished.outcome,
        reason or "",
        words or "",
        _instant(next_at),
        _instant(None if value is None else value.read_at),
        _instant(None if value is None else value.latched_at),
        *(
            "" if value is None or (number := getattr(value, name)) is None else thousandths_text(number)
            for name in ("delivered_wh", "received_wh", "demand_w")
        ),
    ]


def _instant(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
