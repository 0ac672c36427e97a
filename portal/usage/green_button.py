"""Meter-days as Green Button: an Atom feed of ESPI 4.0 entries (NAESB REQ.21), piece by piece and pure.

feed
├── UsagePoint ──related──▶ LocalTimeParameters, its MeterReadings
├── LocalTimeParameters     the rules of Central time
└── for each channel
    ├── ReadingType         before what it describes: Wh in 15 minutes, forward or reverse
    ├── MeterReading ─related─▶ ReadingType, its IntervalBlocks
    └── IntervalBlock …     one for each Chicago day, in UTC

Links name entries of the file (`self`), the collection that an entry is in (`up`), and what it refers to (`related`:
an entry, or a collection, which is all entries whose `up` it is). They are names and are served nowhere. An entry's id
follows from its name, and its time from when the data were received, so that the same data make the same file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID, uuid5
from xml.sax.saxutils import escape, quoteattr

from gateway.clock import central_midnight
from gateway.identifiers import EsiId
from portal.usage.intervals import Channel
from portal.usage.report_days import Span
from portal.usage.store import StoredDay
from portal.usage.usage_json import utc_text
from portal.visibility import VisibleMeter

ATOM, ESPI = "http://www.w3.org/2005/Atom", "http://naesb.org/espi"
RESOURCES = "/espi/1_1/resource"
LOCAL_TIME = f"{RESOURCES}/LocalTimeParameters/1"
NAMES = UUID("6f2b1a0c-5d0e-5a3b-9c47-0d2a7f1e4b68")
"""The name space of the entries' ids."""
FEED_TITLE = "SMT Green Button Report: Interval"
"""The title that readers of Smart Meter Texas' files know."""
QUARTER_S = 900
FORWARD, REVERSE = 1, 19
FLOWS = {Channel.CONSUMPTION: FORWARD, Channel.GENERATION: REVERSE}
TITLES = {Channel.CONSUMPTION: "Energy Delivered (WH)", Channel.GENERATION: "Energy Received (WH)"}
CENTRAL_TIME = (
    "<espi:LocalTimeParameters><espi:dstEndRule>B40E2000</espi:dstEndRule><espi:dstOffset>3600</espi:dstOffset>"
    "<espi:dstStartRule>360E2000</espi:dstStartRule><espi:tzOffset>-21600</espi:tzOffset></espi:LocalTimeParameters>"
)
"""Second Sunday of March and first of November, 2 AM; six hours west."""
CLOSING = "</feed>\n"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Quality(IntEnum):
    """The codes of ESPI's QualityOfReading that occur here."""

    VALID = 0
    REFERENCE_DAY = 8
    INTERPOLATED = 9
    VALIDATED = 17


NO_RULES: Mapping[int, Quality] = {}


def quality(estimated: bool, rule: Quality = Quality.VALIDATED) -> Quality:
    """A reading's quality: an actual value is valid; an estimate has its rule's code, 17 where nobody told the rule."""
    return rule if estimated else Quality.VALID


def opening(meter: VisibleMeter, span: Span, received_at: datetime, *, has_readings: bool) -> str:
    """What stands before the readings; received_at is that of the newest data in the file."""
    point, updated = _point(meter.esi_id), utc_text(received_at)
    name = f"{point}?start={span.first}&end={span.last}"
    related = [LOCAL_TIME, f"{point}/MeterReading"] if has_readings else [LOCAL_TIME]
    kind = "<espi:UsagePoint><espi:ServiceCategory><espi:kind>0</espi:kind></espi:ServiceCategory></espi:UsagePoint>"
    return "".join(
        (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="{ATOM}" xmlns:espi="{ESPI}">\n',
            f"<id>{_id(name)}</id><title>{FEED_TITLE}</title><updated>{updated}</updated>",
            f"<author><name>metergate</name></author>{_link('self', name)}\n",
            _entry(point, f"{RESOURCES}/UsagePoint", related, meter.service_address, updated, kind),
            _entry(LOCAL_TIME, f"{RESOURCES}/LocalTimeParameters", (), "Central Time", updated, CENTRAL_TIME),
        )
    )


def reading(esi_id: EsiId, channel: Channel, received_at: datetime) -> str:
    """A channel's ReadingType and MeterReading, which stand before its blocks."""
    updated, flow = utc_text(received_at), FLOWS[channel]
    kind, name = f"{RESOURCES}/ReadingType/{flow}", _reading(esi_id, channel)
    values = {
        "accumulationBehaviour": 4,  # what came in an interval, not a register
        "commodity": 1,  # electricity, as a customer has it
        "dataQualifier": 12,  # nothing but the value itself
        "flowDirection": flow,
        "intervalLength": QUARTER_S,
        "kind": 12,  # energy
        "powerOfTenMultiplier": 0,
        "timeAttribute": 0,
        "uom": 72,  # Wh
    }
    fields = "".join(f"<espi:{field}>{value}</espi:{field}>" for field, value in values.items())
    described = f"<espi:ReadingType>{fields}</espi:ReadingType>"
    up, related = name.rpartition("/")[0], (kind, f"{name}/IntervalBlock")
    return "".join(
        (
            _entry(kind, f"{RESOURCES}/ReadingType", (), TITLES[channel], updated, described),
            _entry(name, up, related, TITLES[channel], updated, "<espi:MeterReading/>"),
        )
    )


def block(day: StoredDay, rules: Mapping[int, Quality] = NO_RULES) -> str:
    """The IntervalBlock of a meter-day: 82,800, 86,400 or 90,000 s; a missing value has no reading.

    rules are those by which estimated quarter hours were estimated, by place, where they are known.
    """
    data = day.data
    start = int(central_midnight(data.day).timestamp())
    up = f"{_reading(data.esi_id, data.channel)}/IntervalBlock"
    body = (
        f"<espi:IntervalBlock>{_period('interval', start, len(data.values) * QUARTER_S)}\n"
        f"{''.join(_readings(start, day, rules))}</espi:IntervalBlock>"
    )
    return _entry(f"{up}/{data.day:%Y%m%d}", up, (), f"{data.day}", utc_text(day.received_at), body)


def nothing_received(span: Span) -> datetime:
    """The time of a file without data: the end of its days, for it must be one that stays."""
    return central_midnight(span.last + timedelta(days=1))


def _readings(start: int, day: StoredDay, rules: Mapping[int, Quality]) -> Iterator[str]:
    for place, (wh, estimated) in enumerate(zip(day.data.values, day.data.estimated, strict=True)):
        if wh is not None:
            code = quality(estimated, rules.get(place, Quality.VALIDATED)).value
            yield (
                f"<espi:IntervalReading><espi:ReadingQuality><espi:quality>{code}</espi:quality></espi:ReadingQuality>"
                f"{_period('timePeriod', start + place * QUARTER_S, QUARTER_S)}<espi:value>{wh}</espi:value>"
                "</espi:IntervalReading>\n"
            )


def _period(name: str, start: int, duration_s: int) -> str:
    return f"<espi:{name}><espi:duration>{duration_s}</espi:duration><espi:start>{start}</espi:start></espi:{name}>"


def _point(esi_id: EsiId) -> str:
    return f"{RESOURCES}/UsagePoint/{esi_id}"


def _reading(esi_id: EsiId, channel: Channel) -> str:
    return f"{_point(esi_id)}/MeterReading/{FLOWS[channel]}"


def _id(name: str) -> str:
    return f"urn:uuid:{uuid5(NAMES, name)}"


def _link(relation: str, name: str) -> str:
    return f'<link rel="{relation}" href={quoteattr(name)}/>'


def _entry(name: str, up: str, related: Sequence[str], title: str, updated: str, content: str) -> str:
    links = "".join((_link("self", name), _link("up", up), *(_link("related", each) for each in related)))
    return (
        f"<entry><id>{_id(name)}</id><title>{_text(title)}</title><updated>{updated}</updated>{links}\n"
        f'<content type="application/xml">{content}</content></entry>\n'
    )


def _text(words: str) -> str:
    """Words as XML; what XML has no way to say is replaced."""
    return escape(_NOT_XML.sub("\ufffd", words))
