"""Implicit certificates: 48 bytes for suite 1, 74 for suite 2, and the keys that follow from them.

A certificate holds no public key and no signature but one point, from which anyone who trusts the authority computes
the subject's public key; a forged certificate gives a key whose private half nobody knows.
Source: ZigBee Smart Energy, annex C.4.2; SEC 4 (ECQV).
"""

from dataclasses import dataclass, field

from drivers.zigbee.cbke.aes_mmo import aes_mmo
from drivers.zigbee.cbke.curve import Point
from drivers.zigbee.cbke.suites import SUITES, Suite
from gateway.dice import Dice
from gateway.errors import BadInput
from gateway.identifiers import Eui64
from gateway.keys import SecretOctets

_NO_EXTENSIONS, _SECT283K1, _AES_MMO = 0x00, 0x0D, 0x08
_FIXED_FIELDS = {0: _NO_EXTENSIONS, 9: _SECT283K1, 10: _AES_MMO}
"""Bytes of a suite 2 certificate that the suite fixes: type, curve and hash, by their offsets."""
SIGNATURE, AGREEMENT = 0x80, 0x08
"""Bits of a suite 2 certificate's key usage."""
FOREVER_S = 0xFFFFFFFF
_ATTRIBUTES_OCTETS = 10


class BadCertificate(BadInput):
    """Bytes that are no certificate, or a certificate that does not belong to its key."""


class PrivateKey(SecretOctets):
    """A private key: 21 bytes for suite 1, 36 for suite 2, most significant first."""

    __slots__ = ()
    sizes = (21, 36)
    form = "a private key"

    @classmethod
    def of(cls, scalar: int, suite: Suite) -> "PrivateKey":
        """From a number below the order of the suite's curve."""
        return cls(scalar.to_bytes(suite.curve.scalar_octets, "big"))

    def scalar(self) -> int:
        """The key as a number, for the arithmetic only."""
        return int.from_bytes(self.reveal(), "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate as it travels (octets), and what it says.

    may_agree is false where the key usage of suite 2 leaves key agreement out; suite 1 has no such field. The period of
    validity of suite 2 is not judged: no Terminate status speaks of it, and a meter outlives every guess at it.
    """

    suite: Suite
    octets: bytes
    subject: Eui64
    issuer: Eui64
    reconstruction_point: bytes
    may_agree: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A device's certificate with its private key, and the public keys of device and authority."""

    certificate: Certificate
    private_key: PrivateKey = field(repr=False)
    public_key: Point
    authority_key: Point


def parse(octets: bytes) -> Certificate:
    """A certificate from its bytes; the length tells the suite. Raises BadCertificate."""
    suite = next((suite for suite in SUITES if suite.certificate_octets == len(octets)), None)
    if suite is None:
        raise BadCertificate(f"a certificate has 48 or 74 bytes, not {len(octets)}")
    if suite.bit == 1:
        point, subject, issuer, usage = octets[:22], octets[22:30], octets[30:38], AGREEMENT
    else:
        if any(octets[place] != value for place, value in _FIXED_FIELDS.items()):
            raise BadCertificate("a certificate of 74 bytes of another type, curve or hash than sect283k1 with AES-MMO")
        point, subject, issuer, usage = octets[37:], octets[28:36], octets[11:19], octets[36]
    return Certificate(
        suite=suite,
        octets=octets,
        subject=Eui64.of(subject),
        issuer=Eui64.of(issuer),
        reconstruction_point=point,
        may_agree=bool(usage & AGREEMENT),
    )


def build_suite_1(point: bytes, subject: Eui64, issuer: Eui64, attributes: bytes = bytes(_ATTRIBUTES_OCTETS)) -> bytes:
    """The 48 bytes of a suite 1 certificate; attributes are the issuer's own 10 bytes."""
    assert len(attributes) == _ATTRIBUTES_OCTETS
    return point + bytes.fromhex(subject) + bytes.fromhex(issuer) + attributes


def build_suite_2(
    point: bytes,
    subject: Eui64,
    issuer: Eui64,
    serial: int,
    valid_from_s: int = 0,
    valid_for_s: int = FOREVER_S,
    key_usage: int = SIGNATURE | AGREEMENT,
) -> bytes:
    """The 74 bytes of a suite 2 certificate; valid_from_s counts from 1970, valid_for_s from there."""
    head = bytes([_NO_EXTENSIONS]) + serial.to_bytes(8, "big") + bytes([_SECT283K1, _AES_MMO]) + bytes.fromhex(issuer)
    period = valid_from_s.to_bytes(5, "big") + valid_for_s.to_bytes(4, "big")
    return head + period + bytes.fromhex(subject) + bytes([key_usage]) + point


def public_key(certificate: Certificate, authority_key: Point) -> Point:
    """The subject's public key, hash(certificate) times its point plus the authority's key (SEC 4, section 2.5).

    Raises BadPoint for a certificate whose point is none, BadCertificate where the sum is no key.
    """
    curve = certificate.suite.curve
    point = curve.decompress(certificate.reconstruction_point)
    found = curve.add(curve.multiply(_digest(certificate.octets), point), authority_key)
    if curve.times_cofactor(found) is None or found is None:
        raise BadCertificate("a certificate that gives no public key")
    return found


def identity(certificate: Certificate, private_key: PrivateKey, authority_key: Point) -> Identity:
    """A certificate with its private key. Raises BadCertificate unless the two belong together under the authority."""
    curve, expected = certificate.suite.curve, public_key(certificate, authority_key)
    if not 0 < private_key.scalar() < curve.order:
        raise BadCertificate("a private key outside the curve's order")
    if curve.multiply(private_key.scalar(), curve.generator) != expected:
        raise BadCertificate("the private key does not belong to the certificate, or another authority issued it")
    return Identity(certificate=certificate, private_key=private_key, public_key=expected, authority_key=authority_key)


class LaboratoryAuthority:
    """An authority for laboratories: its key, and every certificate, follow from the dice; no real device trusts it."""

    def __init__(self, suite: Suite, name: Eui64, dice: Dice) -> None:
        self._suite, self.name = suite, name
        self._dice = dice
        self._private = self._scalar("authority")
        public = suite.curve.multiply(self._private, suite.curve.generator)
        assert public is not None
        self.public_key = public

    def issue(self, subject: Eui64) -> Identity:
        """A device's certificate and key, the same at every call under one seed (SEC 4, section 2.4)."""
        curve = self._suite.curve
        chosen = self._scalar(subject)
        point = curve.multiply(chosen, curve.generator)
        assert point is not None
        compressed = curve.compress(point)
        if self._suite.bit == 1:
            octets = build_suite_1(compressed, subject, self.name)
        else:
            octets = build_suite_2(compressed, subject, self.name, serial=int(subject, 16))
        private = (_digest(octets) * chosen + self._private) % curve.order
        return identity(parse(octets), PrivateKey.of(private, self._suite), self.public_key)

    def _scalar(self, purpose: str) -> int:
        stream = self._dice.stream(f"cbke/{self._suite.bit}/{self.name}/{purpose}")
        return stream.randrange(1, self._suite.curve.order)


def _digest(octets: bytes) -> int:
    return int.from_bytes(aes_mmo(octets), "big")
