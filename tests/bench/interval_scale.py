"""Interval files loaded into SQLite as days, meters and files grow: what a meter-day costs, and how much memory.

    python tests/bench/interval_scale.py [meters]

LodeStar Enhanced, from the disk, durable. Costs are processor time of all threads, so that what else runs here does not
count. Takes half a minute with 100,000 meters; with 1000000 it loads two files of 1.9 GB, and takes two.
"""

import resource
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from portal.usage.esi_ids import KnownMeters
from tests.bench._interval_data import PER_DAY, Shapes
from tests.bench._interval_ground import DAY, Ground, known, load
from tests.bench._verdicts import goal
from tests.bench.echo import say

STEPS = (1_000, 10_000, 100_000, 1_000_000)
LEAST = 31_000
"""Meter-days of a file at least: few meters bring several days, so that what any file costs is spread alike."""
MONTH_METERS = 10_000


def cost(ground: Ground, meters: int, number: int, url: str, names: KnownMeters, days: int = 1) -> float:
    """Microseconds of processor time a meter-day of a load of some days; says its rate too if the file is great."""
    path = ground.file("lse", meters, DAY + timedelta(days=number * days), days)
    size = path.stat().st_size
    wall, seconds = load(path, names, url)
    ground.forget(path)
    if meters >= 100_000:
        rate = meters * PER_DAY / wall / 1e6
        say(f"{meters:9,} meters, day {number + 1}: {size / 1e6:,.0f} MB in {wall:.1f} s, {rate:.1f} M intervals/s")
    return seconds / meters / days * 1e6


def month(ground: Ground) -> None:
    """Is each of a month's days as cheap as the first?"""
    names, url = known(MONTH_METERS), f"sqlite:///{ground.folder}/month.db"
    each = [cost(ground, MONTH_METERS, number, url, names) for number in range(31)]
    told = f"day 1 {each[0]:.1f}, day 2 {each[1]:.1f}, day 31 {each[-1]:.1f}"
    say(f"{MONTH_METERS:,} meters: {told} us of CPU a meter-day")
    goal("days 29 to 31 to days 2 to 4, the least of each", min(each[-3:]) / min(each[1:4]), 1.2, most=True)


def by_meters(ground: Ground, most: int) -> None:
    """Does a meter-day cost the same however many meters there are, and what memory does it take?"""
    each: dict[int, float] = {}
    for meters in [step for step in STEPS if step <= most]:
        names, url = known(meters), f"sqlite:///{ground.folder}/by-{meters}.db"
        times, days = 1 if meters > 100_000 else 3, max(1, LEAST // meters)
        each[meters] = min([cost(ground, meters, number, url, names, days) for number in range(1 + times)][1:])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        told = f"{each[meters]:.2f} us of CPU a meter-day, memory {memory:.0f} MB at most so far"
        say(f"{meters:9,} meters, {days:2} day{'s' * (days > 1)} a file: {told}")
        if days > 1:
            alone = cost(ground, meters, 4 * days, url, names)
            say(f"{meters:9,} meters,  1 day a file: {alone:.2f} us, for what any file takes is spread over few")
    goal("the dearest number of meters to the cheapest", max(each.values()) / min(each.values()), 1.2, most=True)
    goal("memory, MB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 600, most=True)


def main(words: list[str]) -> None:
    """Both questions."""
    with tempfile.TemporaryDirectory() as name:
        ground = Ground(folder=Path(name), shapes=Shapes())
        by_meters(ground, int(words[0]) if words else 100_000)
        month(ground)


if __name__ == "__main__":
    main(sys.argv[1:])
