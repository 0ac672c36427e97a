"""Booking a read on a meter's page: the form of its Central instant, and the bookings that have not become reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from gateway.clock import CENTRAL
from gateway.database import Database
from portal.pages.batch_view import TAGS, why_not
from portal.pages.forms import Field, FieldKind, Form
from portal.pages.read_card import Tag
from portal.viewer import Viewer
from portal.visibility import VisibleMeter
from portal.wishes.shown import Outcome, WishedRead, booked_reads

NO_DATE = "Date: use a date, such as 2026-05-11"
NO_TIME = "Time: use hours and minutes, such as 17:30"
SKIPPED = "Time: the clocks are put forward over this time on that day"
BOOK_FORM = Form(
    action="",
    button="Book this read",
    fields=(
        Field(
            name="book_date",
            label="Date",
            kind=FieldKind.DATE,
            required=True,
            missing="Enter the date",
            tip="A read can be booked for any instant of the next seven days.",
            most=10,
        ),
        Field(
            name="book_time",
            label="Time",
            required=True,
            missing="Enter the time",
            hint="Central, 24 hours: 17:30 or 17:30:15",
            tip="The meter is asked at this instant. Of a time that comes twice in autumn the first is meant.",
            literal=True,
            most=8,
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedRow:
    """A booking as a row of the meter's reads."""

    booked: WishedRead
    tag: Tag
    why: str

    @property
    def is_ahead(self) -> bool:
        """Whether it is still to come."""
        return self.booked.outcome is Outcome.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCard:
    """The form, and the account's own bookings at the meter."""

    form: Form
    rows: Sequence[BookedRow]


async def booking_card(database: Database, viewer: Viewer, meter: VisibleMeter, form: Form) -> BookingCard | None:
    """The card, None for those who read no meters."""
    if not viewer.may_request_reads:
        return None
    rows = [
        BookedRow(
            booked=each,
            tag=Tag(word="booked", kind="info") if each.outcome is Outcome.WAITING else TAGS[each.outcome],
            why=why_not(each),
        )
        for each in await booked_reads(database, viewer, meter)
    ]
    return BookingCard(form=form, rows=rows)


def instant_of(form: Form) -> datetime | Form:
    """The instant that a form means, or the form with what is wrong with it (pure)."""
    faults: dict[str, str] = {}
    day, clock = date.min, time.min
    try:
        day = date.fromisoformat(form["book_date"])
    except ValueError:
        faults["book_date"] = NO_DATE if form["book_date"] else form.field("book_date").when_missing
    try:
        clock = time.fromisoformat(form["book_time"])
    except ValueError:
        faults["book_time"] = NO_TIME if form["book_time"] else form.field("book_time").when_missing
    if clock.tzinfo is not None:
        faults["book_time"] = NO_TIME
    if form.faults or faults:
        return form.judged(faults)
    local = datetime.combine(day, clock)
    try:
        at = local.replace(tzinfo=CENTRAL).astimezone(UTC)
    except OverflowError:
        return form.judged({"book_date": NO_DATE})
    if at.astimezone(CENTRAL).replace(tzinfo=None) != local:
        return form.judged({"book_time": SKIPPED})
    return at
