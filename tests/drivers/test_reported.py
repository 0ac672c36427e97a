"""What a meter is asked to report and what counts as a report, by plain values and bytes."""

import pytest

from drivers.zigbee.metering import DELIVERED, DEMAND, RECEIVED, REGISTERS, SNAPSHOT_TIME, STATUS, Refused, Value
from drivers.zigbee.reading import _config
from drivers.zigbee.reported import Accord, Wish, answers, is_flat, promised, refusals, wishes
from gateway.errors import BadReading, Unsupported
from gateway.identifiers import MeterNumber

U48, I24, BITMAP8, UTC = 0x25, 0x2A, 0x18, 0xE2
ABSENT = Refused(status=0x86)
HAS: dict[int, Value | Refused] = {
    DELIVERED: Value(type=U48, number=12_345_678),
    RECEIVED: ABSENT,
    DEMAND: Value(type=I24, number=-1500),
    STATUS: Value(type=BITMAP8, number=0),
    SNAPSHOT_TIME: Value(type=UTC, number=826_000_000),
}
ACCORD = Accord(meter=MeterNumber("M1"), promised=frozenset({DELIVERED, DEMAND, STATUS}))


def test_a_meter_is_asked_for_what_it_has_in_the_types_that_it_has_it_in() -> None:
    assert [(each.attribute, each.type, each.every_s) for each in wishes(HAS, 900)] == [
        (DELIVERED, U48, 900),
        (DEMAND, I24, 900),
        (STATUS, BITMAP8, 900),
        (SNAPSHOT_TIME, UTC, 900),
    ]


def test_the_request_is_that_of_the_library_and_fits_one_encrypted_frame() -> None:
    kinds = {DELIVERED: U48, RECEIVED: U48, DEMAND: I24, STATUS: BITMAP8, SNAPSHOT_TIME: UTC}
    frame = b"".join(_config(Wish(attribute=each, type=kinds[each], every_s=900)).serialize() for each in REGISTERS)
    assert frame.hex(" ") == (
        "00 00 00 25 84 03 84 03 01 00 00 00 00 00 00 01 00 25 84 03 84 03 01 00 00 00 00 00"
        " 00 00 04 2a 84 03 84 03 01 00 00 00 00 02 18 84 03 84 03 00 07 00 e2 84 03 84 03 01 00 00 00"
    )
    assert 3 + len(frame) == 62 <= 73


@pytest.mark.parametrize("every_s", [0, 65_535])
def test_an_interval_that_means_something_else_on_the_air_is_unsupported(every_s: int) -> None:
    with pytest.raises(Unsupported, match="65534"):
        wishes(HAS, every_s)


def test_a_meter_without_a_delivered_register_or_that_does_not_report_it_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="0x0000"):
        wishes({**HAS, DELIVERED: ABSENT}, 60)
    with pytest.raises(Unsupported, match="0x8C"):
        promised(wishes(HAS, 60), {DELIVERED: 0x8C})


def test_what_a_meter_refuses_is_not_promised() -> None:
    assert promised(wishes(HAS, 60), {STATUS: 0x8C, 0x9999: 0x86}) == {DELIVERED, DEMAND, SNAPSHOT_TIME}


@pytest.mark.parametrize(
    ("records", "refused"),
    [
        ([(0, None)], {}),
        ([(0, DELIVERED), (0, STATUS)], {}),
        ([(0x8C, STATUS)], {STATUS: 0x8C}),
        ([(0, DELIVERED), (0x89, STATUS), (0x86, RECEIVED)], {STATUS: 0x89, RECEIVED: 0x86}),
        ([], {}),
    ],
)
def test_a_response_names_what_failed_and_nothing_else(
    records: list[tuple[int, int | None]], refused: dict[int, int]
) -> None:
    assert refusals(records) == refused


def test_a_refusal_of_nothing_in_particular_is_no_answer() -> None:
    with pytest.raises(BadReading, match="0x89"):
        refusals([(0x89, None)])


def test_a_whole_report_answers_for_every_register_and_what_was_not_promised_is_absent() -> None:
    told = answers({each: HAS[each] for each in (DELIVERED, DEMAND, STATUS)}, ACCORD)  # type: ignore[misc]
    assert told == {**HAS, RECEIVED: ABSENT, SNAPSHOT_TIME: ABSENT}


def test_a_report_of_a_part_is_no_read_and_says_what_it_lacks() -> None:
    with pytest.raises(BadReading, match="0x0200, 0x0400"):
        answers({DELIVERED: Value(type=U48, number=1), 0x0301: Value(type=U48, number=1)}, ACCORD)


@pytest.mark.parametrize(
    ("records", "flat"),
    [
        ("", True),
        ("0000 25 010000000000 0004 2a ffffff 0002 18 00 0700 e2 00000000", True),
        ("0803 41 02 3132 0803 42 ff", True),
        ("0000 25 0100000000", False),
        ("0000", False),
        ("0000 25", False),
        ("0803 41", False),
        ("0803 41 03 3132", False),
        ("0000 48 00 ffff", False),
        ("0000 25 010000000000 0002 4c ffff", False),
        ("0000 00", False),
        ("0000 77 00", False),
    ],
)
def test_only_numbers_and_short_strings_are_unpacked(records: str, flat: bool) -> None:
    assert is_flat(bytes.fromhex(records)) is flat
