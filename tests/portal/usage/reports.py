"""Daily Usage reports for tests: a meter, a store of its own, and what each format says, read back by other means."""

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from lxml import etree
from pydantic import TypeAdapter

from gateway.clock import central_midnight
from gateway.database import Database
from gateway.identifiers import MeterNumber
from portal.reports.asked import Asked
from portal.reports.forms import Format
from portal.usage.daily_usage import report
from portal.usage.intervals import Channel, MeterDay
from portal.usage.report_days import Span
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import IntervalStore, SourceFile
from portal.usage.usage_json import DailyUsage
from portal.visibility import VisibleMeter
from tests.portal.usage.files import METER

NOW = datetime(2026, 7, 1, 15, tzinfo=UTC)
ATOM, ESPI = "{http://www.w3.org/2005/Atom}", "{http://naesb.org/espi}"
SEEN = VisibleMeter(
    id=1,
    gateway=None,
    esi_id=METER,
    number=MeterNumber("M00001"),
    service_address="1 Elm & Oak <St>\x0b",
    city="Austin",
    state="TX",
    zip="78701",
)
Known = set[tuple[Channel, datetime, int]]
"""Channel, start in UTC and Wh of intervals that are not missing."""


@asynccontextmanager
async def store_at(path: Path) -> AsyncIterator[SqlIntervalStore]:
    """A store in a database of its own."""
    database = Database.open(f"sqlite:///{path}")
    yield await SqlIntervalStore.opened(database)
    await database.close()


async def keep(store: IntervalStore, files: Sequence[Sequence[MeterDay]]) -> None:
    """Load meter-days, a file after the other."""
    for number, days in enumerate(files):
        sha256 = hashlib.sha256(f"{number}".encode()).hexdigest()
        source = SourceFile(name=f"{number}.csv", sha256=sha256, received_at=NOW + timedelta(seconds=number))
        await store.load(source, lambda days=days: iter(days))  # type: ignore[misc]  # each file's own


async def text_of(store: IntervalStore, written_as: Format, span: Span, *, utc: bool = False) -> str:
    """A whole report."""
    asked = Asked(span=span, format=written_as, utc=utc)
    return "".join([piece async for piece in report(store, SEEN, asked)])


def known_of(days: Sequence[MeterDay]) -> Known:
    """What meter-days know, by the clock in UTC."""
    return {
        (day.channel, central_midnight(day.day) + place * timedelta(minutes=15), wh)
        for day in days
        for place, wh in enumerate(day.values)
        if wh is not None
    }


def known_of_json(text: str) -> Known:
    """What a JSON report knows."""
    channels = {"consumption": Channel.CONSUMPTION, "generation": Channel.GENERATION}
    found = TypeAdapter(DailyUsage).validate_json(text)
    return {(channels[each.channel], each.start, each.wh) for each in found.intervals if each.wh is not None}


def number(element: etree._Element, path: str) -> int:
    """A number in an ESPI element."""
    return int(element.findtext("/".join(f"{ESPI}{name}" for name in path.split("/"))) or "none")


class Feed:
    """A Green Button file as a tree: its entries by their own links."""

    def __init__(self, text: str) -> None:
        self.root = etree.fromstring(text.encode())
        self.entries = self.root.findall(f"{ATOM}entry")
        self.by_self = {self.links(entry, "self")[0]: entry for entry in self.entries}
        self.by_up: dict[str, list[etree._Element]] = defaultdict(list)
        for entry in self.entries:
            self.by_up[self.links(entry, "up")[0]].append(entry)

    @staticmethod
    def links(entry: etree._Element, relation: str) -> list[str]:
        """The names that an entry's links of one relation have."""
        return [link.get("href", "") for link in entry.findall(f"{ATOM}link") if link.get("rel") == relation]

    @staticmethod
    def content(entry: etree._Element) -> etree._Element:
        """The one element that an entry carries."""
        (found,) = entry.findall(f"{ATOM}content/*")
        return found

    def kinds(self) -> list[str]:
        """What the entries are, in their order."""
        return [etree.QName(self.content(entry)).localname for entry in self.entries]

    def blocks(self) -> list[tuple[Channel, etree._Element]]:
        """Every IntervalBlock with its channel, found by following the links."""
        found = []
        for entry in self.entries:
            if self.content(entry).tag != f"{ESPI}MeterReading":
                continue
            kind, blocks = self.links(entry, "related")
            flow = number(self.content(self.by_self[kind]), "flowDirection")
            channel = {1: Channel.CONSUMPTION, 19: Channel.GENERATION}[flow]
            found += [(channel, self.content(each)) for each in self.by_up[blocks]]
        return found

    def known(self) -> list[tuple[Channel, datetime, int]]:
        """Every reading."""
        return [
            (channel, datetime.fromtimestamp(number(each, "timePeriod/start"), UTC), number(each, "value"))
            for channel, block in self.blocks()
            for each in block.findall(f"{ESPI}IntervalReading")
        ]


def span_of(days: Sequence[date], *, every_version: bool = False) -> Span:
    """From the first to the last of some days."""
    return Span(first=min(days), last=max(days), every_version=every_version)
