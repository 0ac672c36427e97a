"""The message classes themselves say what their fields may hold: whoever decodes them, from whatever, is held to it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.messages import GatewayState, Mark, Message, ReadEnded
from gateway.reads import RegisterRead
from tests.mqtt.samples import NOON, READ, SAMPLES

NAIVE = datetime(2026, 3, 8, 18)  # noqa: DTZ001  # naive on purpose
ENDED, STATE = SAMPLES["ReadEnded"], SAMPLES["GatewayState"]
assert isinstance(ENDED, ReadEnded)
assert isinstance(STATE, GatewayState)


@pytest.mark.parametrize("message", SAMPLES.values(), ids=SAMPLES)
def test_every_message_comes_back_from_its_json(message: Message) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(type(message))
    assert adapter.validate_json(adapter.dump_json(message)) == message


@pytest.mark.parametrize(
    "wild",
    [
        replace(ENDED, ended_at=NAIVE),
        replace(ENDED, accepted_at=NAIVE),
        replace(ENDED, used_today=2**63),
        replace(ENDED, mark=Mark(journal="j", seq=2**63)),
        replace(STATE, at=NAIVE),
        replace(STATE, meters=-(2**63) - 1),
        replace(READ, delivered_wh=2**70),
        replace(READ, demand_w=-(2**70)),
        replace(READ, latched_at=NAIVE),
        replace(READ, scale=replace(READ.scale, divisor=2**63)),
    ],
)
def test_naive_instants_and_integers_beyond_64_bits_are_refused(wild: ReadEnded | GatewayState | RegisterRead) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(type(wild))
    with pytest.raises(ValidationError):
        adapter.validate_json(adapter.dump_json(wild))


def test_the_ends_of_64_bits_are_in_range() -> None:
    edge = replace(READ, delivered_wh=2**63 - 1, demand_w=-(2**63), read_at=NOON)
    adapter = TypeAdapter(RegisterRead)
    assert adapter.validate_json(adapter.dump_json(edge)) == edge
