"""What devices say of notices, as the gateway hears it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from zigpy.zcl.foundation import DefaultResponse, Status

from drivers.zigbee.clusters.load_control import LoadControl
from drivers.zigbee.clusters.messaging import Messaging
from drivers.zigbee.clusters.price import Price
from drivers.zigbee.esi.reports import heard, refusal
from gateway.han.notices import Answer, Heard
from gateway.identifiers import Eui64

DEVICE = Eui64("00124B0000000999")
THEN = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=0x2F000001)
NOW = THEN + timedelta(minutes=5)


def report(status: int, at: int = 0x2F000001) -> Heard | None:
    command = LoadControl.ServerCommandDefs.report_event_status.schema(
        event_id=7,
        status=status,
        status_time=at,
        criticality=1,
        cooling_point=0x8000,
        heating_point=0x8000,
        average_load=-128,
        duty_cycle=255,
        event_control=0,
        signature_type=0,
    )
    return heard(command, DEVICE, NOW)


@pytest.mark.parametrize(
    ("status", "answer", "detail"),
    [
        (0x01, Answer.RECEIVED, ""),
        (0x02, Answer.STARTED, ""),
        (0x03, Answer.COMPLETED, ""),
        (0x04, Answer.OPTED_OUT, ""),
        (0x05, Answer.OPTED_IN, ""),
        (0x06, Answer.CANCELLED, ""),
        (0x07, Answer.SUPERSEDED, ""),
        (0x08, Answer.PARTLY_COMPLETED_OPT_OUT, ""),
        (0x09, Answer.PARTLY_COMPLETED_OPT_IN, ""),
        (0x0A, Answer.COMPLETED_WITHOUT_US, ""),
        (0xF6, Answer.REJECTED, "invalid opt-out"),
        (0xF7, Answer.REJECTED, "event not found"),
        (0xF8, Answer.REJECTED, "invalid cancel command"),
        (0xF9, Answer.REJECTED, "invalid effective time"),
        (0xFB, Answer.REJECTED, "event expired"),
        (0xFD, Answer.REJECTED, "undefined event"),
        (0xFE, Answer.REJECTED, "event rejected"),
    ],
)
def test_an_event_s_status_is_one_of_our_words(status: int, answer: Answer, detail: str) -> None:
    assert report(status) == Heard(device=DEVICE, answer=answer, event=7, at=THEN, detail=detail)


@pytest.mark.parametrize("status", [0x00, 0x0B, 0xFA, 0xFF])
def test_a_status_that_the_profile_does_not_know_says_nothing(status: int) -> None:
    assert report(status) is None


@pytest.mark.parametrize("at", [0, 0xFFFFFFFF])
def test_a_report_without_an_instant_is_of_when_it_came(at: int) -> None:
    said = report(0x02, at)
    assert said is not None
    assert said.at == NOW


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({}, ""),
        ({"confirmation_control": 1}, "no"),
        ({"confirmation_control": 2, "response": b"ma\xc3\xb1ana"}, "yes: mañana"),
        ({"confirmation_control": 0, "response": b"\x00\x1bok\n"}, "ok"),
    ],
)
def test_a_confirmation_says_what_the_customer_answered(fields: dict[str, Any], detail: str) -> None:
    command = Messaging.ServerCommandDefs.message_confirmation.schema(
        message_id=3, confirmation_time=0x2F000001, **fields
    )
    assert heard(command, DEVICE, NOW) == Heard(
        device=DEVICE, answer=Answer.TEXT_CONFIRMED, event=3, at=THEN, detail=detail
    )


def test_a_price_is_acknowledged() -> None:
    command = Price.ServerCommandDefs.price_acknowledgement.schema(
        provider_id=1, event_id=5, acknowledged_time=0x2F000001, price_control=0
    )
    assert heard(command, DEVICE, NOW) == Heard(device=DEVICE, answer=Answer.PRICE_ACKNOWLEDGED, event=5, at=THEN)


@pytest.mark.parametrize("at", [1, 0x2F000001 - 86_400, 0x2F000001 + 86_400])
def test_a_device_whose_clock_is_far_off_is_heard_as_of_now(at: int) -> None:
    told = report(0x01, at)
    assert told is not None
    assert (told.answer, told.at) == (Answer.RECEIVED, NOW)


def test_a_question_is_no_report() -> None:
    assert heard(Messaging.ServerCommandDefs.get_last_message.schema(), DEVICE, NOW) is None


def test_a_refusal_names_status_and_command() -> None:
    response = DefaultResponse(command_id=0x00, status=Status.UNSUP_CLUSTER_COMMAND)
    assert refusal(response, 5, DEVICE, NOW) == Heard(
        device=DEVICE,
        answer=Answer.REJECTED,
        event=5,
        at=NOW,
        detail="status 0x81 UNSUP_CLUSTER_COMMAND to command 0x00",
    )
