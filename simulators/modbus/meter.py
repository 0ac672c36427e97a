"""A simulated Modbus meter: a household's registers in the form that a meter profile describes, live at every request.

The profile is data shared with the driver; how numbers become words is written here anew, so that the two sides can
disagree.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction

from drivers.modbus.profile import Profile, Quantity, Register, WordOrder
from simulators.faults import Fault, FaultKind
from simulators.meter import Registers, SimMeter
from simulators.modbus.faults import ModbusFault, ModbusFaultKind

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_COUNT = 1, 2, 3
_ENERGY_EXPONENT, _POWER_EXPONENT = 0, 1
"""What scale registers hold: a 16-bit power has no room for a large house in watts."""
_CHAIN_AT, _COMMON_LENGTH = 40_000, 66
_MODEL_LENGTHS = {**dict.fromkeys(range(201, 205), 105), **dict.fromkeys(range(211, 215), 124)}
_FORMATS = {"f32": ">f", "f64": ">d"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An exception code in place of words."""

    code: int


class SimModbusMeter:
    """One meter of a line. fault may be changed while it runs; answers counts reads that it answered."""

    def __init__(self, unit: int, profile: Profile, meter: SimMeter) -> None:
        self.unit, self.profile, self.meter = unit, profile, meter
        self.answers = 0
        self._fault: ModbusFault | None = None

    @property
    def fault(self) -> ModbusFault | None:
        """What is wrong with the meter now."""
        return self._fault

    @fault.setter
    def fault(self, fault: ModbusFault | None) -> None:
        self._fault = fault
        self.meter.fault = Fault(kind=FaultKind.FROZEN) if self.has(ModbusFaultKind.FROZEN) else None

    def has(self, kind: ModbusFaultKind) -> bool:
        """Whether this is what is wrong."""
        return self._fault is not None and self._fault.kind is kind

    def answer(self, function: int, first: int | None, count: int | None) -> list[int] | Refusal:
        """What a read of registers gets, strictly as the profile says: function, registers that exist, and how many."""
        if self._fault is not None and self._fault.kind is ModbusFaultKind.EXCEPTION:
            return Refusal(self._fault.code)
        if function != self.profile.function or first is None or count is None:
            return Refusal(ILLEGAL_FUNCTION)
        if not 1 <= count <= self.profile.most_registers:
            return Refusal(ILLEGAL_COUNT)
        words = self._image()
        if any(address not in words for address in range(first, first + count)):
            return Refusal(ILLEGAL_ADDRESS)
        self.answers += 1
        self.meter.reads += 1
        return [words[address] for address in range(first, first + count)]

    def _image(self) -> dict[int, int]:
        """Every register that exists, by address counted from 0."""
        profile, now = self.profile, self.meter.registers()
        base = self._origin - profile.address_base
        words: dict[int, int] = {}
        for register in profile.registers:
            words.update(enumerate(self._words(register, now), base + register.address))
            if register.scale_register is not None:
                words[base + register.scale_register] = _exponent(register) & 0xFFFF
        if profile.gap:
            words = {address: words.get(address, 0) for address in range(min(words), max(words) + 1)}
        return {**words, **self._chain(words)} if profile.sunspec_models else words

    @property
    def _origin(self) -> int:
        return _CHAIN_AT + 4 + _COMMON_LENGTH if self.profile.sunspec_models else 0

    def _chain(self, words: dict[int, int]) -> dict[int, int]:
        """A SunSpec device: marker, common model, the profile's last model, the end."""
        model = self.profile.sunspec_models[-1]
        length = _MODEL_LENGTHS.get(model, max(words) - self._origin)
        here = self._origin + 2
        chain = {address: 0 for address in range(_CHAIN_AT, here + length + 2) if address not in words}
        heads = {
            _CHAIN_AT: (0x5375, 0x6E53, 1, _COMMON_LENGTH),
            self._origin: (model, length),
            here + length: (0xFFFF, 0),
        }
        return chain | {at + index: word for at, head in heads.items() for index, word in enumerate(head)}

    def _words(self, register: Register, now: Registers) -> list[int]:
        """A register's words in the order in which they stand."""
        length = register.type.words
        bits = self._bits(register, getattr(now, register.quantity)) & (1 << 16 * length) - 1
        if self.has(ModbusFaultKind.TORN) and register.quantity is not Quantity.DEMAND_W and self.answers % 2:
            bits &= ~0xFFFF
        high_first = list(struct.unpack(f">{length}H", bits.to_bytes(2 * length, "big")))
        return high_first if self.profile.word_order is WordOrder.HIGH_FIRST else high_first[::-1]

    def _bits(self, register: Register, value: int) -> int:
        """What the register holds: rounded towards zero, as a count that is not full yet; floats to the nearest."""
        if self.has(ModbusFaultKind.ABSENT):
            return _nothing(register)
        signed = -value if register.positive == "received" else value
        count = signed / register.factor / Fraction(10) ** _exponent(register)
        if register.type in _FORMATS:
            return int.from_bytes(struct.pack(_FORMATS[register.type], count), "big")
        return int(count)


def _exponent(register: Register) -> int:
    if register.scale_register is None:
        return 0
    return _POWER_EXPONENT if register.quantity is Quantity.DEMAND_W else _ENERGY_EXPONENT


def _nothing(register: Register) -> int:
    """The pattern that means "no value"; 0 for a meter that has no such pattern."""
    if register.type in _FORMATS:
        return int.from_bytes(struct.pack(_FORMATS[register.type], float("nan")), "big")
    return register.absent[0] if register.absent else 0
