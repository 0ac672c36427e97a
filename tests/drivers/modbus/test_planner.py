"""Requests cover what is wanted, whole, within the limits, and no more of them than it takes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.planner import Plan, Span, merged, plan
from drivers.modbus.profile import named, parse

from .test_profile import HEAD

limits = st.integers(4, 125)
spans = st.builds(Span, st.integers(0, 300) | st.integers(0, 65_000), st.integers(1, 4))


@given(st.lists(spans, min_size=1, max_size=40), limits, st.integers(0, 125))
def test_every_span_is_whole_in_one_request_and_nothing_breaks_the_limits(
    wanted: list[Span], most: int, gap: int
) -> None:
    requests = merged(wanted, most, gap)
    for span in wanted:
        assert any(request.first <= span.first and span.end <= request.end for request in requests)
    needed = {address for span in wanted for address in range(span.first, span.end)}
    for request in requests:
        asked = set(range(request.first, request.end))
        idle = 0
        assert 1 <= request.count <= most
        assert {request.first, request.end - 1} <= needed
        for address in sorted(asked):
            idle = 0 if address in needed else idle + 1
            assert idle <= gap


@given(st.lists(spans, min_size=1, max_size=40), limits, st.integers(0, 125))
def test_neighbours_that_fit_one_request_are_one(wanted: list[Span], most: int, gap: int) -> None:
    for before, after in pairwise(merged(wanted, most, gap)):
        assert before.first < after.first
        near = after.first <= before.end + gap
        assert not (near and after.end - before.first <= most)


@given(st.lists(spans, min_size=1, max_size=40), limits, st.integers(0, 125))
def test_order_and_repetition_do_not_matter(wanted: list[Span], most: int, gap: int) -> None:
    assert merged(wanted, most, gap) == merged([*reversed(wanted), *wanted], most, gap)


def test_the_plans_of_real_meters() -> None:
    assert plan(named("eastron-sdm630")) == Plan((Span(52, 24),), twice=True)
    assert plan(named("gavazzi-em24")) == Plan((Span(40, 2), Span(52, 2), Span(78, 2)), twice=True)
    assert plan(named("sunspec-int")) == Plan((Span(0, 55),), twice=True)
    assert plan(named("sunspec-float")) == Plan((Span(0, 70),), twice=True)


@pytest.mark.parametrize(
    ("kind", "coherent", "scale", "twice"),
    [
        ("u32", "false", "", True),
        ("u32", "true", "", False),
        ("u16", "false", "", False),
        ("u32", "true", "scale_register = 22", False),
        ("u16", "true", "scale_register = 40", True),
    ],
)
def test_a_counter_is_read_twice_unless_one_answer_is_known_to_be_whole(
    kind: str, coherent: str, scale: str, twice: bool
) -> None:
    head = f"coherent = {coherent}\n"
    register = f'[[registers]]\nquantity = "delivered_wh"\naddress = 20\ntype = "{kind}"\nunit = "Wh"\n{scale}\n'
    assert plan(parse(HEAD + head + register, "test")).twice is twice


def test_a_power_is_never_read_twice() -> None:
    register = '[[registers]]\nquantity = "demand_w"\naddress = 20\ntype = "f32"\nunit = "W"\n'
    assert not plan(parse(HEAD + register, "test")).twice
