"""What an Energy Services Interface tells its home-area devices: texts, prices, load control, and taking them back.

Each is a value that names its kind, with an id that the device's answers name. Instants are aware UTC, None means now;
durations are whole minutes, None means until changed. Source: ZigBee Smart Energy 1.4, D.2 (DRLC), D.4 (Price), D.5
(Messaging).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.identifiers import Eui64
from gateway.reads import Whole

EventId = Annotated[int, Field(ge=1, le=0xFFFFFFFE)]
"""The id of a message or an event, as its issuer counts them; a larger one is newer."""
Minutes = Annotated[int, Field(ge=1, le=0xFFFE)]


class Importance(StrEnum):
    """How a display should treat a text."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Show a text; confirm asks the customer to press a button."""

    kind: Literal["text"] = "text"
    event: EventId
    text: Annotated[str, Field(min_length=1, max_length=255)]
    importance: Importance = Importance.LOW
    confirm: bool = False
    starts_at: AwareDatetime | None = None
    duration_min: Minutes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelText:
    """Take a text off the display."""

    kind: Literal["cancel_text"] = "cancel_text"
    event: EventId


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of a kilowatt-hour: price x 10^-digits in a currency (ISO 4217 number), under a tier of tiers."""

    kind: Literal["price"] = "price"
    event: EventId
    price: Annotated[int, Field(ge=0, le=0xFFFFFFFE)]
    digits: Annotated[int, Field(ge=0, le=15)] = 2
    currency: Annotated[int, Field(ge=0, le=999)] = 840
    label: Annotated[str, Field(max_length=12)] = ""
    tier: Annotated[int, Field(ge=0, le=15)] = 0
    tiers: Annotated[int, Field(ge=0, le=15)] = 0
    provider: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] = 0
    acknowledge: bool = True
    starts_at: AwareDatetime | None = None
    duration_min: Minutes | None = None


class Criticality(StrEnum):
    """How much a load-control event matters, in the order of its codes from 1; the last three are not voluntary."""

    GREEN = "green"
    LEVEL_1 = "level_1"
    LEVEL_2 = "level_2"
    LEVEL_3 = "level_3"
    LEVEL_4 = "level_4"
    LEVEL_5 = "level_5"
    EMERGENCY = "emergency"
    PLANNED_OUTAGE = "planned_outage"
    SERVICE_DISCONNECT = "service_disconnect"


class DeviceClass(StrEnum):
    """What a load-control event is for, in the order of the bitmap's bits from 0."""

    HVAC = "hvac"
    STRIP_HEATER = "strip_heater"
    WATER_HEATER = "water_heater"
    POOL_PUMP = "pool_pump"
    SMART_APPLIANCE = "smart_appliance"
    IRRIGATION_PUMP = "irrigation_pump"
    MANAGED_LOAD = "managed_load"
    SIMPLE_LOAD = "simple_load"
    EXTERIOR_LIGHTING = "exterior_lighting"
    INTERIOR_LIGHTING = "interior_lighting"
    ELECTRIC_VEHICLE = "electric_vehicle"
    GENERATION = "generation"


Centidegrees = Annotated[int, Field(ge=-27315, le=32767)]
"""Hundredths of a degree Celsius."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadControl:
    """Ask devices of some classes and an enrolment group (0: all) to take less for a while.

    Offsets are tenths of a degree, set points hundredths of a degree Celsius, average_load a percentage from -100 to
    100 and duty_cycle the percentage of the time that the load may run; None leaves it to the device.
    """

    kind: Literal["load_control"] = "load_control"
    event: EventId
    classes: Annotated[tuple[DeviceClass, ...], Field(min_length=1)]
    group: Annotated[int, Field(ge=0, le=255)] = 0
    starts_at: AwareDatetime | None = None
    duration_min: Annotated[int, Field(ge=1, le=1440)]
    criticality: Criticality
    cooling_offset: Annotated[int, Field(ge=0, le=254)] | None = None
    heating_offset: Annotated[int, Field(ge=0, le=254)] | None = None
    cooling_point: Centidegrees | None = None
    heating_point: Centidegrees | None = None
    average_load: Annotated[int, Field(ge=-100, le=100)] | None = None
    duty_cycle: Annotated[int, Field(ge=0, le=100)] | None = None
    random_start: bool = False
    random_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelLoadControl:
    """End an event, at an instant or now; random_end lets each device choose its moment within its bounds."""

    kind: Literal["cancel_load_control"] = "cancel_load_control"
    event: EventId
    effective_at: AwareDatetime | None = None
    random_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAllLoadControl:
    """End every event of the device."""

    kind: Literal["cancel_all_load_control"] = "cancel_all_load_control"
    random_end: bool = False


Notice = Text | CancelText | Price | LoadControl | CancelLoadControl | CancelAllLoadControl


def cluster_of(notice: Notice) -> int:
    """The cluster whose client a device needs for a notice: Price, Demand Response and Load Control, or Messaging."""
    if isinstance(notice, Text | CancelText):
        return 0x0703
    return 0x0700 if isinstance(notice, Price) else 0x0701


class Answer(StrEnum):
    """What a device says of a notice, or of itself; the first two are the gateway's own word on a notice's way."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    TEXT_CONFIRMED = "text_confirmed"
    PRICE_ACKNOWLEDGED = "price_acknowledged"
    RECEIVED = "received"
    STARTED = "started"
    COMPLETED = "completed"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    PARTLY_COMPLETED_OPT_OUT = "partly_completed_opt_out"
    PARTLY_COMPLETED_OPT_IN = "partly_completed_opt_in"
    COMPLETED_WITHOUT_US = "completed_without_us"
    REJECTED = "rejected"
    LEFT = "left"
    REJOINED = "rejoined"
    TURNED_AWAY = "turned_away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Something that a device said or did. event is the notice's id where it speaks of one; at is the device's word
    where it gives an instant, else when it arrived. A rejected event's detail names the status that was sent."""

    device: Eui64
    answer: Answer
    event: Whole | None
    at: AwareDatetime
    detail: str = ""
