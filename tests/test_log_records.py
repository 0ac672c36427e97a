"""The watch over log records sees the lines that could not be written, at every level."""

import logging

import pytest

from tests.log_records import Formatting, watched


@pytest.fixture
def alone() -> Formatting:
    """The handler by itself: pytest's own would raise at the record before the test could look at it."""
    return Formatting()


@pytest.mark.parametrize(
    ("message", "arguments"), [("%d meters", ("many",)), ("%s and %s", ("one",)), ("nothing", ("too much",))]
)
def test_a_record_that_cannot_be_formatted_is_named_with_its_place(
    alone: Formatting, message: str, arguments: tuple[object, ...]
) -> None:
    alone.handle(logging.LogRecord("gateway", logging.DEBUG, "here.py", 7, message, arguments, None))
    assert len(alone.faults) == 1
    assert alone.faults[0].startswith(f"here.py:7 logs {message!r}")


def test_a_record_that_can_be_formatted_is_no_fault() -> None:
    with watched() as formatting:
        logging.getLogger("gateway.process").debug("%d meters", 3)
    assert formatting.faults == []


def test_records_of_ours_are_looked_at_whatever_their_level_and_others_levels_stay() -> None:
    before = logging.getLogger("drivers").level
    with watched():
        assert logging.getLogger("drivers.zigbee").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("sqlalchemy.engine").isEnabledFor(logging.DEBUG)
    assert logging.getLogger("drivers").level == before
