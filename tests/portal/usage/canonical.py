"""Files in the forms that are read, made from seeds: kernels and strict parsers are compared on them."""

import random
from collections.abc import Sequence
from datetime import date, timedelta

from gateway.clock import intervals_in
from portal.usage.slots import labels, slots_in
from portal.usage.smt_file import HEADER
from tests.portal.usage.files import FALL, METER, OTHER, SPRING, TODAY

NAMES = ("Consumption", "Surplus Generation")
DAYS = (date(2026, 5, 6), date(2026, 5, 7), SPRING, FALL, date(2010, 2, 1), date(2024, 2, 29), TODAY)


def kwh(chance: random.Random) -> str:
    """A value as files have it: nearly always with three decimals."""
    return f"{chance.choice([0, 3, 42, 999]) if chance.random() < 0.999 else 123456}.{chance.randrange(1000):03}"


def smt_day(chance: random.Random, day: date, meter: str) -> bytes:
    """The rows of one meter's day in one of the forms that are read, with some missing and some estimated values."""
    mistaken, bare, blank = chance.random() < 0.3, chance.random() < 0.1, "" if chance.random() < 0.2 else " "
    quote, end = "" if chance.random() < 0.1 else "'", "\r\n" if chance.random() < 0.1 else "\n"
    slots = slots_in(96 if mistaken and intervals_in(day) == 92 else intervals_in(day))
    revised = "" if bare else f"{day + timedelta(days=1):%m/%d/%Y} 0{chance.randrange(10)}:40:29"
    if day == TODAY:
        revised = ""
    columns = []
    for name in chance.choice([NAMES[:1], NAMES[1:], NAMES]):
        rows = []
        for slot in slots:
            start, stop = labels(slot)
            if mistaken and slot == 8 and intervals_in(day) == 100:
                start = "02:00"
            gone = chance.random() < 0.01 or (12 <= slot < 16 and intervals_in(day) == 92)
            cell = "," if gone else f"{kwh(chance)},{'E' if chance.random() < 0.05 else 'A'}"
            rows.append(f"{quote}{meter},{day:%m/%d/%Y},{revised},{blank}{start},{blank}{stop},{cell},{name}{end}")
        columns.append(rows)
    if chance.random() < 0.5:
        return "".join(row for rows in zip(*columns, strict=True) for row in rows).encode()
    return "".join(row for rows in columns for row in rows).encode()


def smt_file(seed: int, meters: Sequence[str] = (METER, OTHER), days: Sequence[date] = DAYS) -> bytes:
    """A whole file that is right."""
    chance = random.Random(seed)
    order = [(day, meter) for day in days for meter in meters]
    if chance.random() < 0.3:
        chance.shuffle(order)
    return f"{HEADER}\n".encode() + b"".join(smt_day(chance, day, meter) for day, meter in order)


def lse_day(chance: random.Random, day: date, meter: str, *, triples: int = 1, tail: str = "") -> bytes:
    """The rows of one meter-day, so many triples a row; tail is what stands behind the last comma of each."""
    count = intervals_in(day)
    stamp = "" if chance.random() < 0.2 else f"{day + timedelta(days=1):%Y%m%d}0{chance.randrange(10)}0102"
    third = chance.choice(["", " "])
    cells = [f"{kwh(chance)},{chance.choice(['A', 'A', 'E', ''])},{third}" for _ in range(count)]
    if triples == 1 and chance.random() < 0.3:
        cells[chance.randrange(count)] = f",,{third}"
    rows = [",".join(cells[at : at + triples]) for at in range(0, count, triples)]
    return (
        f"00000001,{meter},{chance.choice('14')},{day:%Y%m%d}000000,{day:%Y%m%d}2359{chance.choice(['59', '00'])},Y,N\n"
        f"00000002,,,1,0,1,0,900,01,,,,\n00000003,{chance.choice(['', 'interval data'])}\n00000004,{stamp},M\n"
        + "".join(f"{10_000_000 + number},{row}{tail}\n" for number, row in enumerate(rows))
    ).encode()
