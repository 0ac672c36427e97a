"""The table of topics: complete, and strict about what it reads."""

import contextlib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadMessage
from gateway.identifiers import GatewayId
from gateway.messages import Message
from mqtt.refusals import Cause, Refused
from mqtt.topics import TABLE, Direction, Kind, format_topic, may_read, may_write, parse_topic, subscription

ONE = GatewayId("gw-1")
gateways = st.from_regex(GatewayId.pattern, fullmatch=True).map(GatewayId)


def matches(filter_: str, topic: str) -> bool:
    """MQTT's rule for filters, for the two forms in use."""
    for level, part in zip(filter_.split("/"), topic.split("/"), strict=False):
        if level == "#":
            return True
        if level not in ("+", part):
            return False
    return len(filter_.split("/")) == len(topic.split("/"))


def test_every_message_has_one_row_and_every_name_one_message() -> None:
    assert {kind.message for kind in TABLE} == set(get_args(Message))
    assert len({kind.name for kind in TABLE}) == len(TABLE) == len(get_args(Message))


def test_only_states_are_retained() -> None:
    assert [kind.name for kind in TABLE if kind.retained] == ["GatewayState"]


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.name)
@given(gateway=gateways)
def test_what_is_formatted_is_parsed_back(kind: Kind, gateway: GatewayId) -> None:
    assert kind in TABLE
    topic = format_topic(gateway, kind)
    parsed = parse_topic(topic)
    assert (parsed.direction, parsed.gateway, parsed.channel) == (kind.direction, gateway, kind.channel)
    assert str(parsed) == topic


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "metergate/1/up/gw-1",
        "metergate/1/up/gw-1/",
        "metergate/1/up//reads",
        "metergate/1/up/gw-1/reads/",
        "metergate/1/up/gw-1/Reads",
        "metergate/1/up/gw_1/reads",
        "metergate/1/up/+/reads",
        "metergate/1/sideways/gw-1/reads",
        "metergate/2/up/gw-1/reads",
        "/metergate/1/up/gw-1/reads",
        "metergate/1/up/gw-1/reads\n",
        "metergate/1/up/gw-1/" + "a" * 33,
        "metergate/1/up/" + "g" * 33 + "/reads",
        "$SYS/broker/uptime",
    ],
)
def test_a_malformed_topic_is_refused(topic: str) -> None:
    with pytest.raises(BadMessage) as refused:
        parse_topic(topic)
    assert isinstance(refused.value, Refused)
    assert refused.value.cause is Cause.WRONG_TOPIC


@given(st.text(max_size=200))
def test_any_other_text_is_refused_or_a_topic(text: str) -> None:
    with contextlib.suppress(BadMessage):
        assert str(parse_topic(text)) == text


@given(party=st.none() | gateways, gateway=gateways, direction=st.sampled_from(Direction))
def test_the_access_rules_say_what_the_subscription_and_the_direction_say(
    party: GatewayId | None, gateway: GatewayId, direction: Direction
) -> None:
    topic = f"metergate/1/{direction}/{gateway}/reads"
    assert may_read(party, topic) == matches(subscription(party), topic)
    own = direction is Direction.DOWN if party is None else (direction is Direction.UP and gateway == party)
    assert may_write(party, topic) == own
    assert not (may_read(party, topic) and may_write(party, topic))


@pytest.mark.parametrize(
    "topics", ["#", "metergate/#", "metergate/1/down/#", "metergate/1/down/+/#", "+/+/down/gw-1/#"]
)
def test_a_gateway_may_not_subscribe_beyond_itself(topics: str) -> None:
    assert not may_read(ONE, topics)
