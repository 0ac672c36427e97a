"""What the pages of report orders show: an order in words, its files, and where these lie (pure; guide 8.4.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.orders.details import size_text
from portal.orders.letters import FileToMail
from portal.orders.market_names import placed_name
from portal.orders.placement import BY_MAIL
from portal.orders.request import OrderedReport
from portal.orders.shown import Order
from portal.orders.states import TRANSITIONS, OrderEvent, OrderState
from portal.reports.forms import TITLES, Format, View
from portal.viewer import Viewer

VIEWS = {View.CURRENT: "Current Version", View.VERSIONS: "Version Updates"}
"""The guide's words for the two views (RPT-05)."""
FORMATS = {
    Format.CSV: "CSV",
    Format.XLSX: "Excel",
    Format.GREEN_BUTTON: "Green Button",
    Format.LSE: "LSE",
    Format.JSON: "JSON",
    Format.PARQUET: "Parquet",
}
"""What people call the formats."""
STATES = {
    OrderState.PROCESSING: ("Processing", "info"),
    OrderState.COMPLETE: ("Complete", "good"),
    OrderState.UNSUCCESSFUL: ("Unsuccessful", "bad"),
    OrderState.CANCELLED: ("Cancelled", ""),
    OrderState.EXPIRED: ("Files removed", ""),
}
"""The guide's three words (RPT-20) and our two, each with the kind of its tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file: what it is, its address, its size in words, and its name in the company's folder, if it goes there."""

    title: str
    name: str
    href: str
    size: str
    rows: int
    sha256: str
    placed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order on a page; words say its state as a sentence for those who only listen."""

    order: Order
    href: str
    state: str
    tag: str
    reports: Sequence[str]
    view: str
    files: Sequence[FileRow]

    @property
    def is_open(self) -> bool:
        """Whether it is in process."""
        return self.order.state is OrderState.PROCESSING

    @property
    def words(self) -> str:
        """What is said aloud when it changes."""
        return f"Report order {self.order.number} is {self.state}."

    @property
    def may_cancel(self) -> bool:
        """Whether it can be cancelled now."""
        return (self.order.state, OrderEvent.CANCEL_ASKED) in TRANSITIONS

    @property
    def may_retry(self) -> bool:
        """Whether it can be made again now."""
        return (self.order.state, OrderEvent.RETRY_ASKED) in TRANSITIONS

    @property
    def may_resend(self) -> bool:
        """Whether its mail can be sent again: it has files that its account may have."""
        return self.order.state is OrderState.COMPLETE and bool(self.files)


def order_row(order: Order, home: str, placed: Mapping[str, str]) -> OrderRow:
    """An order as it is shown; placed has the names of its files in the company's folder."""
    state, tag = STATES[order.state]
    return OrderRow(
        order=order,
        href=f"{home}/{order.number}",
        state=state,
        tag=tag,
        reports=[report_words(each) for each in order.reports],
        view=VIEWS[order.view] if any(each.start for each in order.reports) else "",
        files=[
            FileRow(
                title=TITLES[file.report],
                name=file.name,
                href=f"/orders/{order.number}/files/{file.name}",
                size=size_text(file.size),
                rows=file.rows,
                sha256=file.sha256,
                placed=placed.get(file.name, ""),
            )
            for file in order.files
        ],
    )


def names_in_folder(files: Sequence[FileToMail], order: Order, viewer: Viewer) -> dict[str, str]:
    """What an order's files are called in the company's folder; those that go by mail alone are not in it (AMB-08)."""
    if viewer.company_id is None or order.ended_at is None:
        return {}
    duns = min(viewer.duns, default=None)
    return {each.name: placed_name(each, order.ended_at, duns) for each in files if each.media_type not in BY_MAIL}


def report_words(asked: OrderedReport) -> str:
    """A report with its days: `Daily Usage, 05/01/2026 to 05/31/2026, CSV`."""
    title = TITLES[asked.report]
    if asked.start is None or asked.end is None:
        return title
    days = f"{asked.start:%m/%d/%Y} to {asked.end:%m/%d/%Y}"
    return f"{title}, {days}, {FORMATS[asked.format]}"
