"""One exchange as a state machine: frames and instants in, frames and events out; it waits for nothing by itself.

The driver hands in what arrives and sends what comes out; it calls expire() when deadline_s has passed, and drops the
exchange once it is over. Instants are seconds of one monotonic clock. A step computes for at most some tens of
milliseconds. Source: ZigBee Smart Energy, annexes C.3.1.2 and C.4.2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from hmac import compare_digest

from drivers.zigbee.cbke import agreement, certificates
from drivers.zigbee.cbke.agreement import Confirming, Derived, Ephemeral
from drivers.zigbee.cbke.certificates import BadCertificate, Identity
from drivers.zigbee.cbke.curve import BadPoint, Point
from drivers.zigbee.cbke.frames import (
    BadFrame,
    Command,
    ConfirmKey,
    EphemeralData,
    Frame,
    Initiate,
    Message,
    Status,
    Terminate,
    decode,
    encode,
)
from drivers.zigbee.cbke.suites import Suite
from gateway.dice import Dice
from gateway.errors import BadInput
from gateway.identifiers import Eui64
from gateway.keys import LinkKey


class Role(Enum):
    """Who began: the initiator's frames are the cluster client's, the responder's the server's."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds: what we advertise (ephemeral_s, confirm_s), and how long we are patient.

    The advertised ones are what the field's stacks send. A partner has what it advertised, and latency_s for the way;
    for its first answer initiate_s. The same frame again within duplicate_s is a repetition by the radio.
    """

    ephemeral_s: int = 11
    confirm_s: int = 16
    initiate_s: float = 5.0
    latency_s: float = 3.0
    duplicate_s: float = 5.0


USUAL = Times()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEstablished:
    """Both sides proved that they know the link key.

    The responder's last frame may still be lost, or refused: a KeyRefused that follows takes the responder's key back.
    """

    partner: Eui64
    suite: Suite
    link_key: LinkKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRefused:
    """An exchange was terminated, by us or by the partner; it asks for no new attempt before wait_s.

    A device that is told UNKNOWN_ISSUER leaves the network.
    """

    partner: Eui64
    status: int
    by_partner: bool
    wait_s: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTimedOut:
    """The partner fell silent while we waited for a command; nothing is sent about it."""

    partner: Eui64
    awaited: Command


Event = KeyEstablished | KeyRefused | KeyTimedOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What follows from a step: frames to send to the partner, in order, and what to know."""

    frames: tuple[Frame, ...] = ()
    events: tuple[Event, ...] = ()


NOTHING = Reaction()


class _Refusal(BadInput):
    """A partner that says something we cannot go on with."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Exchange:
    """One exchange with one partner. identities are our certificates, one per suite that we have."""

    def __init__(
        self, role: Role, identities: Sequence[Identity], partner: Eui64, dice: Dice, times: Times = USUAL
    ) -> None:
        self.partner = partner
        self.deadline_s: float | None = None
        """When expire() is due; None before the first frame and after the end."""
        self.over = False
        self._role, self._dice, self._times = role, dice, times
        self._identities = {each.certificate.suite.bit: each for each in identities}
        self._awaited = Command.INITIATE
        self._heard: dict[tuple[Frame, int], float] = {}
        self._identity: Identity | None = None
        self._their_times = (0, 0)
        self._their_key: Point | None = None
        self._ephemeral: Ephemeral | None = None
        self._their_octets = b""
        self._derived: Derived | None = None
        self._established = False

    def start(self, suite: Suite, now_s: float) -> Reaction:
        """The initiator's first frame, by a suite that we have and the partner named."""
        assert self._role is Role.INITIATOR
        assert self._identity is None
        self._identity = self._identities[suite.bit]
        self.deadline_s = now_s + self._times.initiate_s
        return Reaction(frames=(self._introduction(self._identity),))

    def receive(self, frame: Frame, transaction: int, now_s: float) -> Reaction:
        """A frame from the partner with its ZCL transaction number. Whatever it holds, nothing is raised."""
        if self.is_repetition(frame, transaction, now_s):
            return NOTHING
        if self.over:
            return self._taken_back(frame)
        if self.deadline_s is not None and now_s >= self.deadline_s:
            return self.expire(now_s)
        self._heard[frame, transaction] = now_s
        try:
            return self._answered(decode(frame), now_s)
        except _Refusal as refusal:
            return self._refused(refusal.status, str(refusal))
        except (BadFrame, BadPoint) as trouble:
            return self._refused(Status.BAD_MESSAGE, str(trouble))

    def expire(self, now_s: float) -> Reaction:
        """End an exchange whose deadline has passed; before it, nothing happens."""
        if self.deadline_s is None or now_s < self.deadline_s:
            return NOTHING
        return self._ended(KeyTimedOut(partner=self.partner, awaited=self._awaited))

    def is_repetition(self, frame: Frame, transaction: int, now_s: float) -> bool:
        """Whether this very frame was heard a moment ago."""
        heard_s = self._heard.get((frame, transaction))
        return heard_s is not None and now_s - heard_s < self._times.duplicate_s

    def _answered(self, message: Message, now_s: float) -> Reaction:
        match message:
            case Terminate():
                return self._terminated(message)
            case Initiate() if self._awaited is Command.INITIATE:
                return self._introduced(message, now_s)
            case EphemeralData() if self._awaited is Command.EPHEMERAL:
                return self._agreed(message, now_s)
            case ConfirmKey() if self._awaited is Command.CONFIRM:
                return self._confirmed(message)
        raise _Refusal(Status.BAD_MESSAGE, f"out of order: {self._awaited.name} is awaited")

    def _introduced(self, message: Initiate, now_s: float) -> Reaction:
        """The partner's certificate is checked; the initiator goes on with its ephemeral key."""
        identity = self._suitable(message)
        self._identity = identity
        self._their_key = _believed(message.certificate, self.partner, identity)
        self._their_times = (message.ephemeral_s, message.confirm_s)
        self._await(Command.EPHEMERAL, now_s + message.ephemeral_s)
        if self._role is Role.RESPONDER:
            return Reaction(frames=(self._introduction(identity),))
        return Reaction(frames=(encode(EphemeralData(point=self._rolled(identity.certificate.suite).octets)),))

    def _agreed(self, message: EphemeralData, now_s: float) -> Reaction:
        """Both ephemeral keys are known, so the link key is; the initiator proves it."""
        assert self._identity is not None
        assert self._their_key is not None
        suite = self._identity.certificate.suite
        theirs = suite.curve.decompress(message.point)
        own = self._ephemeral or self._rolled(suite)
        secret = agreement.shared_secret(suite, self._identity.private_key, own, self._their_key, theirs)
        self._derived, self._their_octets = agreement.derive(secret), message.point
        self._await(Command.CONFIRM, now_s + self._their_times[1])
        if self._role is Role.RESPONDER:
            return Reaction(frames=(encode(EphemeralData(point=own.octets)),))
        return Reaction(frames=(encode(ConfirmKey(mac=self._mac(ours=True))),))

    def _confirmed(self, message: ConfirmKey) -> Reaction:
        """The partner's proof holds, or the exchange ends without a key."""
        if not compare_digest(message.mac, self._mac(ours=False)):
            raise _Refusal(Status.BAD_KEY_CONFIRM, "the partner arrived at another key")
        assert self._derived is not None
        assert self._identity is not None
        frames = () if self._role is Role.INITIATOR else (encode(ConfirmKey(mac=self._mac(ours=True))),)
        suite, key = self._identity.certificate.suite, self._derived.link_key
        self._established = True
        return self._ended(KeyEstablished(partner=self.partner, suite=suite, link_key=key), frames)

    def _terminated(self, message: Terminate) -> Reaction:
        known = {status.value: status.name for status in Status}
        reason = f"the partner says {known.get(message.status, f'0x{message.status:02x}')}"
        event = KeyRefused(
            partner=self.partner, status=message.status, by_partner=True, wait_s=message.wait_s, reason=reason
        )
        return self._ended(event)

    def _taken_back(self, frame: Frame) -> Reaction:
        """After the end only the initiator's refusal of our proof matters, and it matters once."""
        if not self._established or self._role is Role.INITIATOR or frame.command != Command.TERMINATE:
            return NOTHING
        self._established = False
        try:
            message = decode(frame)
        except BadFrame:
            return NOTHING
        assert isinstance(message, Terminate)
        return self._terminated(message)

    def _refused(self, status: Status, reason: str) -> Reaction:
        event = KeyRefused(partner=self.partner, status=status, by_partner=False, wait_s=0, reason=reason)
        return self._ended(event, (refusal(self._identities, status),))

    def _ended(self, event: Event, frames: tuple[Frame, ...] = ()) -> Reaction:
        self.over, self.deadline_s = True, None
        self._ephemeral = self._derived = None
        return Reaction(frames=frames, events=(event,))

    def _await(self, command: Command, until_s: float) -> None:
        self._awaited, self.deadline_s = command, until_s + self._times.latency_s

    def _introduction(self, identity: Identity) -> Frame:
        message = Initiate(
            suites=identity.certificate.suite.bit,
            ephemeral_s=self._times.ephemeral_s,
            confirm_s=self._times.confirm_s,
            certificate=identity.certificate.octets,
        )
        return encode(message)

    def _suitable(self, message: Initiate) -> Identity:
        """Our identity for the one suite that a message names."""
        if message.suites.bit_count() != 1:
            raise _Refusal(Status.BAD_MESSAGE, f"{message.suites.bit_count()} suites named, not one")
        identity = self._identities.get(message.suites)
        if identity is None:
            raise _Refusal(Status.UNSUPPORTED_SUITE, f"no certificate for suite 0x{message.suites:04x}")
        if self._role is Role.INITIATOR and identity is not self._identity:
            raise _Refusal(Status.BAD_MESSAGE, "the answer names another suite")
        return identity

    def _rolled(self, suite: Suite) -> Ephemeral:
        self._ephemeral = agreement.ephemeral(suite, self._dice.secret(agreement.entropy_octets(suite)))
        return self._ephemeral

    def _mac(self, *, ours: bool) -> bytes:
        """Our proof, or the one that the partner must give."""
        assert self._derived is not None
        assert self._identity is not None
        assert self._ephemeral is not None
        us = (self._identity.certificate.subject, self._ephemeral.octets)
        them = (self.partner, self._their_octets)
        own, other = (us, them) if ours else (them, us)
        who = Confirming.INITIATOR if ours is (self._role is Role.INITIATOR) else Confirming.RESPONDER
        return agreement.mac(self._derived.mac_key, who, own, other)


def refusal(suites: Iterable[int], status: Status, wait_s: int = 0) -> Frame:
    """The Terminate of a status, with the mask of the suites that we have."""
    return encode(Terminate(status=status, wait_s=wait_s, suites=sum(suites)))


def _believed(octets: bytes, partner: Eui64, ours: Identity) -> Point:
    """The public key of a partner's certificate, checked as far as a certificate can be. Raises _Refusal."""
    try:
        certificate = certificates.parse(octets)
        if certificate.issuer != ours.certificate.issuer:
            raise _Refusal(Status.UNKNOWN_ISSUER, f"issued by {certificate.issuer}, whom we do not trust")
        if certificate.subject != partner:
            raise _Refusal(Status.BAD_MESSAGE, f"the certificate of {certificate.subject}, not of its sender")
        if not certificate.may_agree:
            raise _Refusal(Status.INVALID_KEY_USAGE, "a certificate that is not for key agreement")
        return certificates.public_key(certificate, ours.authority_key)
    except BadCertificate as trouble:
        raise _Refusal(Status.INVALID_KEY_USAGE, str(trouble)) from None
