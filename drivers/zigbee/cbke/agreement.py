"""The agreement itself: elliptic-curve MQV with cofactor, and what is derived from its secret (pure).

Source: ZigBee Smart Energy, annex C.4.2; SEC 1, sections 3.4 and 3.6.1.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from drivers.zigbee.cbke.aes_mmo import aes_mmo, hmac_aes_mmo
from drivers.zigbee.cbke.certificates import PrivateKey
from drivers.zigbee.cbke.curve import BadPoint, Curve, Point
from drivers.zigbee.cbke.suites import Suite
from gateway.identifiers import Eui64
from gateway.keys import LinkKey, SecretOctets

_SPARE_OCTETS = 8
"""Random bytes beyond a key's size, so that the remainder by the order favours no key."""


class Confirming(IntEnum):
    """Who proves knowledge of the key: the first byte under its MAC."""

    INITIATOR = 2
    RESPONDER = 3


class MacKey(SecretOctets):
    """The key of both MACs of one exchange: 16 bytes."""

    __slots__ = ()
    sizes = (16,)
    form = "a MAC key"


class SharedSecret(SecretOctets):
    """The abscissa that both sides arrive at: 21 or 36 bytes."""

    __slots__ = ()
    sizes = (21, 36)
    form = "a shared secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ephemeral:
    """A key pair for one exchange; octets is its public half as it travels."""

    private_key: PrivateKey = field(repr=False)
    point: Point
    octets: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What both sides derive: the key of the MACs, and the link key."""

    mac_key: MacKey
    link_key: LinkKey


def ephemeral(suite: Suite, entropy: bytes) -> Ephemeral:
    """A key pair from at least entropy_octets(suite) secret bytes."""
    assert len(entropy) >= entropy_octets(suite)
    return ephemeral_of(suite, PrivateKey.of(int.from_bytes(entropy, "big") % (suite.curve.order - 1) + 1, suite))


def ephemeral_of(suite: Suite, private_key: PrivateKey) -> Ephemeral:
    """The key pair of a known private half."""
    point = suite.curve.multiply(private_key.scalar(), suite.curve.generator)
    assert point is not None
    return Ephemeral(private_key=private_key, point=point, octets=suite.curve.compress(point))


def entropy_octets(suite: Suite) -> int:
    """How many secret bytes an ephemeral key is made of."""
    return suite.curve.scalar_octets + _SPARE_OCTETS


def shared_secret(
    suite: Suite, private_key: PrivateKey, own: Ephemeral, their_key: Point, their_ephemeral: Point
) -> SharedSecret:
    """The secret of our static and ephemeral private halves with their public ones. Raises BadPoint for infinity."""
    curve = suite.curve
    implicit = (own.private_key.scalar() + associate(curve, own.point) * private_key.scalar()) % curve.order
    theirs = curve.add(their_ephemeral, curve.multiply(associate(curve, their_ephemeral), their_key))
    point = curve.multiply(implicit, curve.times_cofactor(theirs))
    if point is None:
        raise BadPoint("keys that agree on the point at infinity")
    return SharedSecret(curve.octets_of(point.x))


def associate(curve: Curve, point: Point) -> int:
    """The number that stands for a point: the lower half of its abscissa's bits under a one (SEC 1, section 3.4)."""
    half = (curve.order.bit_length() + 1) // 2
    return curve.field.gather(point.x) % (1 << half) | 1 << half


def derive(secret: SharedSecret) -> Derived:
    """MAC key and link key out of the shared secret: the X9.63 function with AES-MMO and no shared information.

    Source: SEC 1, section 3.6.1.
    """
    first, second = (aes_mmo(secret.reveal() + counter.to_bytes(4, "big")) for counter in (1, 2))
    return Derived(mac_key=MacKey(first), link_key=LinkKey(second))


def mac(key: MacKey, who: Confirming, own: tuple[Eui64, bytes], other: tuple[Eui64, bytes]) -> bytes:
    """MACU or MACV: the proof of one party, whose address and ephemeral octets come first, to the other."""
    addresses = bytes.fromhex(own[0]) + bytes.fromhex(other[0])
    return hmac_aes_mmo(key.reveal(), bytes([who]) + addresses + own[1] + other[1])
