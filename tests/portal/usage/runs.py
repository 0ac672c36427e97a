"""Meter-days that are written alike but for digits and flags, and one that is not, of each kind that files have."""

import random
from datetime import date, timedelta

from gateway.clock import intervals_in
from portal.usage.slots import labels, slots_in
from tests.portal.usage.files import FALL, METER, OTHER, SPRING

FIRST = date(2026, 4, 1)
CONSUMPTION, GENERATION = "Consumption", "Surplus Generation"


def written(
    day: date,
    *,
    meter: str = METER,
    width: int = 5,
    seed: int = 1,
    channel: str = CONSUMPTION,
    quote: str = "'",
    revised: bool = True,
    blank: str = " ",
    end: str = "\n",
) -> list[str]:
    """The rows of a meter-day, every value of so many characters; a row ends when the next begins."""
    chance = random.Random(f"{day}{seed}{channel}")
    told = f"{day + timedelta(days=1):%m/%d/%Y} 07:40:29" if revised else ""
    rows = []
    times = [labels(slot) for slot in slots_in(intervals_in(day))]
    stops = [*(start for start, _ in times[1:]), times[-1][1]]
    for (start, _), stop in zip(times, stops, strict=True):
        kwh = f"{chance.randrange(10 ** (width - 4)):0{width - 4}}.{chance.randrange(1000):03}"
        flag = "E" if chance.random() < 0.05 else "A"
        rows.append(f"{quote}{meter},{day:%m/%d/%Y},{told},{blank}{start},{blank}{stop},{kwh},{flag},{channel}{end}")
    return rows


def run_of(days: int, *, width: int = 5, end: str = "\n") -> list[bytes]:
    """So many meter-days of one meter, a day each."""
    return ["".join(written(FIRST + timedelta(days=at), width=width, end=end)).encode() for at in range(days)]


def _joined(*parts: list[str]) -> bytes:
    return "".join(row for part in parts for row in part).encode()


DAY = FIRST + timedelta(days=40)
BOTH = [written(DAY), written(DAY, channel=GENERATION)]
GAP = [row.replace(f",{row.split(',')[5]},{row.split(',')[6]},", ",,,") for row in written(DAY)[30:34]]
ODD = {
    "widths that change": _joined(written(DAY)[:40], written(DAY, width=6)[40:60], written(DAY, width=7)[60:]),
    "another width": _joined(written(DAY, width=7)),
    "estimates only": _joined([row.replace(",A,", ",E,") for row in written(DAY)]),
    "a gap": _joined(written(DAY)[:30], GAP, written(DAY)[34:]),
    "generation": _joined(written(DAY, channel=GENERATION)),
    "generation behind consumption": _joined(*BOTH),
    "generation between consumption": _joined([row for pair in zip(*BOTH, strict=True) for row in pair]),
    "a day of 92": _joined(written(SPRING)),
    "a day of 100": _joined(written(FALL)),
    "carriage returns": _joined(written(DAY, end="\r\n")),
    "no apostrophe": _joined(written(DAY, quote="")),
    "no revision date": _joined(written(DAY, revised=False)),
    "labels without blanks": _joined(written(DAY, blank="")),
    "a longer ESI ID": _joined(written(DAY, meter=OTHER)),
}
"""Meter-days by what is odd about them; each is of a day that run_of does not have."""
