"""A display's face: the price that holds, the text that stands, and nothing that a utility could smuggle in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

from simulators.han.display import Display
from simulators.han.wire import Message, PublishedPrice

NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRICE = PublishedPrice(
    provider=1, label="PEAK", event=7, unit=0, currency=840, digits=4, tier=2, starts_at=NOON, ends_at=NOON + HOUR,
    price=1441, wants_ack=False,
)  # fmt: skip
TEXT = Message(
    message=9, text="Storm at 6 pm: charge your phones & close <windows>.", importance=3, wants_confirmation=True,
    starts_at=NOON, ends_at=NOON + HOUR,
)  # fmt: skip


def words(display: Display, now: datetime) -> list[str]:
    face = ET.fromstring(display.picture(now))
    return [element.text or "" for element in face.iter() if element.tag.endswith("text")]


def test_the_newest_price_of_an_instant_holds_until_it_ends() -> None:
    display = Display()
    display.price_heard(PRICE)
    display.price_heard(replace(PRICE, event=8, price=2000))
    assert display.price_at(NOON) == replace(PRICE, event=8, price=2000)
    assert display.price_at(NOON - HOUR) is None
    assert display.price_at(NOON + HOUR) is None


def test_the_face_shows_price_tier_demand_and_text() -> None:
    display = Display(demand_w=1234)
    display.price_heard(PRICE)
    display.text_heard(TEXT)
    shown = words(display, NOON)
    assert "$0.1441/kWh" in shown
    assert "PEAK, until 13:00" in shown
    assert "1.23 kW" in shown
    assert "Storm at 6 pm: charge your phones" in shown
    assert "& close <windows>." in shown
    assert "Press OK to confirm" in shown


def test_a_text_leaves_the_face_when_it_ends_or_is_cancelled() -> None:
    display = Display()
    display.text_heard(TEXT)
    assert display.text_at(NOON + HOUR) is None
    display.text_cancelled(8)
    assert display.text_at(NOON) == TEXT
    display.text_cancelled(9)
    assert display.text_at(NOON) is None


def test_a_display_that_was_told_nothing_says_so() -> None:
    assert "no price" in words(Display(), NOON)


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    display = Display()
    display.text_heard(replace(TEXT, text="word " * 60))
    assert any(line.endswith("…") for line in words(display, NOON))


def test_only_so_many_prices_are_kept() -> None:
    display = Display()
    for event in range(100):
        display.price_heard(replace(PRICE, event=event, starts_at=NOON + event * HOUR, ends_at=None))
    assert len(display.prices) == 8
