"""Smart Energy commands against bytes put together by hand from the specification's tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.han import wire
from simulators.zigbee.octets import Malformed, Octets

NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)
PRICE = "01000000 04 5045414b 07000000 00000000 00 4803 42 31 00000000 3c00 b9010000"
EVENT = "05000000 0100 00 00000000 3c00 03 14 ff 9808 0080 80 32 03"


def octets(text: str) -> Octets:
    return Octets(bytes.fromhex(text))


@pytest.mark.parametrize(
    "more", ["", "ff ffffffff ff ffffffff ff ff ff 00", "ff ffffffff ff ffffffff ff ff ff 01 00 00"]
)
def test_a_price_is_read_with_whatever_fields_its_version_has(more: str) -> None:
    price = wire.published_price(octets(PRICE + more), NOON)
    assert (price.label, price.event, price.price, price.digits, price.tier) == ("PEAK", 7, 441, 4, 2)
    assert (price.starts_at, price.ends_at) == (NOON, NOON + timedelta(hours=1))
    assert price.wants_ack is ("01" in more.split())


def test_a_price_is_acknowledged_under_its_ids() -> None:
    price = wire.published_price(octets(PRICE), NOON)
    at = datetime(2000, 1, 1, 0, 0, 16, tzinfo=UTC)
    assert wire.price_acknowledgement(price, at).hex() == "01000000070000001000000000"


def test_an_event_is_read_with_unused_fields_as_none() -> None:
    event = wire.load_event(octets(EVENT), NOON)
    assert (event.event, event.classes, event.group, event.minutes, event.criticality) == (5, 1, 0, 60, 3)
    assert (event.cooling_offset, event.heating_offset) == (20, None)
    assert (event.cooling_point, event.heating_point, event.average_load) == (2200, None, None)
    assert (event.duty_cycle, event.random_start, event.random_end) == (50, True, True)
    assert event.ends_at == NOON + timedelta(hours=1)


def test_a_status_report_has_18_bytes_without_a_signature() -> None:
    event = wire.load_event(octets(EVENT), NOON)
    at = datetime(2000, 1, 1, 0, 1, tzinfo=UTC)
    assert wire.status_report(5, 2, at, event).hex() == "05000000023c000000039808008080320300"
    assert wire.status_report(5, 0xFD, at, None).hex() == "05000000fd3c000000000080008080ff0000"


def test_a_message_is_read_with_its_importance_and_whether_it_wants_an_answer() -> None:
    message = wire.message(octets("09000000 8c 00000000 ffff 02 4869"), NOON)
    assert (message.message, message.text, message.importance, message.wants_confirmation) == (9, "Hi", 3, True)
    assert message.ends_at is None
    at = datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert wire.confirmation(9, at).hex() == "0900000001000000"
    assert wire.confirmation(9, at, "yes").hex() == "09000000010000000003796573"


@given(raw=st.binary(max_size=90))
def test_bytes_that_are_no_command_are_malformed_and_nothing_else(raw: bytes) -> None:
    for read in (wire.published_price, wire.load_event, wire.cancellation, wire.message):
        try:
            read(Octets(raw), NOON)
        except Malformed:
            continue
