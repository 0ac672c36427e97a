"""A meter's log put together from its answers, and what of it is not believed."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.zigbee.frozen import DELIVERED, FREEZE_TIME, RECEIVED, frozen_registers
from drivers.zigbee.intervals import (
    MOST_IN_FRAME,
    NEWEST,
    InvalidEndTime,
    Log,
    Part,
    Question,
    Status,
    aligned,
    watt_hours,
)
from drivers.zigbee.metering import EPOCH, SNAPSHOT_TIME, Nameplate, Refused, Value
from drivers.zigbee.snapshots import Published, snapshot
from gateway.errors import BadReading, Unsupported
from gateway.identifiers import MeterNumber
from gateway.reads import Direction, Scale

QUARTER, HOUR = 3, 1
END = 800_000_100
"""A quarter hour's end, in seconds since 2000."""


def plate(bcd: bool = False, per_count: Fraction = Fraction(1)) -> Nameplate:
    scale = Scale(unit="kWh", multiplier=1, divisor=1000, assumed=False)
    return Nameplate(scale=scale, bcd=bcd, wh_per_count=per_count, w_per_count=per_count, update_period_s=None)


def part(ends_at: int, counts: list[int], period: int = QUARTER, status: int = Status.OK) -> Part:
    return Part(ends_at=ends_at, status=status, period=period, counts=counts)


def filled(log: Log, kept: list[int], ends_at: int = END, most: int = MOST_IN_FRAME) -> list[Question]:
    """Let a meter that keeps these counts (oldest first) answer until the log is done; returns what it was asked."""
    asked = []
    while (question := log.question()) is not None:
        asked.append(question)
        skipped = 0 if question.ends_at == NEWEST else max(0, -(-(ends_at - question.ends_at) // 900))
        newest_first = kept[::-1][skipped:][: min(question.count, most)]
        if newest_first:
            log.take(part(ends_at - 900 * skipped, newest_first), question)
        else:
            log.take(part(0, [], status=Status.NONE_AVAILABLE), question)
    return asked


def test_a_day_is_asked_for_in_five_frames_and_comes_oldest_first() -> None:
    log = Log(wanted=96, before=None)
    asked = filled(log, list(range(200)))
    assert [question.count for question in asked] == [21, 21, 21, 21, 12]
    assert [question.ends_at for question in asked] == [NEWEST, *(END - 900 * 21 * number for number in range(1, 5))]
    assert (log.ends_at, log.period_s) == (END, 900)
    assert watt_hours(log, plate()) == tuple(range(104, 200))


def test_a_log_that_is_shorter_gives_what_it_has() -> None:
    log = Log(wanted=96, before=None)
    filled(log, list(range(30)))
    assert watt_hours(log, plate()) == tuple(range(30))


@given(
    kept=st.lists(st.integers(0, 0xFFFFFE), max_size=80),
    wanted=st.integers(1, 90),
    back=st.integers(0, 90) | st.none(),
    most=st.integers(1, MOST_IN_FRAME),
)
def test_whatever_a_meter_keeps_and_however_little_it_tells_the_right_intervals_come(
    kept: list[int], wanted: int, back: int | None, most: int
) -> None:
    log = Log(wanted=wanted, before=None if back is None else END - 900 * back)
    filled(log, kept, most=most)
    until = len(kept) - (back or 0)
    assert list(watt_hours(log, plate())) == (kept[:until][-wanted:] if until > 0 else [])


def test_intervals_are_scaled_and_an_invalid_one_is_absent() -> None:
    log = Log(wanted=3, before=None)
    log.take(part(END, [0x000025, 0xFFFFFF, 0x000012]), Question(ends_at=0, count=3))
    assert watt_hours(log, plate(per_count=Fraction(10))) == (180, None, 370)
    assert watt_hours(log, plate(bcd=True)) == (12, None, 25)


@pytest.mark.parametrize("second", [part(END - 900, [5]), part(END - 3600, [5]), part(END - 1800, [5], HOUR)])
def test_a_gap_or_another_period_is_refused(second: Part) -> None:
    log = Log(wanted=4, before=None, most=2)
    log.take(part(END, [1, 2]), Question(ends_at=NEWEST, count=2))
    with pytest.raises(BadReading, match="gap"):
        log.take(second, Question(ends_at=END - 1800, count=2))


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (part(END, [], status=Status.UNDEFINED_CHANNEL), Unsupported),
        (part(END, [], status=Status.CHANNEL_NOT_SUPPORTED), Unsupported),
        (part(END, [], status=Status.INVALID_END_TIME), InvalidEndTime),
        (part(END, [1], status=9), BadReading),
        (part(END, [1], period=9), BadReading),
        (part(END, [1, 2, 3]), BadReading),
        (part(0, [1]), BadReading),
        (part(0xFFFFFFFF, [1]), BadReading),
        (part(END + 900, [1]), BadReading),
    ],
)
def test_an_answer_that_cannot_be_believed_is_refused(told: Part, error: type[Exception]) -> None:
    with pytest.raises(error):
        Log(wanted=2, before=END).take(told, Question(ends_at=END, count=2))


def test_a_meter_that_can_tell_less_is_asked_for_less_and_not_for_ever() -> None:
    log = Log(wanted=21, before=None)
    too_many = part(0, [], status=Status.TOO_MANY_PERIODS)
    for count in (21, 10, 5, 2):
        question = Question(ends_at=NEWEST, count=count)
        assert log.question() == question
        log.take(too_many, question)
    with pytest.raises(BadReading, match="one interval"):
        log.take(too_many, Question(ends_at=NEWEST, count=1))


@pytest.mark.parametrize(
    ("before", "end"), [(END, END), (END + 500, END), (END - 1, END - 900), (END - 900, END - 900)]
)
def test_an_instant_between_two_ends_means_the_earlier(before: int, end: int) -> None:
    assert aligned(part(END, [1]), before) == end


METER, READ_AT = MeterNumber("M"), datetime(2026, 7, 8, 17, 20, tzinfo=UTC)
FROZEN: dict[int, Value | Refused] = {
    DELIVERED: Value(type=0x25, number=1_000),
    RECEIVED: Value(type=0x25, number=0xFFFFFFFFFFFF),
    FREEZE_TIME: Value(type=0x21, number=0x0000),
    SNAPSHOT_TIME: Refused(status=0x86),
}


@pytest.mark.parametrize(
    ("time", "day", "hour", "minute"), [(0x0000, 8, 5, 0), (0x0C14, 8, 17, 20), (0x0C15, 7, 17, 21)]
)
def test_registers_are_of_the_last_freeze(time: int, day: int, hour: int, minute: int) -> None:
    answers = {**FROZEN, FREEZE_TIME: Value(type=0x21, number=time)}
    frozen = frozen_registers(answers, plate(), meter=METER, read_at=READ_AT)
    assert (frozen.delivered_wh, frozen.received_wh) == (1_000, None)
    assert frozen.frozen_at == datetime(2026, 7, day, hour, minute, tzinfo=UTC)


def test_the_meters_own_clock_says_which_freeze_was_the_last() -> None:
    latched = int((datetime(2026, 7, 8, 4, 59, tzinfo=UTC) - EPOCH).total_seconds())
    answers = {**FROZEN, SNAPSHOT_TIME: Value(type=0xE2, number=latched)}
    assert frozen_registers(answers, plate(), meter=METER, read_at=READ_AT).frozen_at.day == 7


@pytest.mark.parametrize("time", [0x1800, 0x003C, 0xFFFF])
def test_a_freeze_time_that_is_none_is_refused(time: int) -> None:
    answers = {**FROZEN, FREEZE_TIME: Value(type=0x21, number=time)}
    with pytest.raises(BadReading):
        frozen_registers(answers, plate(), meter=METER, read_at=READ_AT)


@pytest.mark.parametrize("missing", [(DELIVERED, RECEIVED), (FREEZE_TIME,)])
def test_a_meter_that_freezes_nothing_says_so(missing: tuple[int, ...]) -> None:
    answers = {**FROZEN, **dict.fromkeys(missing, Refused(status=0x86))}
    with pytest.raises(Unsupported):
        frozen_registers(answers, plate(), meter=METER, read_at=READ_AT)


def published(payload: bytes, kind: int, commands: int = 1) -> Published:
    return Published(id=7, time=END, found=2, commands=commands, cause=0x400, kind=kind, payload=payload)


SUM, BILL = (5_000).to_bytes(6, "little"), bytes(17)
TIERS = b"\x02" + (3_000).to_bytes(6, "little") + b"\xff" * 6


@pytest.mark.parametrize(
    ("kind", "payload", "direction"),
    [
        (0x00, SUM + BILL + TIERS, Direction.DELIVERED),
        (0x01, SUM + BILL + TIERS, Direction.RECEIVED),
        (0x02, SUM + BILL + TIERS + b"\x00", Direction.DELIVERED),
        (0x04, SUM + TIERS, Direction.DELIVERED),
        (0x07, SUM + TIERS + b"\x11" + bytes(6), Direction.RECEIVED),
    ],
)
def test_a_snapshot_is_the_sum_and_each_tiers(kind: int, payload: bytes, direction: Direction) -> None:
    taken = snapshot(published(payload, kind), plate())
    assert (taken.wh, taken.tiers_wh, taken.direction) == (5_000, (3_000, None), direction)
    assert (taken.id, taken.cause, taken.found) == (7, 0x400, 2)


@given(payload=st.binary(max_size=60), kind=st.integers(0, 255), commands=st.integers(0, 3))
def test_a_snapshot_of_garbage_is_refused_or_read(payload: bytes, kind: int, commands: int) -> None:
    try:
        snapshot(published(payload, kind, commands), plate())
    except (BadReading, Unsupported):
        return
    assert len(payload) >= 7
