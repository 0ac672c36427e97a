"""Devices and commands as the pages word and draw them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.han.notices import Answer, Criticality, DeviceClass, Importance
from gateway.han.words import Cause, DeviceType, Stage
from gateway.identifiers import EsiId, Eui64, GatewayId, MeterNumber, RequestId
from portal.han.shown import GatewayCommand, TimelineEntry
from portal.han.status import CommandKind, CommandStatus
from portal.pages import device_words as words
from portal.pages.device_cards import NO_TAKER, command_card
from portal.pages.notice_words import notice_facts, price_words
from portal.pages.read_card import Mark

NOON = datetime(2026, 7, 1, 17, tzinfo=UTC)
KEY_S = 120.0


def command(*stages: tuple[Stage, float], **more: Any) -> GatewayCommand:
    """A join at noon with a window of three minutes, and the stages that it reached, each after so many seconds."""
    timeline = tuple(
        TimelineEntry(
            stage=stage, at=NOON + timedelta(seconds=at), request=None, cause=None, detail=None, next_step=None
        )
        for stage, at in stages
    )
    values: dict[str, Any] = {
        "id": RequestId("019f1d5b-7c00-7000-8000-000000000001"),
        "kind": CommandKind.JOIN,
        "esi_id": EsiId("10443720000000001"),
        "meter": MeterNumber("M00001"),
        "gateway": GatewayId("gw-1"),
        "device": Eui64("000D6F0007A0B1C2"),
        "status": CommandStatus.SENT,
        "asked_at": NOON,
        "deadline_at": NOON + timedelta(seconds=180 + KEY_S),
        "sent_at": NOON,
        **dict.fromkeys(("event", "notice", "ended_at", "cause", "detail", "next_step", "info", "round_trip_ms")),
    }
    return GatewayCommand(**{**values, **more}, version=1, timeline=timeline)


@pytest.mark.parametrize(
    ("table", "members"),
    [
        (words.KINDS, DeviceType),
        (words.STAGES, Stage),
        (words.COMMANDS, CommandKind),
        (words.STATUSES, CommandStatus),
        (words.ANSWERS, Answer),
        (words.CLASSES, DeviceClass),
        (words.CRITICALITIES, Criticality),
        (words.IMPORTANCES, Importance),
    ],
)
def test_everything_that_can_be_shown_has_words(table: Any, members: Any) -> None:
    assert set(table) == set(members)


def test_a_cause_is_named_as_people_write_it() -> None:
    assert words.cause_words(Cause.WRONG_MAC) == "Wrong MAC"
    assert words.cause_words(Cause.WRONG_INSTALL_CODE) == "Wrong install code"


def test_each_stage_has_the_time_that_it_took_and_the_last_one_is_now() -> None:
    card = command_card(command((Stage.REQUESTED, 0.5), (Stage.VALIDATED, 0.75)), KEY_S, NOON)
    assert [(step.label, step.mark, step.after_s) for step in card.steps[:4]] == [
        ("Asked", Mark.DONE, None),
        ("Taken by the gateway", Mark.DONE, 0.5),
        ("Install code checked", Mark.NOW, 0.25),
        ("Key laid ready", Mark.AHEAD, None),
    ]
    assert card.words == "Join of 000D6F0007A0B1C2: Install code checked."


def test_the_window_is_counted_from_its_opening_until_the_device_joined() -> None:
    opened = [(Stage.REQUESTED, 0.0), (Stage.WINDOW_OPEN, 10.0)]
    card = command_card(command(*opened), KEY_S, NOON + timedelta(seconds=70))
    assert (card.closes_at, card.left_s) == (NOON + timedelta(seconds=190), 120)
    late = command_card(command(*opened), KEY_S, NOON + timedelta(seconds=900))
    assert late.left_s == 0
    for other in (
        command(opened[0]),
        command(*opened, (Stage.JOINED, 20.0)),
        command(*opened, status=CommandStatus.DONE),
    ):
        assert command_card(other, KEY_S, NOON).closes_at is None


def test_a_failure_ends_the_line_and_names_its_cause() -> None:
    ended = {"status": CommandStatus.FAILED, "cause": Cause.KEY_TIMEOUT, "ended_at": NOON + timedelta(seconds=9)}
    card = command_card(command((Stage.REQUESTED, 1.0), (Stage.JOINED, 4.0), **ended), KEY_S, NOON)
    assert [(step.label, step.mark) for step in card.steps][-2:] == [("Joined", Mark.DONE), ("Failed", Mark.BAD)]
    assert (card.steps[-1].after_s, card.took_s, card.may_retry, card.may_cancel) == (5.0, 9.0, True, False)
    assert card.words == "Join of 000D6F0007A0B1C2: Failed. Key timeout."


def test_clocks_that_contradict_each_other_give_no_times() -> None:
    card = command_card(command((Stage.REQUESTED, -5.0), ended_at=NOON - timedelta(seconds=1)), KEY_S, NOON)
    assert (card.steps[1].after_s, card.took_s) == (None, None)


def test_a_notice_that_no_device_takes_is_no_unknown_address() -> None:
    price = {"kind": CommandKind.PRICE, "device": None, "status": CommandStatus.FAILED, "cause": Cause.UNKNOWN_DEVICE}
    card = command_card(command(**price, next_step="List the meter's devices."), KEY_S, NOON)
    assert (card.title, card.next_step, card.awaits_answers) == ("Price", NO_TAKER, False)


@pytest.mark.parametrize(
    ("price", "digits", "currency", "said"),
    [
        (1275, 4, 840, "$0.1275 per kWh"),
        (12, 2, 840, "$0.12 per kWh"),
        (3, 0, 840, "$3.00 per kWh"),
        (5, 2, 978, "0.05 (currency 978) per kWh"),
    ],
)
def test_a_price_is_said_in_its_currency(price: int, digits: int, currency: int, said: str) -> None:
    assert price_words(price, digits, currency) == said


def test_what_was_told_is_shown_as_facts() -> None:
    text = {"kind": "text", "text": "Hi", "importance": "high", "confirm": True, "duration_min": None}
    assert dict(notice_facts({**text, "starts_at": "2026-07-01T17:00:00Z"})) == {
        "Text": "Hi",
        "Importance": "High",
        "Confirmation": "asked for",
        "Begins": "07/01/2026 12:00:00 Central",
        "Holds": "until changed",
    }
    assert notice_facts({"kind": "cancel_all_load_control"}) == [("Takes back", "all load-control events")]
    assert notice_facts(None) == []
