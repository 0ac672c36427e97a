"""What a meter is asked to report and what of its reports is a whole set of registers (pure).

A meter is asked for what it has of the registers, in the types that it has them in, all at the same interval: so they
come together, of one instant. A report without one of those that the meter promised is no read; a register that it
does not have, or does not report, is None in each. Source: ZigBee Cluster Library 07-5123, 2.5.7, 2.5.8 and 2.5.11.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drivers.zigbee.metering import DELIVERED, REGISTERS, UNSUPPORTED_ATTRIBUTE, Answers, Refused, Value
from gateway.errors import BadReading, Unsupported
from gateway.identifiers import MeterNumber

LONGEST_S = 65_534
SUCCESS = 0x00
_ANY_CHANGE = 1
_SIZES = {first + size - 1: size for first in (0x08, 0x18, 0x20, 0x28) for size in range(1, 9)}
_SIZES |= {0x10: 1, 0x30: 1, 0x31: 2, 0x38: 2, 0x39: 4, 0x3A: 8, 0xE0: 4, 0xE1: 4, 0xE2: 4}
_SIZES |= {0xE8: 2, 0xE9: 2, 0xEA: 4, 0xF0: 8, 0xF1: 16}
_STRINGS, _NO_STRING = (0x41, 0x42), 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One attribute to be reported: its type, how often, and for numbers the least change that may come earlier."""

    attribute: int
    type: int
    every_s: int
    change: int = _ANY_CHANGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Accord:
    """What the node of a meter agreed to report. holds is false once it came anew to the network."""

    meter: MeterNumber
    promised: frozenset[int]
    holds: bool = True


def is_flat(records: bytes) -> bool:
    """Whether the records of a report are all of types with a size or short strings, and end where they should.

    zigpy would make 65,535 values of nothing out of an array of six bytes; no register is a collection.
    """
    at = 0
    while at < len(records):
        kind, at = records[at + 2] if at + 2 < len(records) else None, at + 3
        if kind in _STRINGS and at < len(records):
            at += 1 + (records[at] if records[at] != _NO_STRING else 0)
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            return False
    return at == len(records)


def wishes(answers: Answers, every_s: int) -> list[Wish]:
    """What to ask of a meter that answered to REGISTERS so. Raises Unsupported without a delivered register."""
    if not 1 <= every_s <= LONGEST_S:
        raise Unsupported(f"a meter cannot report every {every_s} s: 1 to {LONGEST_S}")
    if not isinstance(answers.get(DELIVERED), Value):
        raise Unsupported("the meter has no delivered summation (0x0000)")
    return [
        Wish(attribute=attribute, type=answer.type, every_s=every_s)
        for attribute in REGISTERS
        if isinstance(answer := answers.get(attribute), Value)
    ]


def promised(asked: Iterable[Wish], refused: Mapping[int, int]) -> frozenset[int]:
    """The attributes that a meter will report, after refusals by attribute. Raises Unsupported without delivered."""
    if DELIVERED in refused:
        raise Unsupported(f"the meter does not report its delivered summation (status 0x{refused[DELIVERED]:02X})")
    return frozenset(wish.attribute for wish in asked) - refused.keys()


def refusals(records: Iterable[tuple[int, int | None]]) -> dict[int, int]:
    """Statuses by attribute of a Configure Reporting Response: (status, attribute) as they came.

    Success of all is one record without attribute, success of one may be named or left out. Raises BadReading for a
    refusal of nothing in particular.
    """
    found: dict[int, int] = {}
    for status, attribute in records:
        if status == SUCCESS:
            continue
        if attribute is None:
            raise BadReading(f"the meter refused to report with status 0x{status:02X}")
        found[attribute] = status
    return found


def answers(report: Mapping[int, Value], accord: Accord) -> Answers:
    """A report as answers to REGISTERS. Raises BadReading if something promised is not in it."""
    lacking = sorted(accord.promised - report.keys())
    if lacking:
        names = ", ".join(f"0x{attribute:04X}" for attribute in lacking)
        raise BadReading(f"the report lacks {names}: what came alone is no read")
    return {attribute: report.get(attribute, Refused(status=UNSUPPORTED_ATTRIBUTE)) for attribute in REGISTERS}
