"""Two sides of an exchange in one place: frames are carried from one to the other, some changed on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from drivers.zigbee.cbke.certificates import Identity, LaboratoryAuthority
from drivers.zigbee.cbke.exchange import Event, Exchange, KeyEstablished, Reaction, Role
from drivers.zigbee.cbke.frames import Frame
from drivers.zigbee.cbke.suites import SUITES, Suite
from gateway.dice import Dice, SeededDice
from gateway.identifiers import Eui64
from tests.drivers.cbke.vectors import Example, Side

NAME = Eui64("5445535453454341")
METER, CENTRE = Eui64("0011223344556677"), Eui64("8899AABBCCDDEEFF")
AUTHORITIES = {suite.bit: LaboratoryAuthority(suite, NAME, SeededDice(1)) for suite in SUITES}
IDENTITIES = {who: [AUTHORITIES[suite.bit].issue(who) for suite in SUITES] for who in (METER, CENTRE)}


class LoadedDice(SeededDice):
    """Dice whose next secret is known: an example's ephemeral key comes out of it."""

    def __init__(self, example: Example, side: Side) -> None:
        super().__init__(0)
        self._scalar = int.from_bytes(side.ephemeral_private, "big") % example.suite.curve.order

    def secret(self, size: int) -> bytes:
        """The bytes that become the example's private half."""
        return (self._scalar - 1).to_bytes(size, "big")


@dataclass
class Between:
    """An initiator and a responder; carried holds what went over, ended what each side knows at the end."""

    initiator: Exchange
    responder: Exchange
    carried: list[Frame] = field(default_factory=list)
    ended: dict[Role, Event] = field(default_factory=dict)

    @classmethod
    def of_example(cls, example: Example) -> "Between":
        us, them = example.identity(example.initiator), example.identity(example.responder)
        one = Exchange(Role.INITIATOR, [us], them.certificate.subject, LoadedDice(example, example.initiator))
        two = Exchange(Role.RESPONDER, [them], us.certificate.subject, LoadedDice(example, example.responder))
        return cls(one, two)

    @classmethod
    def of_laboratory(cls, dice: Dice) -> "Between":
        one = Exchange(Role.INITIATOR, IDENTITIES[METER], CENTRE, dice)
        return cls(one, Exchange(Role.RESPONDER, IDENTITIES[CENTRE], METER, dice))

    def run(self, suite: Suite, changed: Callable[[int, Frame], Frame] = lambda _, frame: frame) -> None:
        """Carry frames until nobody speaks; changed is given each one with its number, from 0."""
        transactions = count(1)
        waiting = [(self.responder, frame) for frame in self.initiator.start(suite, 0.0).frames]
        while waiting:
            listener, frame = waiting.pop(0)
            frame = changed(len(self.carried), frame)
            self.carried.append(frame)
            reaction = listener.receive(frame, next(transactions), 1.0)
            self.note(listener, reaction)
            speaker = self.initiator if listener is self.responder else self.responder
            waiting += [(speaker, answer) for answer in reaction.frames]

    def note(self, listener: Exchange, reaction: Reaction) -> None:
        """Remember how an exchange ended."""
        role = Role.INITIATOR if listener is self.initiator else Role.RESPONDER
        for event in reaction.events:
            assert role not in self.ended or isinstance(self.ended[role], KeyEstablished)
            self.ended[role] = event


def identity_of(who: Eui64, suite: Suite) -> Identity:
    """A laboratory identity."""
    return IDENTITIES[who][SUITES.index(suite)]
