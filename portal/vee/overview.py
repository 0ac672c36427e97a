"""A TDSP's recent days as the ledger last found them: how complete they are, and which meters lack what."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from gateway.database import Database
from gateway.identifiers import EsiId, GatewayId
from portal.usage.intervals import Channel
from portal.vee.ledger import State
from portal.vee.shown import WORDS, spans
from portal.vee.tables import gaps, ledger_days


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOverview:
    """A day in sum over a TDSP's meters: quarter hours expected, and by state; ran_at is when that was found."""

    day: date
    expected: int
    states: Mapping[State, int]
    ran_at: datetime

    @property
    def known_percent(self) -> float | None:
        """What is known of what is expected, rounded down to a tenth, so that 100 is all of it; None of nothing."""
        known = self.states[State.PRESENT] + self.states[State.ESTIMATED]
        return (1000 * known // self.expected) / 10 if self.expected else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Quarter hours of a meter's day that share a state; when says which, in Chicago's wall time."""

    esi_id: EsiId
    channel: Channel
    state: str
    when: str
    gateway: GatewayId | None
    deadline: datetime | None


class Overview:
    """Over the intervals' database, where the ledger stands; tdsp is a company's name, as the ledger has it."""

    def __init__(self, intervals: Database) -> None:
        self._intervals = intervals

    async def recent_days(self, tdsp: str, most: int) -> list[DayOverview]:
        """The newest days that the ledger knows of a TDSP's meters, the newest first."""
        newest = select(ledger_days.c.day).where(ledger_days.c.tdsp == tdsp).distinct()
        newest = newest.order_by(ledger_days.c.day.desc()).limit(most)
        async with self._intervals.reading() as connection:
            days = (await connection.scalars(newest)).all()
            wanted = select(ledger_days).where(ledger_days.c.tdsp == tdsp, ledger_days.c.day.in_(days))
            rows = (await connection.execute(wanted)).mappings().all()
        by_day = defaultdict[date, list[Mapping[Any, Any]]](list)
        for row in rows:
            by_day[row["day"]].append(row)
        return [_overview(day, by_day[day]) for day in days]

    async def lacks(self, tdsp: str, day: date, most: int) -> list[Lack]:
        """What a TDSP's meters lack of a day, by ESI ID."""
        wanted = select(gaps).where(gaps.c.day == day, gaps.c.tdsp == tdsp)
        wanted = wanted.order_by(gaps.c.esi_id, gaps.c.channel, gaps.c.state).limit(most)
        async with self._intervals.reading() as connection:
            rows = (await connection.execute(wanted)).all()
        return [
            Lack(
                esi_id=row.esi_id,
                channel=row.channel,
                state=WORDS[row.state],
                when=spans(row.day, row.places),
                gateway=row.gateway,
                deadline=row.deadline,
            )
            for row in rows
        ]


def _overview(day: date, rows: Sequence[Mapping[Any, Any]]) -> DayOverview:
    return DayOverview(
        day=day,
        expected=sum(row["expected"] for row in rows),
        states={state: sum(row[str(state)] for row in rows) for state in State},
        ran_at=max(row["ran_at"] for row in rows),
    )
