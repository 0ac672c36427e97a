"""Attribute reports, the device's side: how they are configured, kept, and found due (pure).

A report is due when the most of its interval has passed, or the least of it and the value has changed enough; a
configuration starts both, with the value of that moment as the last one told. A most of 0 tells of changes alone, a
most of 0xFFFF ends the reports of an attribute, and so does a least of 0xFFFF with a most of 0: that is the way back to
the maker's configuration, which here is none. A change of 0 is any change. Reports go to whoever configured them.

Source: ZigBee Cluster Library specification 07-5123, sections 2.5.7 to 2.5.11; the return to the maker's configuration
stands in its later revisions (from 6 on).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulators.zigbee.octets import Malformed, Octets, unsigned
from simulators.zigbee.zcl import (
    CONFIGURE_REPORTING,
    CONFIGURE_REPORTING_RESPONSE,
    ENUM8,
    READ_REPORTING_RESPONSE,
    SUCCESS,
    UNSUPPORTED_ATTRIBUTE,
    WIDTHS,
    Cluster,
    Header,
    Reportable,
    Value,
    content,
    encode,
    response,
)

INVALID_VALUE, INSUFFICIENT_SPACE, NOT_FOUND, UNREPORTABLE, INVALID_TYPE = 0x87, 0x89, 0x8B, 0x8C, 0x8D
SENT, RECEIVED = 0x00, 0x01
"""The directions of reports, as a configuration names them."""
NEVER, LONGEST_S = 0xFFFF, 0xFFFE
"""An interval that ends reports, and the longest that does not, in seconds."""
REPORTING_STATUS, PENDING, COMPLETE = 0xFFFE, 0, 1
"""The attribute that tells whether more frames of the same report are to come (Smart Energy)."""
MOST_REPORTS = 10
"""Attributes that one node reports: firmware keeps a table of fixed size."""
HEADER = 3
_STATUS_RECORD = 4
_ANALOG = frozenset((*range(0x20, 0x30), 0x38, 0x39, 0x3A, 0xE0, 0xE1, 0xE2))
_INSTANT_S = 1e-6
"""What clocks in floating point may be short of an instant that was slept to."""

Key = tuple[int, int, int]
"""Endpoint, cluster and attribute."""


@dataclass(frozen=True, slots=True)
class Terms:
    """When an attribute is reported: seconds at least and at most, and for numbers by how much it must change."""

    type: int
    min_s: int
    max_s: int
    change: int | None


@dataclass(slots=True)
class Report:
    """One attribute's reports to a node's endpoint. sent_s is when the last went out, None before they began."""

    terms: Terms
    to: tuple[int, int]
    sent_s: float | None = None
    told: int | bytes | None = None

    def begin(self, now_s: float, value: Value | None) -> None:
        """Count from now on, and from this value."""
        self.sent_s, self.told = now_s, None if value is None else value.content


@dataclass(slots=True)
class ReportTable:
    """What one node reports. touched says that it was configured, and that nobody has looked since."""

    reports: dict[Key, Report] = field(default_factory=dict)
    touched: bool = False

    def remembered(self) -> list[list[int | None]]:
        """What outlives a loss of power: a row for each report."""
        return [
            [*key, each.terms.type, each.terms.min_s, each.terms.max_s, each.terms.change, *each.to]
            for key, each in self.reports.items()
        ]


def recalled(rows: Iterable[Sequence[Any]]) -> ReportTable | None:
    """A table that was remembered, to be begun anew; None if it was empty. Raises ValueError and TypeError."""
    table = ReportTable(touched=True)
    for endpoint, cluster, attribute, kind, least, most, change, nwk, to in rows:
        wanted = Terms(int(kind), int(least), int(most), None if change is None else int(change))
        table.reports[int(endpoint), int(cluster), int(attribute)] = Report(wanted, (int(nwk), int(to)))
    return table if table.reports else None


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks about the reports of one cluster: takes commands 0x06 and 0x08 from a node's endpoint."""

    table: ReportTable
    endpoint: int
    cluster: int
    source: tuple[int, int]

    def answer(self, server: Cluster, header: Header, octets: Octets, room: int) -> bytes:
        """The response to Configure Reporting or Read Reporting Configuration. Raises Malformed."""
        if header.command == CONFIGURE_REPORTING:
            return response(header, CONFIGURE_REPORTING_RESPONSE, self._configured(server, octets))
        return response(header, READ_REPORTING_RESPONSE, self._shown(server, octets, room - HEADER))

    def _configured(self, server: Cluster, octets: Octets) -> bytes:
        """One byte if all is well; otherwise a record for each attribute for which it is not."""
        if not octets.left:
            raise Malformed("nothing is to be configured")
        failed = b""
        while octets.left:
            direction, attribute = octets.unsigned(1), octets.unsigned(2)
            if direction == RECEIVED:
                octets.take(2)
                status = UNSUPPORTED_ATTRIBUTE  # no server here takes reports
            elif direction == SENT:
                status = self._accept(server, attribute, terms(octets))
            else:
                raise Malformed(f"direction {direction:02X} is none")
            if status != SUCCESS:
                failed += bytes((status, direction)) + unsigned(attribute, 2)
        return failed or bytes((SUCCESS,))

    def _accept(self, server: Cluster, attribute: int, wanted: Terms) -> int:
        status = refusal(server, attribute, wanted)
        if status != SUCCESS:
            return status
        reports, key = self.table.reports, (self.endpoint, self.cluster, attribute)
        if ends(wanted):
            self.table.touched |= reports.pop(key, None) is not None
        elif key not in reports and len(reports) >= MOST_REPORTS:
            return INSUFFICIENT_SPACE
        else:
            reports[key] = Report(wanted, self.source)
            self.table.touched = True
        return SUCCESS

    def _shown(self, server: Cluster, octets: Octets, room: int) -> bytes:
        """What is configured of each attribute; what does not fit is left out, and the client asks again."""
        if not octets.left:
            raise Malformed("no attribute is asked about")
        body = b""
        while octets.left:
            direction, attribute = octets.unsigned(1), octets.unsigned(2)
            kept = self.table.reports.get((self.endpoint, self.cluster, attribute))
            status = _readable(server, attribute) if direction == SENT else UNSUPPORTED_ATTRIBUTE
            if status == SUCCESS and kept is None:
                status = NOT_FOUND
            record = bytes((status, direction)) + unsigned(attribute, 2)
            if status == SUCCESS and kept is not None:
                record += encoded(kept.terms)
            if len(body) + len(record) > room:
                break
            body += record
        return body


def terms(octets: Octets) -> Terms:
    """What a configuration asks for, after direction and attribute. Raises Malformed."""
    kind, least, most = octets.unsigned(1), octets.unsigned(2), octets.unsigned(2)
    if kind not in WIDTHS and kind not in range(0x41, 0x45):
        raise Malformed(f"type {kind:02X} has no known size")
    return Terms(kind, least, most, _number(kind, octets) if kind in _ANALOG else None)


def encoded(known: Terms) -> bytes:
    """The same as bytes."""
    head = bytes((known.type,)) + unsigned(known.min_s, 2) + unsigned(known.max_s, 2)
    return head if known.change is None else head + encode(Value(known.type, known.change))


def refusal(server: Cluster, attribute: int, wanted: Terms) -> int:
    """The status with which an attribute's configuration is refused; SUCCESS if it is not."""
    status = _readable(server, attribute)
    if status != SUCCESS:
        return status
    value = server.attribute(attribute)
    if value is None or value.type != wanted.type:
        return INVALID_TYPE
    is_bad = wanted.min_s > wanted.max_s and wanted.max_s != 0
    return INVALID_VALUE if is_bad and not ends(wanted) else SUCCESS


def ends(wanted: Terms) -> bool:
    """Whether a configuration ends the reports of its attribute."""
    return wanted.max_s == NEVER or (wanted.min_s == NEVER and wanted.max_s == 0)


def is_due(report: Report, now_s: float, value: Value) -> bool:
    """Whether an attribute is to be reported now."""
    if report.sent_s is None:
        return False
    since_s, terms_ = now_s - report.sent_s + _INSTANT_S, report.terms
    if terms_.max_s and since_s >= terms_.max_s:
        return True
    return since_s >= terms_.min_s and _has_changed(report, value)


def next_look_s(report: Report, now_s: float, renewed_s: float) -> float:
    """After how many seconds a report may be due, of a value that is renewed every renewed_s seconds."""
    since_s = 0.0 if report.sent_s is None else now_s - report.sent_s
    for_change_s = report.terms.min_s - since_s
    if for_change_s <= _INSTANT_S:
        for_change_s = renewed_s
    return max(0.0, min(for_change_s, report.terms.max_s - since_s) if report.terms.max_s else for_change_s)


def packed(values: Sequence[tuple[int, Value]], room: int) -> list[bytes]:
    """The bodies of Report Attributes with some values, as many in each as fit; each value must fit alone.

    Where there are several, each ends with whether more are to come.
    """
    records = [unsigned(attribute, 2) + bytes((value.type,)) + encode(value) for attribute, value in values]
    if sum(map(len, records)) <= room - HEADER:
        return [b"".join(records)]
    bodies = [b""]
    for record in records:
        if len(bodies[-1]) + len(record) > room - HEADER - _STATUS_RECORD:
            bodies.append(b"")
        bodies[-1] += record
    last = len(bodies) - 1
    return [body + _status(COMPLETE if place == last else PENDING) for place, body in enumerate(bodies)]


def _status(status: int) -> bytes:
    return unsigned(REPORTING_STATUS, 2) + bytes((ENUM8, status))


def _readable(server: Cluster, attribute: int) -> int:
    """Whether an attribute is one that is reported: the status that says so."""
    if server.attribute(attribute) is None:
        return UNSUPPORTED_ATTRIBUTE
    return SUCCESS if isinstance(server, Reportable) and server.reportable(attribute) else UNREPORTABLE


def _has_changed(report: Report, value: Value) -> bool:
    told, now = report.told, value.content
    if isinstance(told, int) and isinstance(now, int) and report.terms.change is not None:
        return abs(now - told) >= max(report.terms.change, 1)
    return told != now


def _number(kind: int, octets: Octets) -> int:
    found = content(kind, octets)
    assert isinstance(found, int)
    return found
