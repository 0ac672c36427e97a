"""Home-area devices that wait outside a street's network: who they are, and what is printed on them, by seed."""

from dataclasses import dataclass, field

from gateway.dice import SeededDice
from gateway.identifiers import Eui64
from simulators.street import Premise
from simulators.zigbee.install_code import install_code
from simulators.zigbee.kinds import KINDS

MOST_DEVICES = 64
"""Devices in one home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeDevice:
    """A device in a home: its address and install code (with check sum) stand on its label."""

    eui64: Eui64
    kind: str
    premise: Premise
    install_code: bytes = field(repr=False)

    @property
    def label(self) -> str:
        """The install code as it is printed: groups of four hexadecimal digits. It is a secret."""
        text = self.install_code.hex().upper()
        return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def home_device(seed: int, first: int, premise_index: int, number: int, premise: Premise) -> HomeDevice:
    """The device of a number in the home of a premise; kinds take turns."""
    eui64 = 0x0022A30000000000 | (seed % 0x10000) << 24 | (first + premise_index) * MOST_DEVICES + number
    return HomeDevice(
        eui64=Eui64(f"{eui64:016X}"),
        kind=list(KINDS)[number % len(KINDS)],
        premise=premise,
        install_code=install_code(eui64, SeededDice(seed)),
    )
