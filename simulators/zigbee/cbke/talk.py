"""A device's side of key establishment, told in order: each step says something, then hears the next frame.

Frames are (command id, body) of the Key Establishment cluster. Source: ZigBee Smart Energy, annex C.3.1.2.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from gateway.dice import Dice
from simulators.zigbee.cbke.credentials import (
    CURVES,
    SIZES,
    Credentials,
    issuer_of,
    keyed_mmo,
    mmo,
    public_of,
    serves_agreement,
    subject_of,
)
from simulators.zigbee.cbke.koblitz import Pair

INITIATE, EPHEMERAL, CONFIRM, TERMINATE = range(4)
UNKNOWN_ISSUER, BAD_KEY_CONFIRM, BAD_MESSAGE, NO_RESOURCES, UNSUPPORTED_SUITE, INVALID_KEY_USAGE = range(1, 7)
FIRST_ANSWER_S, ON_THE_WAY_S = 5.0, 3.0

Frame = tuple[int, bytes]


class Ended(Exception):
    """An exchange that cannot go on: status is what Terminate says."""

    def __init__(self, status: int) -> None:
        super().__init__(f"terminated with status {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Said:
    """What a step says, how long it then listens, and the key once it is proved."""

    frames: tuple[Frame, ...] = ()
    patience_s: float | None = None
    key: bytes | None = field(default=None, repr=False)


Steps = Generator[Said, Frame, None]


class Talk:
    """One exchange under way. link_key is set once both proofs held, status once a Terminate was sent or heard."""

    def __init__(self, steps: Steps, suites: int, now_s: float) -> None:
        self._steps, self._suites = steps, suites
        self.link_key: bytes | None = None
        self.status: int | None = None
        self.silent = False
        self.deadline_s: float | None = None
        self.opening = self._heed(next(steps), now_s)

    @property
    def over(self) -> bool:
        """Whether nothing more is awaited."""
        return self.link_key is not None or self.status is not None or self.silent

    def hear(self, command: int, body: bytes, now_s: float) -> tuple[Frame, ...]:
        """A frame from the partner, and what is said to it."""
        if self.over or self.expire(now_s):
            return ()
        if command == TERMINATE and len(body) >= 4:
            self.status, self.deadline_s = body[0], None
            return ()
        try:
            return self._heed(self._steps.send((command, body)), now_s)
        except Ended as end:
            self.status, self.deadline_s = end.status, None
            return (terminate(end.status, self._suites),)

    def expire(self, now_s: float) -> bool:
        """Give up if the partner has been silent for too long; says whether it has."""
        if self.deadline_s is not None and now_s >= self.deadline_s:
            self.silent, self.deadline_s = True, None
        return self.silent

    def _heed(self, said: Said, now_s: float) -> tuple[Frame, ...]:
        self.link_key = said.key
        self.deadline_s = None if said.patience_s is None else now_s + said.patience_s
        return said.frames


class Party:
    """A device that can establish keys: its credentials by suite, and the seconds that it says it takes."""

    def __init__(
        self, eui64: int, credentials: Iterable[Credentials], dice: Dice, ephemeral_s: int = 11, confirm_s: int = 16
    ) -> None:
        self.eui64, self._dice = eui64, dice
        self._credentials = {each.suite: each for each in credentials}
        self._times = bytes([ephemeral_s, confirm_s])
        self.suites = sum(self._credentials)

    def begin(self, partner: int, suite: int, now_s: float) -> Talk:
        """Initiate with a partner; the talk's opening is the first frame."""
        return Talk(self._initiate(partner, suite), self.suites, now_s)

    def answer(self, partner: int, now_s: float) -> Talk:
        """Be ready for a partner's first frame."""
        return Talk(self._respond(partner), self.suites, now_s)

    def _initiate(self, partner: int, suite: int) -> Steps:
        mine = self._credentials[suite]
        body = _expected(INITIATE, (yield Said((self._introduction(mine),), FIRST_ANSWER_S)))
        theirs, ephemeral_s, confirm_s = self._introduced(body, partner, mine)
        scalar, point = self._rolled(suite)
        said = Said(((EPHEMERAL, point),), ephemeral_s + ON_THE_WAY_S)
        heard = _expected(EPHEMERAL, (yield said))
        key, proof = _keys(mine, scalar, point, theirs, heard)
        us, them = _name(self.eui64) + _name(partner), _name(partner) + _name(self.eui64)
        said = Said(((CONFIRM, keyed_mmo(proof, b"\x02" + us + point + heard)),), confirm_s + ON_THE_WAY_S)
        if _expected(CONFIRM, (yield said)) != keyed_mmo(proof, b"\x03" + them + heard + point):
            raise Ended(BAD_KEY_CONFIRM)
        yield Said(key=key)

    def _respond(self, partner: int) -> Steps:
        body = _expected(INITIATE, (yield Said()))
        mine = self._named(body)
        theirs, ephemeral_s, confirm_s = self._introduced(body, partner, mine)
        heard = _expected(EPHEMERAL, (yield Said((self._introduction(mine),), ephemeral_s + ON_THE_WAY_S)))
        scalar, point = self._rolled(mine.suite)
        key, proof = _keys(mine, scalar, point, theirs, heard)
        us, them = _name(self.eui64) + _name(partner), _name(partner) + _name(self.eui64)
        told = _expected(CONFIRM, (yield Said(((EPHEMERAL, point),), confirm_s + ON_THE_WAY_S)))
        if told != keyed_mmo(proof, b"\x02" + them + heard + point):
            raise Ended(BAD_KEY_CONFIRM)
        yield Said(((CONFIRM, keyed_mmo(proof, b"\x03" + us + point + heard)),), key=key)

    def _introduction(self, mine: Credentials) -> Frame:
        return INITIATE, mine.suite.to_bytes(2, "little") + self._times + mine.certificate

    def _named(self, body: bytes) -> Credentials:
        """The credentials for the suite that a first frame names."""
        suites = int.from_bytes(body[:2], "little")
        if len(body) < 4 or suites & (suites - 1) or not suites:
            raise Ended(BAD_MESSAGE)
        if suites not in self._credentials:
            raise Ended(UNSUPPORTED_SUITE)
        return self._credentials[suites]

    def _introduced(self, body: bytes, partner: int, mine: Credentials) -> tuple[Pair, int, int]:
        """The partner's public key and its two times, from its first frame."""
        suite, certificate = mine.suite, body[4:]
        if self._named(body) is not mine or len(certificate) != SIZES[suite]:
            raise Ended(BAD_MESSAGE)
        if not serves_agreement(suite, certificate):
            raise Ended(INVALID_KEY_USAGE)
        if issuer_of(suite, certificate) != mine.issuer:
            raise Ended(UNKNOWN_ISSUER)
        if subject_of(suite, certificate) != partner:
            raise Ended(BAD_MESSAGE)
        try:
            return public_of(suite, certificate, mine.authority), body[2], body[3]
        except ValueError:
            _refuse()

    def _rolled(self, suite: int) -> tuple[int, bytes]:
        """A private scalar for one exchange and its public half."""
        curve = CURVES[suite]
        scalar = 1 + int.from_bytes(self._dice.secret(curve.size + 8), "big") % (curve.order - 1)
        point = curve.times(scalar, curve.base)
        assert point is not None
        return scalar, curve.pack(point)


def terminate(status: int, suites: int, wait_s: int = 0) -> Frame:
    """The frame that ends an exchange."""
    return TERMINATE, bytes([status, wait_s]) + suites.to_bytes(2, "little")


def _keys(mine: Credentials, scalar: int, point: bytes, theirs: Pair, heard: bytes) -> tuple[bytes, bytes]:
    """The link key and the key of the proofs: MQV with cofactor, then the X9.63 derivation."""
    curve = CURVES[mine.suite]
    try:
        other = curve.unpack(heard)
    except ValueError:
        _refuse()
    half = (curve.order.bit_length() + 1) // 2
    ours_bar, other_bar = (x & (1 << half) - 1 | 1 << half for x in (int.from_bytes(point[1:], "big"), other[0]))
    factor = curve.cofactor * ((scalar + ours_bar * mine.private) % curve.order)
    shared = curve.times(factor, curve.add(other, curve.times(other_bar, theirs)))
    if shared is None:
        _refuse()
    secret = shared[0].to_bytes(curve.size, "big")
    return mmo(secret + b"\0\0\0\2"), mmo(secret + b"\0\0\0\1")


def _expected(command: int, frame: Frame) -> bytes:
    """The body of a frame that must be a certain command."""
    if frame[0] != command or (command == CONFIRM and len(frame[1]) != 16):
        _refuse()
    return frame[1]


def _name(eui64: int) -> bytes:
    return eui64.to_bytes(8, "big")


def _refuse() -> NoReturn:
    raise Ended(BAD_MESSAGE) from None
