"""The forms that tell devices a text, a price or a load-control event, and what their values make (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from gateway.han.notices import Criticality, DeviceClass, Importance, LoadControl, Notice, Price, Text
from gateway.identifiers import Eui64
from portal.pages.device_words import CLASSES, CRITICALITIES, IMPORTANCES
from portal.pages.forms import Choice, Field, FieldKind, Form

ALL = "all"
MOST_TEXT, MOST_LABEL = 255, 12
MOST_MINUTES, MOST_EVENT_MINUTES = 0xFFFE, 1440
MOST_OFFSET = Decimal("25.4")
MOST_DIGITS = 4
MOST_PRICE = Decimal(1000)
Make = Callable[[int], Notice]
NO_TEXT = "Enter the text."
NO_PRICE = "Enter the price of a kilowatt-hour in dollars, such as 0.1275, with at most four decimals."
NO_CLASSES = "Choose what the event is for."


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notice: its title, its form and what makes a notice of the form's values."""

    title: str
    lead: str
    fields: Sequence[Field]
    start: Mapping[str, str]
    make: Callable[[Form], "Make | dict[str, str]"]


def _minutes(form: Form, most: int, *, needed: bool) -> int | str | None:
    """Whole minutes, None for an empty field that may be so, or what is wrong."""
    text = form["minutes"]
    if not text and not needed:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= most:
        return f"Enter whole minutes from 1 to {most:,}."
    return int(text)


def make_text(form: Form) -> Make | dict[str, str]:
    """A text of a form, or its faults."""
    faults, text, minutes = {}, form["text"], _minutes(form, MOST_MINUTES, needed=False)
    if not text:
        faults["text"] = NO_TEXT
    elif len(text.encode()) > MOST_TEXT:
        faults["text"] = f"Use at most {MOST_TEXT} characters: letters beyond the English alphabet count more."
    if isinstance(minutes, str):
        faults["minutes"] = minutes
    importance, confirm = form["importance"], bool(form["confirm"])
    if faults or isinstance(minutes, str) or importance not in IMPORTANCES:
        return faults
    level = Importance(importance)
    return lambda event: Text(event=event, text=text, importance=level, confirm=confirm, duration_min=minutes)


def make_price(form: Form) -> Make | dict[str, str]:
    """A price of a form, or its faults."""
    faults, minutes, label = {}, _minutes(form, MOST_MINUTES, needed=False), form["label"]
    price = _decimal(form["price"])
    if price is None or not 0 <= price <= MOST_PRICE or _places(price) > MOST_DIGITS:
        faults["price"] = NO_PRICE
    if len(label.encode()) > MOST_LABEL:
        faults["label"] = f"Use at most {MOST_LABEL} characters."
    if isinstance(minutes, str):
        faults["minutes"] = minutes
    if faults or price is None or isinstance(minutes, str):
        return faults
    scaled = int(price.scaleb(MOST_DIGITS))
    return lambda event: Price(event=event, price=scaled, digits=MOST_DIGITS, label=label, duration_min=minutes)


def make_load_control(form: Form) -> Make | dict[str, str]:
    """A load-control event of a form, or its faults."""
    faults, minutes = {}, _minutes(form, MOST_EVENT_MINUTES, needed=True)
    classes = tuple(each for each in DeviceClass if each in form.chosen.get("classes", ()))
    if not classes:
        faults["classes"] = NO_CLASSES
    offsets = {name: _offset(form[name]) for name in ("cooling", "heating")}
    faults |= {name: found for name, found in offsets.items() if isinstance(found, str)}
    if isinstance(minutes, str):
        faults["minutes"] = minutes
    criticality, cooling, heating = form["criticality"], offsets["cooling"], offsets["heating"]
    if faults or criticality not in CRITICALITIES:
        return faults
    if isinstance(minutes, str) or minutes is None or isinstance(cooling, str) or isinstance(heating, str):
        return faults
    lasts, level = minutes, Criticality(criticality)
    return lambda event: LoadControl(
        event=event,
        classes=classes,
        duration_min=lasts,
        criticality=level,
        cooling_offset=cooling,
        heating_offset=heating,
    )


def _offset(text: str) -> int | str | None:
    """Tenths of a degree, None if the device may choose, or what is wrong."""
    if not text:
        return None
    value = _decimal(text)
    if value is None or not 0 <= value <= MOST_OFFSET or _places(value) > 1:
        return f"Enter degrees Celsius from 0 to {MOST_OFFSET}, with at most one decimal, or leave it to the device."
    return int(value.scaleb(1))


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text.removeprefix("$").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


_MINUTES = Field(
    name="minutes",
    label="Minutes",
    digits=True,
    most=6,
    hint="How long it holds; empty: until changed",
)
KINDS: Mapping[str, Kind] = {
    "text": Kind(
        title="Send a text",
        lead="Displays and thermostats with a display show it at once.",
        fields=(
            Field(
                name="text",
                label="Text",
                kind=FieldKind.TEXTAREA,
                required=True,
                most=MOST_TEXT,
                rows=3,
                missing=NO_TEXT,
                hint=f"At most {MOST_TEXT} characters; many displays show two lines",
            ),
            Field(
                name="importance",
                label="Importance",
                kind=FieldKind.SELECT,
                required=True,
                choices=tuple(Choice(each, words) for each, words in IMPORTANCES.items()),
                tip="How a display should treat the text: a critical one is shown before all others.",
            ),
            Field(
                name="confirm",
                label="Ask the customer to confirm that it was read",
                kind=FieldKind.CHECKBOX,
            ),
            _MINUTES,
        ),
        start={"importance": Importance.MEDIUM},
        make=make_text,
    ),
    "price": Kind(
        title="Send a price",
        lead="Devices show it, and may act on it: a thermostat can save when a kilowatt-hour is dear.",
        fields=(
            Field(
                name="price",
                label="Dollars per kilowatt-hour",
                required=True,
                most=12,
                missing=NO_PRICE,
                hint="Such as 0.1275",
            ),
            Field(
                name="label",
                label="Label",
                most=MOST_LABEL,
                hint=f"What a display calls it, such as PEAK; at most {MOST_LABEL} characters",
            ),
            _MINUTES,
        ),
        start={},
        make=make_price,
    ),
    "load-control": Kind(
        title="Send a load-control event",
        lead="Devices of the chosen classes take less for a while. The customer may opt out of a voluntary event.",
        fields=(
            Field(
                name="classes",
                label="Kinds of load",
                kind=FieldKind.CHECKBOXES,
                required=True,
                missing=NO_CLASSES,
                choices=tuple(Choice(each, words) for each, words in CLASSES.items()),
            ),
            replace(_MINUTES, required=True, hint=f"How long the event lasts, 1 to {MOST_EVENT_MINUTES:,}"),
            Field(
                name="criticality",
                label="Criticality",
                kind=FieldKind.SELECT,
                required=True,
                choices=tuple(Choice(each, words) for each, words in CRITICALITIES.items()),
                tip="Emergency, planned outage and service disconnect are not voluntary: nobody can opt out of them.",
            ),
            Field(
                name="cooling",
                label="Cool less by, °C",
                most=5,
                hint="Such as 2; empty: the device decides",
            ),
            Field(
                name="heating",
                label="Heat less by, °C",
                most=5,
                hint="Such as 2; empty: the device decides",
            ),
        ),
        start={"criticality": Criticality.LEVEL_1, "minutes": "30"},
        make=make_load_control,
    ),
}
"""By the last part of their address, which is also the API's."""


def notice_form(kind: Kind, action: str, devices: Sequence[tuple[Eui64, str]], chosen: str = ALL) -> Form:
    """The empty form of a kind; devices are the meter's with their kinds in words."""
    choices = (Choice(ALL, "All devices of the meter"), *(Choice(each, f"{words} {each}") for each, words in devices))
    to = Field(name="to", label="To", kind=FieldKind.SELECT, required=True, choices=choices)
    known = {choice.value for choice in choices}
    return Form(action=action, button="Send", fields=(to, *kind.fields)).filled(
        {**kind.start, "to": chosen if chosen in known else ALL}, {"classes": [DeviceClass.HVAC]}
    )
