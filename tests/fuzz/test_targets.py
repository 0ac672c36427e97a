"""The fuzzed parsers under Hypothesis: a short run of what `make fuzz` does at length."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(data=st.binary(max_size=400))
def test_a_parser_answers_for_any_bytes(name: str, data: bytes) -> None:
    TARGETS[name](data)
