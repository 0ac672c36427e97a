"""The two cryptographic suites of Smart Energy: their bits, their curves, the sizes of their certificates."""

from dataclasses import dataclass

from drivers.zigbee.cbke.curve import SECT163K1, SECT283K1, Curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A suite: bit is its place in the KeyEstablishmentSuite attribute (0x0800, attribute 0x0000), as a mask."""

    bit: int
    curve: Curve
    certificate_octets: int


SUITE_1 = Suite(bit=0x0001, curve=SECT163K1, certificate_octets=48)
SUITE_2 = Suite(bit=0x0002, curve=SECT283K1, certificate_octets=74)
SUITES = (SUITE_1, SUITE_2)


def suite_of(bit: int) -> Suite | None:
    """The suite of a mask that names exactly one, None for any other."""
    return next((suite for suite in SUITES if suite.bit == bit), None)


def best_common(ours: int, theirs: int) -> Suite | None:
    """The strongest suite that two attributes name both, None if there is none."""
    return next((suite for suite in reversed(SUITES) if ours & theirs & suite.bit), None)
