"""Which notices still hold after a newer one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.han.current import Lasting, dated, ends, over_at
from gateway.han.notices import (
    CancelAllLoadControl,
    CancelLoadControl,
    CancelText,
    Criticality,
    DeviceClass,
    LoadControl,
    Notice,
    Price,
    Text,
)

NOW = datetime(2026, 7, 1, 15, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TEXT = Text(event=1, text="Hi", starts_at=NOW)
PRICE = Price(event=1, price=11, starts_at=NOW)
HOUR = replace(PRICE, duration_min=60)
EVENT = LoadControl(
    event=1, classes=(DeviceClass.HVAC,), starts_at=NOW, duration_min=60, criticality=Criticality.GREEN
)  # fmt: skip


def test_what_begins_now_is_dated_and_the_rest_stays_as_it_is() -> None:
    assert dated(replace(TEXT, starts_at=None), NOW) == TEXT
    assert dated(replace(TEXT, starts_at=LATER), NOW).starts_at == LATER  # type: ignore[union-attr]  # it is a text
    assert dated(CancelText(event=1), NOW) == CancelText(event=1)


def test_a_notice_is_over_after_its_minutes_or_never() -> None:
    assert over_at(HOUR) == LATER
    assert over_at(PRICE) is None


@pytest.mark.parametrize(
    ("newer", "older", "ended"),
    [
        (CancelText(event=1), TEXT, True),
        (CancelText(event=2), TEXT, False),
        (CancelText(event=1), PRICE, False),
        (CancelLoadControl(event=1), EVENT, True),
        (CancelLoadControl(event=1, effective_at=LATER), EVENT, False),
        (CancelLoadControl(event=2), EVENT, False),
        (CancelAllLoadControl(), EVENT, True),
        (CancelAllLoadControl(), TEXT, False),
        (replace(TEXT, event=2), TEXT, True),
        (replace(TEXT, event=2, starts_at=LATER), TEXT, False),
        (TEXT, replace(TEXT, event=2, starts_at=LATER), False),
        (replace(TEXT, text="Changed", starts_at=LATER), TEXT, True),
        (replace(PRICE, event=2), PRICE, True),
        (replace(PRICE, event=2), HOUR, True),
        (replace(HOUR, event=2), PRICE, False),
        (replace(HOUR, event=2, duration_min=59), HOUR, False),
        (replace(HOUR, event=2, starts_at=LATER), HOUR, False),
        (replace(EVENT, event=2), EVENT, False),
        (replace(EVENT, duration_min=30), EVENT, True),
        (PRICE, TEXT, False),
    ],
)
def test_what_a_newer_notice_leaves_of_an_older_one(newer: Notice, older: Lasting, ended: bool) -> None:
    assert ends(newer, older, NOW) is ended
