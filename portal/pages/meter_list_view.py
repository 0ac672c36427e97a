"""The customer meter lists of My Account and Usage: the list, or the search screen with what it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from gateway.database import Database
from gateway.errors import BadIdentifier
from portal.accounts.sessions import Entered
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.meters.quick_search import quick_search
from portal.pages import meter_list
from portal.pages.desk_places import DeskPlace
from portal.pages.meter_list import Column, Row, Screen
from portal.pages.meter_rows import listed_meters
from portal.pages.meter_search import LONGEST, Search, search_of
from portal.pages.meter_view import address_of
from portal.pages.navigation import ACCOUNT_METERS, place_of
from portal.pages.render import PAGES
from portal.visibility import count_meters

SEARCH_COLUMNS = (Column.ESI_ID, Column.NUMBER)
SUBTITLES = {
    Screen.LIST: "",
    Screen.SEARCH: "You have more than 25 meters: search for one, or show all of them.",
    Screen.SEARCH_ONLY: "You have more than 500 meters: search for one.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """Why a list is empty, and what to do about it."""

    what: str
    why: str
    href: str
    action: str


NOT_FOUND = Empty(
    what="No meter of yours has this number.",
    why=(
        "Only the TDSP can tell the status of a meter that is not in the system; please contact the TDSP. The meter "
        "may not be a smart meter, may not be provisioned yet, or your company is not its REP of record."
    ),
    href="/help#meters",
    action="Why a meter is not found, and how to reach its TDSP",
)
NO_METERS = {
    Kind.REP: Empty(
        what="You have no meters yet.",
        why=(
            "Meters appear here by themselves as soon as their TDSP reports one of your DUNS numbers as their REP of "
            "record. Nothing needs to be added by hand."
        ),
        href="/help#meters",
        action="Which meters do I see?",
    ),
    Kind.CUSTOMER: Empty(
        what="No meter is attached to your account.",
        why="A meter is attached with the ESI ID and the meter number of your bill; your electricity company can help.",
        href="/account/meters/add",
        action="Add a meter",
    ),
}
NO_METERS_OTHERWISE = Empty(
    what="There are no meters to show.",
    why="Meters appear here once they are reported.",
    href="/help#meters",
    action="Which meters do I see?",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What an address asks for: a search (text None: none), by which identifier, everything, and an order.

    anywhere marks the search box of every page, which takes either identifier and leads straight to the meter.
    """

    text: str | None
    anywhere: bool
    by: Column
    all: bool
    sort: str
    descending: bool

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Query":
        """From an address's query; what it does not understand it leaves out."""
        anywhere = "find" in parameters
        return cls(
            text=parameters.get("find" if anywhere else "value"),
            anywhere=anywhere,
            by=Column.NUMBER if parameters.get("by") == Column.NUMBER else Column.ESI_ID,
            all=parameters.get("all") == "1",
            sort=parameters.get("sort", ""),
            descending=parameters.get("order") == "desc",
        )

    def search(self) -> Search | None:
        """What is searched for. Raises BadIdentifier."""
        return None if self.text is None or self.anywhere else search_of(self.by, self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database had: how many meters there are (up to 501) and the rows to show, None without a list.

    missing are the values of a search that found nothing while others did; more says that the search box has others.
    """

    count: int
    rows: Sequence[Row] | None
    missing: Sequence[str] = ()
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a list's page says besides what was found: a search's fault, a choice's, and the ESI IDs that are ticked."""

    asked: Mapping[str, str]
    fault: str = ""
    wrong: str = ""
    chosen: Sequence[str] = ()

    @property
    def kept(self) -> Mapping[str, str]:
        """What of the address goes on with the list's buttons."""
        return {key: self.asked[key] for key in ("by", "value", "all", "find", "sort", "order") if key in self.asked}


async def meters_page(
    request: Request,
    who: Entered,
    desk: DeskPlace,
    asked: Mapping[str, str],
    *,
    wrong: str = "",
    chosen: Sequence[str] = (),
) -> Response:
    """The list of My Account or Usage; one that must hold a single meter leads to that meter.

    asked is what the address asks for; wrong says what is at fault with what was chosen of the list.
    """
    query, fault, place = Query.of(asked), "", desk.place
    portal = portal_of(request)
    try:
        search = query.search()
    except BadIdentifier as bad:
        search, fault = None, str(bad)
    customers = place is ACCOUNT_METERS
    found = await _find(portal.database, who, query, search, portal.clock.now(), customers=customers)
    only = found.rows[0].meter if found.rows is not None and len(found.rows) == 1 else None
    if only is not None and not wrong and (query.anywhere or (found.count == 1 and place is not ACCOUNT_METERS)):
        return RedirectResponse(address_of(only), status_code=303)
    return _page(request, who, desk, query, found, Shown(asked=asked, fault=fault, wrong=wrong, chosen=chosen))


async def _find(
    database: Database, who: Entered, query: Query, search: Search | None, now: datetime, *, customers: bool
) -> Found:
    count = await count_meters(database, who.viewer, now, meter_list.SHOW_ALL_UP_TO + 1)
    if query.anywhere:
        found = await quick_search(database, who.viewer, query.text or "", now, meter_list.SHOWN_AT_ONCE)
        hits = [Row(meter=hit.meter, customer=hit.customer, email=hit.email) for hit in found.hits]
        return Found(count=count, rows=hits, more=found.more)
    screen = meter_list.screen(count)
    listed = query.text is None and (screen is Screen.LIST or (screen is Screen.SEARCH and query.all))
    rows = None
    if search is not None or listed:
        rows = await listed_meters(database, who.viewer, now, search, customers=customers)
    return Found(count=count, rows=rows, missing=() if search is None or not rows else _missing(search, rows))


def _missing(search: Search, rows: Sequence[Row]) -> list[str]:
    there = {row.meter.esi_id if search.by is Column.ESI_ID else row.meter.number for row in rows}
    return [value for value in search.values if value not in there]


def _page(request: Request, who: Entered, desk: DeskPlace, query: Query, found: Found, about: Shown) -> Response:
    screen, place, fault = meter_list.screen(found.count), desk.place, about.fault or about.wrong
    columns = meter_list.ACCOUNT_COLUMNS if place is ACCOUNT_METERS else meter_list.USAGE_COLUMNS
    sort = next((column for column in columns if column == query.sort), Column.ESI_ID)
    here = place_of(who.viewer, place.href)
    rows = meter_list.ordered(found.rows or (), sort, descending=query.descending)
    chosen = {row.meter.esi_id for row in rows} if about.asked.get("select") == "all" else set(about.chosen)
    empty = None
    if found.rows is not None and not found.rows:
        empty = NOT_FOUND if query.text is not None else NO_METERS.get(who.viewer.kind, NO_METERS_OTHERWISE)
    return PAGES.page(
        request,
        "meters.html",
        who,
        place.words if here is None else here[1].words,
        place=place.href,
        help_at="meters",
        status=400 if fault else 200,
        error=bool(fault),
        desk=desk,
        fault_at="search-value" if about.fault else "chosen",
        search_fault=about.fault,
        kept=about.kept,
        all_href="?" + urlencode({**about.kept, "select": "all"}),
        sub=SUBTITLES[screen] or who.viewer.company or who.viewer.name,
        fault=fault,
        searchable=screen is not Screen.LIST or query.text is not None,
        show_all=screen is Screen.SEARCH,
        search_columns=SEARCH_COLUMNS,
        by=query.by,
        value=query.text or "",
        longest=LONGEST,
        empty=empty,
        missing=found.missing,
        cut=found.more
        or (query.text is not None and found.rows is not None and len(found.rows) == meter_list.SHOW_ALL_UP_TO),
        count=len(found.rows or ()),
        rows_markup=meter_list.markup(rows, columns, chosen),
        columns=columns,
        sort=sort,
        descending=query.descending,
        sort_links=_sort_links(about.asked, columns, sort, descending=query.descending),
    )


def _sort_links(
    parameters: Mapping[str, str], columns: Sequence[Column], sort: Column, *, descending: bool
) -> dict[Column, str]:
    """For each column the address that sorts by it, or turns its order round."""
    kept = {key: parameters[key] for key in ("by", "value", "all", "find") if key in parameters}
    turned = "asc" if descending else "desc"
    return {
        column: "?" + urlencode(kept | {"sort": column, "order": turned if column is sort else "asc"})
        for column in columns
    }
