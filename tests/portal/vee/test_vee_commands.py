"""`metergate vee` as its operator types it, over databases of its own."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.clock import CENTRAL, SystemClock, central_date, central_midnight, intervals_in
from gateway.database import Database
from gateway.errors import BadInput
from portal.usage.sql_store import SqlIntervalStore
from portal.vee.commands import app
from portal.vee.run import Run
from portal.vee.watch import Watch
from tests.clock import HandClock
from tests.portal.vee.street import DAY, MONDAY, Street, day_of, shape, without
from tests.portal.world import esi, settle

Say = Callable[..., Result]
YESTERDAY = central_date(SystemClock().now()) - timedelta(days=1)
OLD = YESTERDAY - timedelta(days=5)


@pytest.fixture
def say(tmp_path: Path) -> Say:
    """Runs a command line over the small world, of which two days of premise 5 are known, one with a gap."""

    async def prepare() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/portal.db")
        await settle(database, SystemClock().now())
        await database.close()
        intervals = Database.open(f"sqlite:///{tmp_path}/intervals.db")
        street = Street(database, await SqlIntervalStore.opened(intervals), HandClock())
        await street.load(day_of(5, OLD, without(shape(OLD), 40)), day_of(5, YESTERDAY))
        await intervals.close()

    asyncio.run(prepare())
    settings = tmp_path / "vee.toml"
    settings.write_text(
        f'[portal]\ndatabase = "sqlite:///{tmp_path}/portal.db"\nintervals = "sqlite:///{tmp_path}/intervals.db"\n'
    )

    def run(*words: str) -> Result:
        command, *rest = words
        return CliRunner().invoke(app, [command, "--config", str(settings), *rest])

    return run


def test_a_run_says_what_became_of_each_day_and_the_ledger_repeats_it(say: Say) -> None:
    old, new = intervals_in(OLD), intervals_in(YESTERDAY)
    assert say("ledger").output.startswith("No day of these has been gone over yet")
    ran = f"{old - 1} present, {5 * old} being back-filled, 1 estimated"
    run = say("run", "--from", str(OLD), "--to", str(OLD))
    assert run.output == f"{OLD}: {6 * old} expected; {ran}; 1 meter-day estimated now\n"
    run = say("run", "--day", str(YESTERDAY))
    assert run.output == f"{YESTERDAY}: {6 * new} expected; {new} present, {5 * new} being back-filled\n"
    assert say("ledger").output.splitlines() == [
        f"{YESTERDAY}   16.6 %  {new} present, {5 * new} being back-filled",
        f"              0.0 %    Gulf Wires, gw-2: {new} being back-filled",
        f"              0.0 %    Hill Country Wires, gw-1: {4 * new} being back-filled",
        f"{OLD}   16.6 %  {ran}",
        f"              0.0 %    Gulf Wires, gw-2: {old} being back-filled",
        f"            100.0 %    Hill Country Wires, files: {old - 1} present, 1 estimated",
        f"              0.0 %    Hill Country Wires, gw-1: {4 * old} being back-filled",
    ]


def test_a_day_is_shown_with_what_it_lacks_and_what_was_found(say: Say) -> None:
    assert say("day", str(OLD)).output == "nothing is lacking, nothing was found\n"
    say("run", "--day", str(OLD))
    lines = say("day", str(OLD)).output.splitlines()
    gap = central_midnight(OLD) + timedelta(hours=10)
    wall = f"{gap.astimezone(CENTRAL):%H:%M}-{(gap + timedelta(minutes=15)).astimezone(CENTRAL):%H:%M}"
    assert lines[4] == f"{esi(5)} C  estimated {wall}, Hill Country Wires"
    assert [line.split(", until ")[0] for line in lines if line != lines[4]] == [
        f"{esi(each)} C  being back-filled all day, gw-{2 if each == 6 else 1}" for each in (1, 2, 3, 4, 6)
    ]
    assert say("day", str(OLD), "--most", "2").output.splitlines()[2:] == ["and more; --most 2 lines were asked for"]


def test_explain_says_the_receipt_and_every_version(say: Say) -> None:
    say("run", "--day", str(OLD))
    said = say("explain", esi(5), (central_midnight(OLD) + timedelta(hours=10)).isoformat()).output.splitlines()
    assert said[0].endswith("kWh, estimated")
    assert said[1].startswith("estimated: a straight line over 1 quarter hour between ")
    assert [line.split(":")[0] for line in said[2:]] == ["  version 2", "  version 1", "  receipt of version 2"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("run", "--day", "2026-13-01"), "is not a date"),
        (("run", "--day", "2099-01-01"), "is not over yet"),
        (("run", "--day", "2026-01-01", "--to", "2026-01-02"), "either --day, or --from and --to"),
        (("run", "--to", "2026-01-02"), "--to needs --from"),
        (("run", "--from", "2026-01-03", "--to", "2026-01-02"), "is after"),
        (("explain", esi(5), "2026-05-11T05:01Z"), "is not the beginning of a quarter hour"),
        (("explain", esi(5), "2026-05-11T05:00"), "does not say its zone"),
        (("explain", esi(5), "noon"), "is not an instant"),
        (("explain", esi(99), "2026-05-11T05:00Z"), "no meter has ever hung at"),
        (("register", esi(5), "M00005", "12.5"), "has not been removed"),
        (("register", esi(5), "M00001", "12.5"), "has never hung at"),
        (("register", esi(5), "M00005", "1e3"), "is not a register in kWh"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_cause(say: Say, words: tuple[str, ...], why: str) -> None:
    said = say(*words)
    assert isinstance(said.exception, BadInput)
    assert why in str(said.exception)


def test_a_register_of_an_exchange_is_kept_for_its_instant(say: Say) -> None:
    said = say("register", esi(5), "M00005", "18234.512", "--received", "3", "--start")
    assert said.output == "start register of M00005 kept for 2025-01-01 00:00 CST\n"


async def test_the_watch_goes_over_what_is_new_what_is_due_and_once_a_day_all(street: Street) -> None:
    await street.only(5)
    street.with_policy(lookback_days=3, every_s=3600)
    street.at(MONDAY + 2 * DAY, -0.5)
    run = Run(street.database, street.database, street.store, street.clock, street.policy)
    watch = Watch(run, street.database, street.clock, street.policy, lambda told: None)
    all_of_it = [MONDAY - day * DAY for day in range(3)]
    assert await watch.once() == all_of_it
    assert await watch.once() == []
    await street.load(day_of(5, all_of_it[1]))
    assert await watch.once() == [all_of_it[1]]
    street.clock.set(street.clock.now() + timedelta(minutes=31))
    assert MONDAY in await watch.once(), "its deadline of a minute past midnight has passed"
    street.clock.set(street.clock.now() + timedelta(hours=24))
    assert len(await watch.once()) == 3
    street.clock.set(street.clock.now() + timedelta(hours=24))
    street.with_policy(lookback_days=20, full_days=2)
    thrifty = Watch(run, street.database, street.clock, street.policy, lambda told: None)
    assert not set(all_of_it) & set(await thrifty.once()), "older days without a cause are left alone"
