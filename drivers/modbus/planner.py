"""Which requests fetch a meter's registers: few, within its limits, no number cut in two (pure).

A number's words always arrive in one answer. Where the profile does not vouch that an answer is of one instant, or
where a counter and its scale register need two requests, the whole plan is run twice and `registers.whole` compares.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivers.modbus.profile import Profile, Register


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Registers first to first + count - 1, the first register of the meter being 0."""

    first: int
    count: int

    @property
    def end(self) -> int:
        """The first register behind it."""
        return self.first + self.count


@dataclass(frozen=True, slots=True)
class Plan:
    """The requests of one reading in the order of their addresses, and whether it takes two readings to trust one."""

    requests: tuple[Span, ...]
    twice: bool


def plan(profile: Profile) -> Plan:
    """The requests that fetch everything a profile names."""
    wanted = [span for register in profile.registers for span in spans(profile, register)]
    if profile.sunspec_models:
        wanted.append(Span(0, 1))
    requests = merged(wanted, profile.most_registers, profile.gap)
    counters = [register for register in profile.registers if register.unit.is_energy]
    torn = any(register.type.words > 1 for register in counters) and not profile.coherent
    return Plan(requests=requests, twice=torn or any(_split(profile, register, requests) for register in counters))


def spans(profile: Profile, register: Register) -> list[Span]:
    """Where a register's number stands, and its scale if it has one, counted from 0."""
    number = Span(register.address - profile.address_base, register.type.words)
    if register.scale_register is None:
        return [number]
    return [number, Span(register.scale_register - profile.address_base, 1)]


def merged(wanted: Iterable[Span], most: int, gap: int) -> tuple[Span, ...]:
    """Requests of at most `most` registers that cover every span whole, joining those at most `gap` apart.

    Spans may touch and overlap. Each must fit a request by itself.
    """
    requests: list[Span] = []
    for span in sorted(set(wanted)):
        assert 0 < span.count <= most, f"{span} does not fit a request of {most}"
        last = requests[-1] if requests else None
        if last is not None and span.first <= last.end + gap and max(span.end, last.end) - last.first <= most:
            requests[-1] = Span(last.first, max(span.end, last.end) - last.first)
        else:
            requests.append(span)
    return tuple(requests)


def _split(profile: Profile, register: Register, requests: Sequence[Span]) -> bool:
    """Whether a number and its scale come in different answers."""
    places = spans(profile, register)
    return not any(all(r.first <= s.first and s.end <= r.end for s in places) for r in requests)
