"""`metergate vee`: the ledger of expected intervals, from a terminal, beside the databases."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer
from sqlalchemy import select

from gateway import config
from gateway.clock import Clock, SystemClock, central_date, central_midnight
from gateway.command_line import ConfigName, Over, stop_on_signals
from gateway.database import Database, over_database
from gateway.errors import BadInput
from gateway.identifiers import EsiId, MeterNumber
from gateway.links import Backoff, keep
from portal.opening import open_database
from portal.settings import PortalSettings, url_of
from portal.usage.intervals import Channel
from portal.usage.register_files import DECIMAL
from portal.usage.sql_store import SqlIntervalStore
from portal.vee import kept, shown
from portal.vee.due import look_back
from portal.vee.exchanges import keep_register
from portal.vee.expected import QUARTER
from portal.vee.explain import Explainer
from portal.vee.run import DayRun, Run
from portal.vee.settings import VeeSettings
from portal.vee.tables import ledger_days
from portal.vee.watch import Watch

app = typer.Typer(no_args_is_help=True, help="The ledger of expected intervals.")

Day = Annotated[str, typer.Option(help="A Chicago date such as 2026-05-11.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a command works on."""

    market: Database
    intervals: Database
    store: SqlIntervalStore
    clock: Clock
    policy: VeeSettings

    @property
    def run(self) -> Run:
        """A run over all of it."""
        return Run(self.market, self.intervals, self.store, self.clock, self.policy)


Work = Callable[[Opened], Awaitable[None]]


@app.command()
def run(
    config_: ConfigName,
    day: Day = "",
    first: Annotated[str, typer.Option("--from", help="The first of several days.")] = "",
    last: Annotated[str, typer.Option("--to", help="The last of them; without it yesterday.")] = "",
    over: Over = None,
) -> None:
    """Account for a day, or several, and estimate what is due; without dates all days that the policy looks back."""

    async def work(opened: Opened) -> None:
        for each in _days(day, first, last, central_date(opened.clock.now()), opened.policy):
            told(await opened.run.day(each))

    _with(config_, over, work)


@app.command()
def watch(config_: ConfigName, over: Over = None) -> None:
    """Go over the days that need it, again and again, until told to stop."""

    async def work(opened: Opened) -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        watched = Watch(opened.run, opened.intervals, opened.clock, opened.policy, told)
        typer.echo("ready watching the ledger")
        sys.stdout.flush()
        # A database that goes away is no reason to end: the next pass begins where nothing was written.
        passes = keep("the ledger", lambda: over_database(watched.forever()), opened.clock, Backoff())
        working = asyncio.create_task(passes)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([working, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in (working, stopped):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await working

    _with(config_, over, work)


@app.command()
def ledger(
    config_: ConfigName,
    days: Annotated[int, typer.Option(help="How many days back.", min=1, max=400)] = 14,
    over: Over = None,
) -> None:
    """How complete the last days are, by TDSP and gateway, as they were when they were last gone over."""

    async def work(opened: Opened) -> None:
        since = central_date(opened.clock.now()) - timedelta(days=days)
        columns = ledger_days.c
        wanted = select(ledger_days).where(columns.day >= since)
        async with opened.intervals.reading() as connection:
            rows = await connection.execute(wanted.order_by(columns.day.desc(), columns.tdsp, columns.gateway))
            found = [dict(row) for row in rows.mappings()]
        if not found:
            typer.echo("No day of these has been gone over yet: metergate vee run does that.")
            return
        for line in shown.ledger_lines(found):
            typer.echo(line)

    _with(config_, over, work)


@app.command(name="day")
def one_day(
    config_: ConfigName,
    day: Annotated[str, typer.Argument(help="A Chicago date such as 2026-05-11.")],
    most: Annotated[int, typer.Option(help="Lines at most.", min=1)] = 100,
    over: Over = None,
) -> None:
    """What a day lacks, what was estimated of it, and what the checks found, premise by premise."""

    async def work(opened: Opened) -> None:
        async with opened.intervals.reading() as connection:
            lacks, found = await kept.of_day(connection, _date(day), most)
        for line in shown.day_lines(lacks, found, most):
            typer.echo(line)

    _with(config_, over, work)


@app.command()
def explain(
    config_: ConfigName,
    esi_id: Annotated[str, typer.Argument(help="The premise.")],
    start: Annotated[str, typer.Argument(help="When the quarter hour begins, such as 2026-05-11T05:00Z.")],
    channel: Annotated[Channel, typer.Option(help="C: consumption, G: generation.")] = Channel.CONSUMPTION,
    over: Over = None,
) -> None:
    """Why a value is what it is: its state, versions, receipts and findings."""

    async def work(opened: Opened) -> None:
        at = _quarter(start)
        explainer = Explainer(opened.market, opened.intervals, opened.store, opened.clock, opened.policy)
        said = await explainer.explain_premise(EsiId(esi_id), at, channel)
        if said is None:
            raise BadInput(f"no meter has ever hung at {esi_id}")
        for line in shown.explanation_lines(said):
            typer.echo(line)

    _with(config_, over, work)


@app.command()
def register(
    config_: ConfigName,
    esi_id: Annotated[str, typer.Argument(help="The premise.")],
    meter: Annotated[str, typer.Argument(help="The meter's number.")],
    kwh: Annotated[str, typer.Argument(help="Its register of energy delivered, kWh.")],
    received: Annotated[str, typer.Option(help="Its register of energy received, kWh.")] = "",
    stop: Annotated[
        bool, typer.Option("--stop/--start", help="The register when it was removed, or when it was installed.")
    ] = True,
    over: Over = None,
) -> None:
    """Keep the stop or start register of a meter that was exchanged: both make the sum of that day provable."""

    async def work(opened: Opened) -> None:
        registers = _watt_hours(kwh), _watt_hours(received) if received else None
        at = await keep_register(
            opened.market,
            opened.intervals,
            (EsiId(esi_id), MeterNumber(meter)),
            registers,
            opened.clock.now(),
            stop=stop,
        )
        typer.echo(f"{'stop' if stop else 'start'} register of {meter} kept for {shown.wall(at)}")

    _with(config_, over, work)


def told(run: DayRun) -> None:
    """A line for a day that was gone over."""
    typer.echo(shown.day_line(run))
    sys.stdout.flush()


def _with(config_: str, over: Sequence[str] | None, work: Work) -> None:
    configuration = config.load(config_, over or ())

    async def all_of_it() -> None:
        async with _opened(configuration.section("portal", PortalSettings)) as opened:
            await work(opened)

    asyncio.run(over_database(all_of_it()))


@asynccontextmanager
async def _opened(settings: PortalSettings) -> AsyncIterator[Opened]:
    market = await open_database(settings)
    intervals = Database.open(url_of(settings.intervals))
    try:
        store = await SqlIntervalStore.opened(intervals)
        yield Opened(market=market, intervals=intervals, store=store, clock=SystemClock(), policy=settings.vee)
    finally:
        await market.close()
        await intervals.close()


def _days(day: str, first: str, last: str, today: date, policy: VeeSettings) -> list[date]:
    """The days that options name, the newest first. Raises BadInput."""
    if not (day or first or last):
        return look_back(today, policy)
    if day and (first or last):
        raise BadInput("either --day, or --from and --to")
    if last and not first:
        raise BadInput("--to needs --from")
    begin = _date(day or first)
    end = begin if day else _date(last) if last else today - timedelta(days=1)
    if end >= today:
        raise BadInput(f"{end} is not over yet; {today - timedelta(days=1)} is the last day that can be gone over")
    if begin > end:
        raise BadInput(f"{begin} is after {end}")
    return [end - timedelta(days=ago) for ago in range((end - begin).days + 1)]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text} is not a date such as 2026-05-11") from None


def _quarter(text: str) -> datetime:
    """The beginning of a quarter hour. Raises BadInput."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text} is not an instant such as 2026-05-11T05:00Z") from None
    if at.tzinfo is None:
        raise BadInput(f"{text} does not say its zone; add Z for UTC, or an offset such as -05:00")
    at = at.astimezone(UTC)
    if (at - central_midnight(central_date(at))) % QUARTER:
        raise BadInput(f"{text} is not the beginning of a quarter hour")
    return at


def _watt_hours(text: str) -> int:
    """A register in kWh as Wh. Raises BadInput."""
    match = DECIMAL.fullmatch(text)
    if match is None:
        raise BadInput(f"{text} is not a register in kWh such as 18234.512")
    return int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))
