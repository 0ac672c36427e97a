"""The answering side for many partners: one exchange each, and only so many at a time."""

from collections.abc import Sequence
from math import ceil

from drivers.zigbee.cbke.certificates import Identity
from drivers.zigbee.cbke.exchange import (
    NOTHING,
    USUAL,
    Event,
    Exchange,
    KeyRefused,
    Reaction,
    Role,
    Times,
    refusal,
)
from drivers.zigbee.cbke.frames import Command, Frame, Status
from gateway.dice import Dice
from gateway.identifiers import Eui64

_LONGEST_WAIT_S = 254


class Responders:
    """What a trust centre answers to its joining devices. Instants are seconds of one monotonic clock.

    at_most bounds the exchanges under way; a further device is told NO_RESOURCES and when to come again. An ended one
    is remembered for the few seconds in which the radio may repeat its frames, unless its place is wanted.
    """

    def __init__(self, identities: Sequence[Identity], dice: Dice, at_most: int = 8, times: Times = USUAL) -> None:
        assert at_most > 0
        self._identities, self._dice, self._at_most, self._times = tuple(identities), dice, at_most, times
        self._exchanges: dict[Eui64, Exchange] = {}
        self._freed_s: dict[Eui64, float] = {}

    @property
    def deadline_s(self) -> float | None:
        """When expire() is due next, None if nothing is open."""
        return min((each.deadline_s for each in self._exchanges.values() if each.deadline_s is not None), default=None)

    def receive(self, partner: Eui64, frame: Frame, transaction: int, now_s: float) -> Reaction:
        """A frame that a partner sent as an initiator, and what to send back to it.

        Events may also speak of other partners, whose time ran out meanwhile.
        """
        events = self.expire(now_s)
        reaction = self._received(partner, frame, transaction, now_s)
        if partner in self._exchanges and self._exchanges[partner].over:
            self._freed_s.setdefault(partner, now_s + self._times.duplicate_s)
        return Reaction(frames=reaction.frames, events=events + reaction.events)

    def expire(self, now_s: float) -> tuple[Event, ...]:
        """End what has passed its deadline; returns what was ended."""
        reactions = [exchange.expire(now_s) for exchange in self._exchanges.values()]
        events = tuple(event for reaction in reactions for event in reaction.events)
        for event in events:
            self._exchanges.pop(event.partner)
        for partner in [partner for partner, freed_s in self._freed_s.items() if freed_s <= now_s]:
            self._forget(partner)
        return events

    def _received(self, partner: Eui64, frame: Frame, transaction: int, now_s: float) -> Reaction:
        exchange = self._exchanges.get(partner)
        if exchange is not None and (not exchange.over or exchange.is_repetition(frame, transaction, now_s)):
            return exchange.receive(frame, transaction, now_s)
        if frame.command == Command.TERMINATE:
            return exchange.receive(frame, transaction, now_s) if exchange else NOTHING
        if frame.command != Command.INITIATE:
            return self._turned_away(partner, Status.BAD_MESSAGE, 0, "no exchange is under way")
        self._forget(partner)
        if len(self._exchanges) >= self._at_most and self._freed_s:
            self._forget(min(self._freed_s, key=self._freed_s.__getitem__))
        if len(self._exchanges) >= self._at_most:
            return self._turned_away(partner, Status.NO_RESOURCES, self._wait_s(now_s), "too many exchanges under way")
        exchange = Exchange(Role.RESPONDER, self._identities, partner, self._dice, self._times)
        self._exchanges[partner] = exchange
        return exchange.receive(frame, transaction, now_s)

    def _turned_away(self, partner: Eui64, status: Status, wait_s: int, reason: str) -> Reaction:
        frame = refusal([each.certificate.suite.bit for each in self._identities], status, wait_s)
        event = KeyRefused(partner=partner, status=status, by_partner=False, wait_s=wait_s, reason=reason)
        return Reaction(frames=(frame,), events=(event,))

    def _wait_s(self, now_s: float) -> int:
        """Whole seconds until the first of the exchanges under way gives up."""
        first_s = now_s if self.deadline_s is None else self.deadline_s
        return min(max(1, ceil(first_s - now_s)), _LONGEST_WAIT_S)

    def _forget(self, partner: Eui64) -> None:
        self._exchanges.pop(partner, None)
        self._freed_s.pop(partner, None)
