"""What a meter writes is what a device reads, and the other way round; every field at its place."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from simulators.han import published, wire
from simulators.han.wire import Cancellation, LoadEvent, Message, PublishedPrice
from simulators.zigbee.octets import Octets

NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)
NUMBERS = st.integers(0, 0xFFFFFFFF)
INSTANTS = st.integers(1, 86400 * 365).map(lambda seconds: NOON + timedelta(seconds=seconds))
SPANS = st.one_of(st.none(), st.integers(1, 0xFFFE))
OPTIONAL_POINT = st.one_of(st.none(), st.integers(-0x7FFF, 0x7FFF))
OPTIONAL_OFFSET = st.one_of(st.none(), st.integers(0, 0xFE))


def ending(starts_at: datetime, minutes: int | None) -> datetime | None:
    return None if minutes is None else starts_at + timedelta(minutes=minutes)


@given(NUMBERS, NUMBERS, st.text("ABC ", max_size=11), st.integers(0, 15), st.integers(0, 15), INSTANTS, SPANS, NUMBERS)
def test_a_price_is_read_as_it_was_published(
    provider: int, event: int, label: str, digits: int, tier: int, starts_at: datetime, minutes: int | None, price: int
) -> None:
    given_price = PublishedPrice(
        provider=provider,
        label=label,
        event=event,
        unit=0,
        currency=840,
        digits=digits,
        tier=tier,
        starts_at=starts_at,
        ends_at=ending(starts_at, minutes),
        price=price,
        wants_ack=bool(event & 1),
    )
    body = published.published(given_price, NOON, 2)
    assert wire.published_price(Octets(body), NOON) == given_price
    assert len(body) == 42 + len(label)


@given(NUMBERS, st.text(max_size=40), st.integers(0, 3), st.booleans(), INSTANTS, SPANS)
def test_a_text_is_read_as_it_was_published(
    number: int, text: str, importance: int, wants: bool, starts_at: datetime, minutes: int | None
) -> None:
    message = Message(
        message=number,
        text=text,
        importance=importance,
        wants_confirmation=wants,
        starts_at=starts_at,
        ends_at=ending(starts_at, minutes),
    )
    assert wire.message(Octets(published.display_message(message)), NOON) == message


EVENTS = st.builds(
    LoadEvent,
    event=NUMBERS,
    classes=st.integers(0, 0xFFFF),
    group=st.integers(0, 255),
    starts_at=INSTANTS,
    minutes=st.integers(0, 0xFFFF),
    criticality=st.integers(0, 255),
    cooling_offset=OPTIONAL_OFFSET,
    heating_offset=OPTIONAL_OFFSET,
    cooling_point=OPTIONAL_POINT,
    heating_point=OPTIONAL_POINT,
    average_load=st.one_of(st.none(), st.integers(-100, 100)),
    duty_cycle=st.one_of(st.none(), st.integers(0, 100)),
    random_start=st.booleans(),
    random_end=st.booleans(),
)


@given(EVENTS)
def test_an_event_is_read_as_it_was_published(event: LoadEvent) -> None:
    body = published.load_control_event(event)
    assert wire.load_event(Octets(body), NOON) == event
    assert len(body) == 23


@given(NUMBERS, st.integers(0, 0xFFFF), st.integers(0, 255), st.booleans(), st.one_of(st.none(), INSTANTS))
def test_a_cancellation_is_read_as_it_was_published(
    number: int, classes: int, group: int, random: bool, at: datetime | None
) -> None:
    order = Cancellation(event=number, classes=classes, group=group, random=random, at=at)
    assert wire.cancellation(Octets(published.cancel_event(order)), NOON) == order
    assert Octets(published.cancel_message(number)).unsigned(4) == number


@given(EVENTS, st.integers(0, 255), INSTANTS)
def test_a_device_s_report_of_an_event_is_read_as_it_was_said(event: LoadEvent, status: int, at: datetime) -> None:
    told = published.status_reported(Octets(wire.status_report(event.event, status, at, event)), NOON)
    assert told == published.Told(number=event.event, at=at, status=status)


@given(NUMBERS, INSTANTS, st.text("yes no", max_size=20))
def test_a_confirmation_is_read_with_and_without_words(number: int, at: datetime, response: str) -> None:
    told = published.message_confirmed(Octets(wire.confirmation(number, at, response)), NOON)
    assert told == published.Told(number=number, at=at, response=response)


def test_an_acknowledgement_names_the_price() -> None:
    body = bytes.fromhex("01000000 07000000 80510100 01")
    told = published.price_acknowledged(Octets(body), NOON)
    assert (told.number, told.at) == (7, datetime(2000, 1, 2, tzinfo=UTC))


def test_a_request_without_a_number_wants_all_from_now_on() -> None:
    assert published.asked_from(Octets(wire.from_start(0, 0)), NOON) == (NOON, None)
    assert published.asked_from(Octets(wire.from_start(86400, 3)), NOON) == (datetime(2000, 1, 2, tzinfo=UTC), 3)
