"""What a notice to devices says, as the facts of a page (pure)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from gateway.han.notices import Criticality, DeviceClass, Importance
from portal.pages.device_words import CLASSES, CRITICALITIES, IMPORTANCES
from portal.pages.formats import moment

US_DOLLAR = 840


def notice_facts(notice: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Names and values of a notice as it was recorded, empty for a command that is none."""
    if notice is None:
        return []
    own = {"text": _text, "price": _price, "load_control": _load_control}.get(notice["kind"], _taken_back)(notice)
    starts_at = notice.get("starts_at")
    if starts_at:
        own.append(("Begins", f"{moment(datetime.fromisoformat(starts_at))} Central"))
    if "duration_min" in notice:
        minutes = notice["duration_min"]
        own.append(("Holds", "until changed" if minutes is None else f"{minutes} min"))
    return own


def price_words(price: int, digits: int, currency: int) -> str:
    """A price of a kilowatt-hour: `$0.1275 per kWh`, or with the number of its currency."""
    amount = Decimal(price).scaleb(-digits)
    plain = f"{amount:.{max(digits, 2)}f}"
    return f"${plain} per kWh" if currency == US_DOLLAR else f"{plain} (currency {currency}) per kWh"


def _text(notice: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Text", notice["text"]),
        ("Importance", IMPORTANCES[Importance(notice["importance"])]),
        ("Confirmation", "asked for" if notice["confirm"] else "not asked for"),
    ]


def _price(notice: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [("Price", price_words(notice["price"], notice["digits"], notice["currency"]))]
    return [*facts, ("Label", notice["label"])] if notice["label"] else facts


def _load_control(notice: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("Kinds of load", ", ".join(CLASSES[DeviceClass(each)] for each in notice["classes"])),
        ("Criticality", CRITICALITIES[Criticality(notice["criticality"])]),
    ]
    for name, label in (("cooling_offset", "Cooling"), ("heating_offset", "Heating")):
        if notice.get(name) is not None:
            facts.append((label, f"{notice[name] / 10:g} °C {'higher' if name == 'cooling_offset' else 'lower'}"))
    if notice.get("duty_cycle") is not None:
        facts.append(("Duty cycle", f"{notice['duty_cycle']} %"))
    return facts


def _taken_back(notice: Mapping[str, Any]) -> list[tuple[str, str]]:
    event = notice.get("event")
    return [("Takes back", "all load-control events" if event is None else f"event {event}")]
