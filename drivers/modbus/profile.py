"""What a kind of Modbus meter is like: a TOML file of its registers, checked when it is read.

A profile is data; whoever has a meter that none describes copies `configs/meters/example.toml`, which explains every
key. Register addresses in a file are as its meter's manual prints them; `address_base` says what the manual calls the
first register.
"""

import re
import tomllib
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.config import decode, find, settings
from gateway.errors import BadConfig

MOST_REGISTERS = 125
"""Registers that one answer holds. Source: Modbus Application Protocol 1.1b3, section 6.3."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")


class Type(StrEnum):
    """How a register's words are one number; acc is an accumulator, unsigned, that rolls over."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    ACC32 = "acc32"
    ACC64 = "acc64"

    def __init__(self, name: str) -> None:
        self.words = int(name.lstrip("uifac")) // 16
        """How many registers of 16 bits the number takes."""
        self.is_float = name.startswith("f")
        """Whether it is an IEEE 754 number."""
        self.is_signed = name.startswith("i")
        """Whether it is an integer with a sign (two's complement)."""


class WordOrder(StrEnum):
    """Which word of a number stands in its first register; bytes within a word are always high first."""

    HIGH_FIRST = "high-first"
    LOW_FIRST = "low-first"


class Quantity(StrEnum):
    """What a register measures, named as in gateway.reads.RegisterRead."""

    DELIVERED_WH = "delivered_wh"
    RECEIVED_WH = "received_wh"
    DEMAND_W = "demand_w"


class Unit(StrEnum):
    """What one of a register's counts is, before scaling."""

    WH = "Wh"
    KWH = "kWh"
    MWH = "MWh"
    W = "W"
    KW = "kW"

    @property
    def whole(self) -> int:
        """How many Wh or W it is."""
        return {"k": 1000, "M": 1_000_000}.get(self[0], 1)

    @property
    def is_energy(self) -> bool:
        """Whether it counts energy rather than power."""
        return self.endswith("h")


class Direction(StrEnum):
    """Which way energy flows where a power register is positive."""

    DELIVERED = "delivered"
    RECEIVED = "received"


@settings
class Register:
    """One quantity and the registers that hold it: a table [[registers]]."""

    quantity: Annotated[Quantity, Field(description="What it measures.")]
    address: Annotated[int, Field(ge=0, le=65_536, description="Its first register, as the manual prints it.")]
    type: Annotated[Type, Field(description="How its words are one number.")]
    unit: Annotated[Unit, Field(description="The unit of a count, before scaling.")]
    scale: Annotated[Decimal, Field(gt=0, description="What a count is worth in the unit, exactly.")] = Decimal(1)
    scale_register: Annotated[
        int | None,
        Field(
            ge=0, le=65_536, description="A register whose i16 is the power of ten that scales counts (SunSpec _SF)."
        ),
    ] = None
    absent: Annotated[
        tuple[int, ...], Field(description="Bit patterns, words put in order, by which the meter says it has no value.")
    ] = ()
    overflow_from: Annotated[
        int | None, Field(description="Values from this one on mean that the register has overflowed.")
    ] = None
    positive: Annotated[Direction, Field(description="Which way energy flows where a power is positive.")] = (
        Direction.DELIVERED
    )

    @property
    def factor(self) -> Fraction:
        """What a count is in Wh or W, before any scale register."""
        return Fraction(self.scale) * self.unit.whole


@settings
class Profile:
    """A kind of meter: what every request to it keeps to, and its registers."""

    manufacturer: Annotated[str, Field(min_length=1, description="Who makes the meter.")]
    model: Annotated[str, Field(min_length=1, description="The model, as its plate names it.")]
    revision: Annotated[str, Field(min_length=1, description="The revision of the register map that this describes.")]
    source: Annotated[str, Field(min_length=1, description="Where the numbers come from, and how sure they are.")]
    registers: Annotated[tuple[Register, ...], Field(min_length=1, max_length=16, description="What is read.")]
    unit_id: Annotated[int, Field(ge=0, le=255, description="The unit id that the meter leaves the factory with.")] = 1
    function: Annotated[int, Field(ge=3, le=4, description="3 reads holding registers, 4 input registers.")] = 4
    address_base: Annotated[
        int, Field(ge=0, le=1, description="The number that the manual gives the first register.")
    ] = 0
    word_order: Annotated[WordOrder, Field(description="Which word of a number comes first.")] = WordOrder.HIGH_FIRST
    most_registers: Annotated[
        int, Field(ge=1, le=MOST_REGISTERS, description="How many registers one request may ask for.")
    ] = MOST_REGISTERS
    gap: Annotated[
        int,
        Field(
            ge=0,
            le=MOST_REGISTERS,
            description="How many registers that nobody needs may lie inside a request, to save another. 0 for meters "
            "that refuse requests that touch registers they do not have.",
        ),
    ] = 0
    coherent: Annotated[
        bool,
        Field(
            description="Whether the meter answers each request from one instant. If not, or if nobody knows, its "
            "counters are read twice and believed when no word was caught turning over."
        ),
    ] = False
    update_period_s: Annotated[
        int | None, Field(ge=0, description="How often the meter renews its registers, where its maker says so.")
    ] = None
    sunspec_models: Annotated[
        tuple[int, ...],
        Field(
            description="SunSpec models that this describes. The driver looks for the first of them in the device's "
            "chain of models, and addresses count from its ID register."
        ),
    ] = ()


def parse(text: str, where: str) -> Profile:
    """A profile from TOML text. Raises BadConfig with everything that is wrong with it, in words."""
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{where}: {error}") from None
    profile = decode(table, Profile, where)
    faults = [fault for register in profile.registers for fault in _faults(profile, register)]
    quantities = [register.quantity for register in profile.registers]
    faults += [f"{quantity} stands there twice" for quantity in Quantity if quantities.count(quantity) > 1]
    if faults:
        raise BadConfig(f"{where} {'; '.join(faults)}")
    return profile


def named(name: str, folder: Path | None = None) -> Profile:
    """The profile of a name, from a folder of one's own or from those that come with metergate. Raises BadConfig."""
    if not _NAME.fullmatch(name):
        raise BadConfig(f"{name[:64]!r} is no profile's name: lower-case letters, digits and hyphens")
    own = None if folder is None else folder / f"{name}.toml"
    path = own if own is not None and own.is_file() else find(f"meters/{name}.toml")
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}") from None


def _faults(profile: Profile, register: Register) -> list[str]:
    """What is wrong with a register that no single key shows."""
    name, words = register.quantity, register.type.words
    checks = [
        (register.unit.is_energy != (name is not Quantity.DEMAND_W), f"{name} cannot be in {register.unit}"),
        (words > profile.most_registers, f"{name} takes {words} registers and a request {profile.most_registers}"),
        (
            name is not Quantity.DEMAND_W and register.positive is Direction.RECEIVED,
            f"{name} has its direction in its name: leave out `positive`",
        ),
        (
            any(not 0 <= pattern < 1 << 16 * words for pattern in register.absent),
            f"{name}: an `absent` pattern does not fit {register.type}",
        ),
        (register.overflow_from is not None and register.type.is_float, f"{name}: a float has no `overflow_from`"),
    ]
    for address, length in ((register.address, words), (register.scale_register, 1)):
        if address is not None:
            first = address - profile.address_base
            checks.append((not 0 <= first <= 65_536 - length, f"{name}: there is no register {address}"))
    return [fault for wrong, fault in checks if wrong]
