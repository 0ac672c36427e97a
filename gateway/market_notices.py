"""What a TDSP tells of its premises: the same frozen values as bus payload, API body and row of a file.

Every notice has its sender's id, by which it is known when it comes again, and the instant from which on it holds,
which may lie in the past or in the future. The kinds follow what a TDSP sends Smart Meter Texas (guide 3.2, 3.3, 10.1;
the fields of figures 29 and 30).
"""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Discriminator, Field

from gateway.identifiers import Duns, EsiId, MeterNumber

MOST_AT_ONCE = 1_000
"""Notices in one message or one request."""

_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
Text2 = Annotated[str, Field(max_length=2, pattern=_PRINTABLE)]
Text6 = Annotated[str, Field(max_length=6, pattern=_PRINTABLE)]
Text10 = Annotated[str, Field(max_length=10, pattern=_PRINTABLE)]
Text20 = Annotated[str, Field(max_length=20, pattern=_PRINTABLE)]
Text40 = Annotated[str, Field(max_length=40, pattern=_PRINTABLE)]
Text60 = Annotated[str, Field(max_length=60, pattern=_PRINTABLE)]
NoticeId = Annotated[str, Field(max_length=64, pattern=r"^[!-~]+$")]
"""The sender's own name for a notice: up to 64 visible ASCII characters, each used once."""


Effective = Annotated[
    AwareDatetime,
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC), description="Since when."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiseFields:
    """The fields of a premise that its TDSP tells (PMI-03, figure 29); None is not known, or in a change not told.

    status is A (active) or I (inactive).
    """

    house_number: Text10 | None = None
    house_fraction: Text6 | None = None
    leading_directional: Text2 | None = None
    street_name: Text60 | None = None
    street_type: Annotated[str, Field(max_length=12, pattern=_PRINTABLE)] | None = None
    trailing_directional: Text2 | None = None
    unit: Text20 | None = None
    city: Text60 | None = None
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    zip: Annotated[str, Field(pattern=r"^[0-9]{5}$")] | None = None
    zip_4: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
    service_voltage: Text20 | None = None
    status: Literal["A", "I"] | None = None
    time_zone: Text40 | None = None
    read_cycle: Annotated[str, Field(max_length=4, pattern=_PRINTABLE)] | None = None
    load_profile: Text60 | None = None
    rate_class: Text20 | None = None
    ams_profile_from: date | None = None


REQUIRED = ("street_name", "city", "state", "zip")
"""What every premise has; status and time zone are A and America/Chicago if nothing is told."""
ALWAYS_THERE = frozenset({*REQUIRED, "status", "time_zone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFields:
    """The fields of a meter that its TDSP tells (PMI-04, figure 30); None is not known, or in a change not told.

    status is E (energized) or D (de-energized).
    """

    utility_number: Text20 | None = None
    multiplier: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=6)] | None = None
    channels: Annotated[int, Field(ge=0, le=99)] | None = None
    manufacturer: Text60 | None = None
    tested_on: date | None = None
    meter_class: Text20 | None = None
    technology: Text20 | None = None
    instrument_rated: bool | None = None
    ct_ratio: Text20 | None = None
    pt_ratio: Text20 | None = None
    esi_firmware: Text40 | None = None
    han_protocol: Text20 | None = None
    smart_energy_profile: Text10 | None = None
    interval_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    generation_capable: bool | None = None
    generation_channel: Text10 | None = None
    remote_disconnect: bool | None = None
    status: Literal["E", "D"] | None = None
    phases: Annotated[int, Field(ge=1, le=3)] | None = None
    model: Text60 | None = None


class RepChange(StrEnum):
    """What changes the REP of record (guide 3.2); a mass transition is a switch to the provider of last resort."""

    SWITCH = "switch"
    MOVE_IN = "move_in"
    MOVE_OUT = "move_out"
    MASS_TRANSITION = "mass_transition"


CREATED: Final = "esi_id_created"
REP_CHANGED: Final = "rep_of_record_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EsiIdCreated:
    """A premise has its ESI ID. Street name, city, state and zip must be told."""

    kind: Literal["esi_id_created"] = CREATED
    id: NoticeId
    esi_id: EsiId
    effective_at: Effective
    premise: PremiseFields

    def __post_init__(self) -> None:
        missing = [name for name in REQUIRED if getattr(self.premise, name) is None]
        if missing:
            raise ValueError(f"a premise needs its {missing[0]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EsiIdRetired:
    """An ESI ID is no more; successor is the one that the premise has instead."""

    kind: Literal["esi_id_retired"] = "esi_id_retired"
    id: NoticeId
    esi_id: EsiId
    effective_at: Effective
    successor: EsiId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterInstalled:
    """A smart meter hangs where none was. Others than its TDSP see it once it is provisioned (guide 10.1)."""

    kind: Literal["meter_installed"] = "meter_installed"
    id: NoticeId
    esi_id: EsiId
    effective_at: Effective
    meter: MeterNumber
    fields: MeterFields = field(default_factory=MeterFields)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterProvisioned:
    """A meter sends its usage."""

    kind: Literal["meter_provisioned"] = "meter_provisioned"
    id: NoticeId
    esi_id: EsiId
    effective_at: Effective
    meter: MeterNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterExchanged:
    """A meter was replaced by another smart meter, or (new_meter absent) by a conventional one (guide 3.3)."""

    kind: Literal["meter_exchanged"] = "meter_exchanged"
    id: NoticeId
    esi_id: EsiId
    effective_at: Effective
    meter: MeterNumber
    new_meter: MeterNumber | None = None
    fields: MeterFields = field(default_factory=MeterFields)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepOfRecordChanged:
    """Another REP is the REP of record from an instant on, or (move_out) nobody is."""

    kind: Literal["rep_of_record_changed"] = REP_CHANGED
    id: NoticeId
    esi_id: EsiId
    effective_at: Effective
    change: RepChange
    rep_duns: Duns | None = None

    def __post_init__(self) -> None:
        if (self.change is RepChange.MOVE_OUT) != (self.rep_duns is None):
            raise ValueError("rep_duns names the new REP of record, and is absent for a move_out")


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiseChanged:
    """Fields of a premise have other values; cleared names those that are not known any more."""

    kind: Literal["premise_changed"] = "premise_changed"
    id: NoticeId
    esi_id: EsiId
    effective_at: Effective
    premise: PremiseFields
    cleared: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_cleared(self.cleared, PremiseFields.__dataclass_fields__.keys() - ALWAYS_THERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterChanged:
    """Fields of the meter on the wall have other values; cleared names those that are not known any more."""

    kind: Literal["meter_changed"] = "meter_changed"
    id: NoticeId
    esi_id: EsiId
    effective_at: Effective
    meter: MeterNumber
    fields: MeterFields = field(default_factory=MeterFields)
    cleared: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_cleared(self.cleared, MeterFields.__dataclass_fields__.keys())


MarketNotice = Annotated[
    EsiIdCreated
    | EsiIdRetired
    | MeterInstalled
    | MeterProvisioned
    | MeterExchanged
    | RepOfRecordChanged
    | PremiseChanged
    | MeterChanged,
    Discriminator("kind"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketNotices:
    """Notices of one TDSP, in its order. From the TDSP to the portals."""

    notices: Annotated[tuple[MarketNotice, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]


def hung_up(notice: MarketNotice) -> MeterNumber | None:
    """The smart meter that hangs on the wall by a notice, if it is about that."""
    if isinstance(notice, MeterInstalled):
        return notice.meter
    return notice.new_meter if isinstance(notice, MeterExchanged) else None


def _check_cleared(names: tuple[str, ...], known: Container[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{name[:40]!r} is no field that can be cleared")
