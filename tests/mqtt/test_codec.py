"""The envelope: golden files both ways, and refusal of everything else."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.dice import SeededDice
from gateway.errors import BadMessage
from gateway.identifiers import GatewayId
from gateway.messages import Mark, Message, ReadProgressed, UnknownReport
from mqtt.codec import MAX_BYTES, decode, encode, stamped
from mqtt.refusals import Cause, Refused
from mqtt.topics import KINDS, format_topic
from tests.mqtt.samples import ENVELOPE_ID, FAILED, NOON, SAMPLES, receipt, state

GOLDEN = Path(__file__).parent / "golden"
ONE = GatewayId("gw-1")


def topic_of(message: Message) -> str:
    return format_topic(ONE, KINDS[type(message)])


def encoded(message: Message) -> bytes:
    return encode(message, id=getattr(message, "id", ENVELOPE_ID), at=NOON)


def test_every_message_has_a_golden_file_and_no_file_is_left_over() -> None:
    names = {message.__name__ for message in get_args(Message)}
    assert names == set(SAMPLES)
    assert names | {"MarketNotices"} == {path.stem for path in GOLDEN.glob("*.json")}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_is_written_as_its_golden_file(name: str) -> None:
    written = json.dumps(json.loads(encoded(SAMPLES[name])), indent=2) + "\n"
    assert written == (GOLDEN / f"{name}.json").read_text()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_golden_file_is_read_as_its_message(name: str) -> None:
    message = SAMPLES[name]
    delivery = decode(topic_of(message), (GOLDEN / f"{name}.json").read_bytes())
    assert delivery.message == message
    assert type(delivery.message) is type(message)
    assert delivery.gateway == ONE


def test_absent_values_stay_absent() -> None:
    assert decode(topic_of(FAILED), encoded(FAILED)).message == FAILED


def test_an_unknown_field_is_ignored_so_that_senders_can_be_newer() -> None:
    envelope = json.loads(encoded(receipt(1))) | {"trace": "x"}
    envelope["data"] |= {"colour": "green"}
    assert decode(topic_of(receipt(1)), json.dumps(envelope).encode()).message == receipt(1)


def test_the_envelope_takes_the_messages_own_id_and_a_new_one_otherwise() -> None:
    own = json.loads(stamped(FAILED, SystemClock(), SeededDice(1)))
    new = json.loads(stamped(receipt(1), SystemClock(), SeededDice(1)))
    assert own["id"] == FAILED.id
    assert own["at"].endswith("Z")
    assert new["id"][14] == "7"


def test_an_instant_of_another_offset_is_the_same_instant() -> None:
    envelope = json.loads(encoded(SAMPLES["ReadProgressed"]))
    envelope["data"]["at"] = NOON.astimezone(timezone(timedelta(hours=-6))).isoformat()
    message = decode(topic_of(SAMPLES["ReadProgressed"]), json.dumps(envelope).encode()).message
    assert isinstance(message, ReadProgressed)
    assert message.at == NOON


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change to an envelope at a path."""

    def change(envelope: dict[str, Any]) -> None:
        for name in path[:-1]:
            envelope = envelope[name]
        envelope[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (put("type", value=None), Cause.UNKNOWN_TYPE),
        (put("type", value=["ReadEnded"]), Cause.UNKNOWN_TYPE),
        (put("type", value="GatewayState"), Cause.MALFORMED),
        (put("type", value="Receipt"), Cause.WRONG_TOPIC),
        (put("v", value=2), Cause.WRONG_VERSION),
        (put("v", value="1"), Cause.WRONG_VERSION),
        (put("id", value="no uuid"), Cause.MALFORMED),
        (put("id", value=str(ENVELOPE_ID)), Cause.MALFORMED),
        (put("at", value="2026-03-08T18:00:00"), Cause.MALFORMED),
        (put("at", value="yesterday"), Cause.MALFORMED),
        (put("data", value=None), Cause.MALFORMED),
        (put("data", value=[]), Cause.MALFORMED),
        (put("data", "ended_at", value="2026-03-08T18:00:00"), Cause.MALFORMED),
        (put("data", "status", value="splendid"), Cause.MALFORMED),
        (put("data", "detail", value=7), Cause.MALFORMED),
        (put("data", "detail", value="a\x00b"), Cause.MALFORMED),
        (put("data", "detail", value="\ud800"), Cause.MALFORMED),
        (put("data", "detail", value="x" * MAX_BYTES), Cause.OVERSIZED),
        (put("data", "meter", value="no/meter"), Cause.MALFORMED),
        (put("data", "used_today", value="3"), Cause.MALFORMED),
        (put("data", "used_today", value=3.5), Cause.MALFORMED),
        (put("data", "used_today", value=True), Cause.MALFORMED),
        (put("data", "mark", "seq", value=2**63), Cause.MALFORMED),
        (put("data", "mark", "seq", value=-(2**63) - 1), Cause.MALFORMED),
    ],
)
def test_a_wrong_field_is_refused_with_its_cause(change: Callable[[dict[str, Any]], None], cause: Cause) -> None:
    envelope = json.loads(encoded(SAMPLES["ReadEnded"]))
    change(envelope)
    with pytest.raises(Refused) as refused:
        decode(topic_of(SAMPLES["ReadEnded"]), json.dumps(envelope).encode())
    assert refused.value.cause is cause


def test_a_report_of_a_kind_that_is_not_known_yet_is_handed_over_as_its_number() -> None:
    envelope = json.loads(encoded(SAMPLES["ReadEnded"])) | {"type": "ReadForeseen"}
    envelope["data"] = {"mark": envelope["data"]["mark"], "colour": "green"}
    for channel in ("reads", "visions"):
        delivery = decode(f"metergate/1/up/gw-1/{channel}", json.dumps(envelope).encode())
        assert delivery.message == UnknownReport(kind="ReadForeseen", mark=Mark(journal="j-7", seq=41))
        assert delivery.sent_at == NOON


@pytest.mark.parametrize(
    ("change", "topic"),
    [
        (put("data", "mark", value=None), "metergate/1/up/gw-1/reads"),
        (put("data", "mark", "seq", value="41"), "metergate/1/up/gw-1/reads"),
        (put("v", value=2), "metergate/1/up/gw-1/reads"),
        (put("at", value="2026-03-08T18:00:00"), "metergate/1/up/gw-1/reads"),
        (put("data", "colour", value="green"), "metergate/1/down/gw-1/reads"),
    ],
)
def test_an_unknown_kind_without_a_number_is_refused(change: Callable[[dict[str, Any]], None], topic: str) -> None:
    envelope = json.loads(encoded(SAMPLES["ReadEnded"])) | {"type": "ReadForeseen"}
    change(envelope)
    with pytest.raises(Refused) as refused:
        decode(topic, json.dumps(envelope).encode())
    assert refused.value.cause is Cause.UNKNOWN_TYPE


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("missing", ["type", "v", "id", "at", "data"])
def test_a_missing_part_is_refused(name: str, missing: str) -> None:
    envelope = json.loads(encoded(SAMPLES[name]))
    del envelope[missing]
    with pytest.raises(BadMessage):
        decode(topic_of(SAMPLES[name]), json.dumps(envelope).encode())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_on_any_others_topic_is_refused(name: str) -> None:
    message, own = SAMPLES[name], topic_of(SAMPLES[name])
    elsewhere = {topic_of(other) for other in SAMPLES.values()} - {own}
    for topic in [*elsewhere, own.replace("/up/", "/down/") if "/up/" in own else own.replace("/down/", "/up/")]:
        with pytest.raises(Refused) as refused:
            decode(topic, encoded(message))
        assert refused.value.cause is Cause.WRONG_TOPIC


def test_a_gateway_does_not_tell_anothers_state() -> None:
    with pytest.raises(Refused) as refused:
        decode(topic_of(state(ONE)), encoded(state(GatewayId("gw-2"))))
    assert refused.value.cause is Cause.WRONG_GATEWAY


def test_an_oversized_payload_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(Refused) as refused:
        decode(topic_of(FAILED), b"{" * (MAX_BYTES + 1))
    assert refused.value.cause is Cause.OVERSIZED
    with pytest.raises(Refused) as refused:
        decode(topic_of(FAILED), encoded(FAILED), max_bytes=100)
    assert refused.value.cause is Cause.OVERSIZED


def test_an_oversized_message_is_not_sent() -> None:
    with pytest.raises(Refused) as refused:
        encoded(state(ONE, boot_id="x" * MAX_BYTES))
    assert refused.value.cause is Cause.OVERSIZED


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"null", b"[]", b"7", b"[" * 60_000, b'{"a":' * 9_000, b"{}"])
def test_what_is_no_envelope_is_refused(payload: bytes) -> None:
    with pytest.raises(Refused) as refused:
        decode(topic_of(FAILED), payload)
    assert refused.value.cause is Cause.MALFORMED


@given(st.binary(max_size=500))
def test_garbage_is_refused_and_nothing_worse(payload: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(topic_of(FAILED), payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    name=st.sampled_from(sorted(SAMPLES)),
    part=st.sampled_from(["type", "v", "id", "at", "data"]),
    value=JSON,
)
def test_any_json_in_any_place_is_refused_or_means_what_it_says(name: str, part: str, value: Any) -> None:
    envelope = json.loads(encoded(SAMPLES[name]))
    envelope[part] = value
    try:
        delivery = decode(topic_of(SAMPLES[name]), json.dumps(envelope).encode())
    except BadMessage:
        return
    if isinstance(delivery.message, UnknownReport):
        assert part == "type"
        return
    assert part in ("v", "at")
    assert value == 1 or isinstance(value, (int, float, str))


@given(
    seq=st.integers(-(2**63), 2**63 - 1),
    journal=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50),
    at=st.datetimes(timezones=st.just(UTC)),
)
def test_what_is_encoded_is_decoded_back(seq: int, journal: str, at: datetime) -> None:
    message = receipt(seq)
    message = type(message)(mark=type(message.mark)(journal=journal, seq=seq))
    assert decode(topic_of(message), encode(message, id=ENVELOPE_ID, at=at)).message == message
