"""The ledger as people read it in a terminal (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table

from gateway.clock import CENTRAL
from portal.vee.explain import Explanation
from portal.vee.ledger import State
from portal.vee.receipt_words import kwh
from portal.vee.run import DayRun

WORDS: Mapping[State, str] = {
    State.PRESENT: "present",
    State.AWAITED: "awaited",
    State.LATE: "late",
    State.BACK_FILLED: "being back-filled",
    State.ESTIMATED: "estimated",
    State.IMPOSSIBLE: "impossible",
}


def day_line(run: DayRun) -> str:
    """Such as "2026-05-11: 576 expected; 480 present, 96 late; nothing estimated now"."""
    total = run.total
    states = ", ".join(f"{total[state]:,} {WORDS[state]}" for state in State if total[state])
    made = f"{_counted(run.estimated_days, 'meter-day')} estimated now" if run.estimated_days else ""
    found = f"{_counted(run.findings, 'finding')}" if run.findings else ""
    parts = [f"{sum(total.values()):,} expected", states, made, found]
    return f"{run.day}: " + "; ".join(part for part in parts if part)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def ledger_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows of ledger_days: quarter hours by state, and the part of them that is known."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("day", no_wrap=True)
    table.add_column("TDSP")
    table.add_column("gateway")
    for state in State:
        table.add_column(WORDS[state], justify="right")
    table.add_column("complete", justify="right")
    for row in rows:
        counts = [row[state] for state in State]
        numbers = [f"{count:,}" if count else "." for count in counts]
        table.add_row(str(row["day"]), row["tdsp"], row["gateway"] or "files", *numbers, percent(row))
    return table


def percent(row: Mapping[str, Any]) -> str:
    """What is known of what is expected, rounded down so that 100 % is all of it; N/A of nothing."""
    known, expected = row[State.PRESENT] + row[State.ESTIMATED], row["expected"]
    if not expected:
        return "N/A"
    tenths = 1000 * known // expected
    return f"{tenths // 10}.{tenths % 10} %"


def explanation_lines(said: Explanation) -> Iterator[str]:
    """An explanation, a line for each thing that is known."""
    value = "N/A" if said.wh is None else kwh(said.wh)
    state = "not owed" if said.state is None else WORDS[said.state]
    yield f"{said.esi_id} {said.channel} {wall(said.start)}: {value}, {state}"
    yield said.words
    if said.deadline is not None:
        yield f"deadline {wall(said.deadline)}"
    for version in said.versions:
        wh = "N/A" if version.wh is None else kwh(version.wh)
        flag = " estimated" if version.estimated else ""
        yield f"  version {version.version}: {wh}{flag}, from {version.source}, {wall(version.received_at)}"
    for receipt in said.receipts:
        yield f"  receipt of version {receipt.version}: {receipt.words}"
    for finding in said.findings:
        yield f"  {finding.check} {finding.severity} in version {finding.version}: {finding.words}"


def wall(at: datetime) -> str:
    """An instant in Chicago's wall time, with the letters of its offset."""
    return f"{at.astimezone(CENTRAL):%Y-%m-%d %H:%M %Z}"
