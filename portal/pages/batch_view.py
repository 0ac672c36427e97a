"""What the pages of batches show: the form, progress in words, and each read with its value or its cause (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from portal.orders.meter_list import By
from portal.pages.formats import ABSENT, from_second, moment, thousandths
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.read_card import Tag, trouble
from portal.wishes.shown import Batch, BatchCounts, BatchSummary, Outcome, WishedRead

FORM = Form(
    action="/reads/batches",
    button="Read these meters",
    fields=(
        Field(
            name="by",
            label="The numbers are",
            kind=FieldKind.RADIO,
            required=True,
            missing="Choose ESI ID or Meter Number",
            tip="All of them are read as this kind of number; ESI IDs and meter numbers are not mixed.",
            choices=(Choice(By.ESI_ID, "ESI ID"), Choice(By.METER_NUMBER, "Meter Number")),
        ),
        Field(
            name="meters",
            label="Meters",
            kind=FieldKind.TEXTAREA,
            required=True,
            missing="Enter at least one number",
            hint="One number a line; commas and blanks between them are taken as well",
            tip="Paste a column of a spreadsheet here. You can also tick meters in the list, or import a file of them.",
            rows=8,
            most=150_000,
        ),
    ),
)
TAGS = {
    Outcome.WAITING: Tag(word="waiting", kind=""),
    Outcome.READING: Tag(word="reading", kind="info"),
    Outcome.DONE: Tag(word="complete", kind="good"),
    Outcome.FAILED: Tag(word="failed", kind="bad"),
    Outcome.REFUSED: Tag(word="refused", kind="warn"),
    Outcome.CANCELLED: Tag(word="cancelled", kind=""),
    Outcome.MISSED: Tag(word="missed", kind="bad"),
}


def typed_values(text: str) -> list[str]:
    """The numbers of a text, whatever stands between them."""
    return [value for value in re.split(r"[\s,;]+", text) if value]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLine:
    """A read of a batch as a row: what was asked for, how it stands, its values, and why there are none."""

    value: str
    esi_id: str
    tag: Tag
    delivered: str
    received: str
    demand: str
    at: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch as a page; words say its progress as one sentence."""

    title: str
    words: str
    ended_count: int
    lines: Sequence[ReadLine]
    may_cancel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """A batch in the list."""

    batch: BatchSummary
    href: str
    tag: Tag
    words: str


def batch_view(batch: Batch) -> BatchView:
    """A batch with all that has come."""
    return BatchView(
        title=f"Batch of {moment(batch.placed_at)}",
        words=progress_words(batch.count, batch.counts, ended=batch.ended),
        ended_count=batch.count - batch.counts.waiting - batch.counts.reading,
        lines=[_line(each) for each in batch.reads],
        may_cancel=batch.counts.waiting > 0,
    )


def summary_rows(batches: Sequence[BatchSummary], home: str) -> list[SummaryRow]:
    """The rows of the list."""
    return [
        SummaryRow(
            batch=each,
            href=f"{home}/{each.id}",
            tag=Tag(word="ended", kind="good") if each.ended else Tag(word="under way", kind="info"),
            words=progress_words(each.count, each.counts, ended=each.ended),
        )
        for each in batches
    ]


def progress_words(count: int, counts: BatchCounts, *, ended: bool) -> str:
    """Such as `3 of 5 meters: 2 complete, 1 refused, 2 waiting.`"""
    told = {tag.word: getattr(counts, outcome) for outcome, tag in TAGS.items()}
    parts = [f"{number:,} {word}" for word, number in told.items() if number]
    over = count - counts.waiting - counts.reading
    head = f"All {count:,}" if ended else f"{over:,} of {count:,}"
    return f"{head} {'meter' if count == 1 else 'meters'}: {', '.join(parts)}."


def _line(wished: WishedRead) -> ReadLine:
    value = None if wished.read is None else wished.read.value
    pending = wished.outcome in (Outcome.WAITING, Outcome.READING)

    def told(number: int | None) -> str:
        return "…" if pending else thousandths(number)

    return ReadLine(
        value=wished.value,
        esi_id=wished.esi_id or "",
        tag=TAGS[wished.outcome],
        delivered=told(None if value is None else value.delivered_wh),
        received=told(None if value is None else value.received_wh),
        demand=told(None if value is None else value.demand_w),
        at="…" if pending else ABSENT if value is None else moment(value.read_at),
        why=why_not(wished),
    )


def why_not(wished: WishedRead) -> str:
    """Why there is no value, and when there may be one; empty while there may be, or where there is."""
    words = wished.words or (None if wished.read is None else trouble(wished.read)) or ""
    if wished.next_allowed_at is not None:
        return f"{words} The next read is allowed on {moment(from_second(wished.next_allowed_at))} Central."
    return words
