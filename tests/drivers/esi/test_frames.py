"""Notices as the bytes that devices get, and questions as they are answered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drivers.zigbee.clusters.load_control import LoadControl as LoadControlCluster
from drivers.zigbee.clusters.messaging import Messaging
from drivers.zigbee.clusters.price import Price as PriceCluster
from drivers.zigbee.esi.board import Board, pinned
from drivers.zigbee.esi.frames import BadNotice, frame
from drivers.zigbee.esi.instants import instant, seconds
from drivers.zigbee.esi.questions import answer
from gateway.han.notices import (
    CancelAllLoadControl,
    CancelLoadControl,
    CancelText,
    Criticality,
    DeviceClass,
    Importance,
    LoadControl,
    Notice,
    Price,
    Text,
)

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NOW = EPOCH + timedelta(seconds=0x2F000000)
LATER = NOW + timedelta(seconds=1)
CONTROL = LoadControl(
    event=9,
    classes=(DeviceClass.WATER_HEATER, DeviceClass.HVAC),
    group=7,
    starts_at=LATER,
    duration_min=90,
    criticality=Criticality.LEVEL_2,
    heating_offset=20,
    cooling_point=2600,
    average_load=-50,
    duty_cycle=40,
    random_start=True,
    random_end=True,
)


def board(*notices: Notice) -> Board:
    result = Board()
    for notice in notices:
        result = pinned(result, notice, NOW)
    return result


@pytest.mark.parametrize(
    ("notice", "number", "expected"),
    [
        (Text(event=1, text="Hi"), 0x00, "01000000 00 00000000 FFFF 02 4869 00"),
        (
            Text(event=1, text="ñ", importance=Importance.CRITICAL, confirm=True, starts_at=LATER, duration_min=5),
            0x00,
            "01000000 8C 0100002F 0500 02 C3B1 00",
        ),
        (CancelText(event=1), 0x01, "01000000 00"),
        (
            Price(event=2, price=1275, digits=4, tier=3, tiers=3, label="PEAK", provider=5, duration_min=60),
            0x00,
            "05000000 04 5045414B 02000000 0000002F 00 4803 43 33 00000000 3C00 FB040000" + "FF" * 13 + "01",
        ),
        (
            Price(event=2, price=0, acknowledge=False, starts_at=LATER),
            0x00,
            "00000000 00 02000000 0000002F 00 4803 20 00 0100002F FFFF 00000000 FF FFFFFFFF FF FFFFFFFF FF FF FF 00",
        ),
        (CONTROL, 0x00, "09000000 0500 07 0100002F 5A00 03 FF 14 280A 0080 CE 28 03"),
        (
            LoadControl(
                event=9, classes=(DeviceClass.GENERATION,), duration_min=1, criticality=Criticality.SERVICE_DISCONNECT
            ),
            0x00,
            "09000000 0008 00 00000000 0100 09 FF FF 0080 0080 80 FF 00",
        ),
        (CancelLoadControl(event=9, random_end=True), 0x01, "09000000 FF0F 00 01 00000000"),
        (CancelAllLoadControl(), 0x02, "00"),
    ],
)
def test_a_notice_is_these_bytes(notice: Notice, number: int, expected: str) -> None:
    told = frame(notice, Board(), NOW)
    assert type(told.command).command.id == number
    assert told.command.serialize().hex() == bytes.fromhex(expected).hex()


def test_a_cancellation_names_what_the_event_named() -> None:
    told = frame(CancelLoadControl(event=9, effective_at=LATER), board(CONTROL), NOW)
    assert told.command.serialize().hex() == bytes.fromhex("09000000 0500 07 00 0100002F").hex()


def test_a_price_fits_one_encrypted_frame_with_the_longest_label() -> None:
    told = frame(Price(event=1, price=1, label="x" * 12), Board(), NOW)
    assert 3 + len(told.command.serialize()) <= 73


@pytest.mark.parametrize(
    "notice", [Text(event=1, text="ñ" * 128), Price(event=1, price=1, label="mañana mañan")], ids=["text", "label"]
)
def test_what_is_too_long_in_bytes_has_no_frame(notice: Notice) -> None:
    with pytest.raises(BadNotice, match="longer than"):
        frame(notice, Board(), NOW)


def asked(definition: Any, **fields: int) -> Any:
    return definition.schema(**fields)


def said(command: Any, shown: Board, now: datetime = NOW) -> list[int | None] | None:
    frames = answer(command, shown, now)
    return None if frames is None else [one.event for one in frames]


PRICES = board(
    Price(event=1, price=1, duration_min=60),
    Price(event=2, price=2, starts_at=NOW + timedelta(minutes=60), duration_min=60),
    Price(event=3, price=3, starts_at=NOW + timedelta(minutes=120)),
)


def test_the_current_price_is_told_with_its_true_start() -> None:
    command = asked(PriceCluster.ServerCommandDefs.get_current_price, options=0)
    frames = answer(command, PRICES, NOW + timedelta(minutes=1))
    assert frames is not None
    (told,) = frames
    fields: Any = told.command
    assert (told.event, fields.start_time, fields.current_time) == (1, 0x2F000000, 0x2F000000 + 60)
    assert said(command, Board()) == []


@pytest.mark.parametrize(
    ("start", "number", "events"), [(0, 0, [1, 2, 3]), (0, 2, [1, 2]), (0x2F000000 + 3600, 0, [2, 3])]
)
def test_scheduled_prices_are_those_that_end_later_as_many_as_asked_for(
    start: int, number: int, events: list[int]
) -> None:
    command = asked(PriceCluster.ServerCommandDefs.get_scheduled_prices, start_time=start, number_of_events=number)
    assert said(command, PRICES) == events


def test_a_price_that_gives_way_is_told_to_end_there() -> None:
    shown = board(Price(event=1, price=1), Price(event=2, price=2, starts_at=NOW + timedelta(seconds=150)))
    frames = answer(asked(PriceCluster.ServerCommandDefs.get_current_price, options=0), shown, NOW)
    assert frames is not None
    fields: Any = frames[0].command
    assert fields.duration_min == 2


def test_the_last_message_is_told_until_it_is_over() -> None:
    command = asked(Messaging.ServerCommandDefs.get_last_message)
    shown = board(Text(event=4, text="x", duration_min=1))
    assert said(command, shown) == [4]
    assert said(command, shown, NOW + timedelta(minutes=1)) == []
    assert said(asked(Messaging.ServerCommandDefs.get_message_cancellation, earliest_time=0), shown) == []


@pytest.mark.parametrize(("event", "events"), [(None, [9]), (0xFFFFFFFF, [9]), (9, [9]), (10, [])])
def test_scheduled_events_are_told_from_the_named_one_on(event: int | None, events: list[int]) -> None:
    question = LoadControlCluster.ServerCommandDefs.get_scheduled_events
    fields = {"start_time": 0x2F000001, "number_of_events": 0} | ({} if event is None else {"event_id": event})
    assert said(asked(question, **fields), board(CONTROL)) == events


def test_what_is_no_question_has_no_answer() -> None:
    command = asked(PriceCluster.ServerCommandDefs.get_block_periods, start_time=0, number_of_events=0)
    assert answer(command, PRICES, NOW) is None


def test_instants_are_seconds_since_2000_and_two_numbers_are_none() -> None:
    assert seconds(None) == 0
    assert seconds(NOW) == 0x2F000000
    assert instant(0x2F000000) == NOW
    assert instant(0) is None
    assert instant(0xFFFFFFFF) is None
    assert seconds(EPOCH - timedelta(days=1)) == seconds(EPOCH + timedelta(days=50000)) == 0xFFFFFFFF
