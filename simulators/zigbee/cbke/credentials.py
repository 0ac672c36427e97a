"""What a device was given at its factory: certificates and private keys, from an authority that exists nowhere else.

Source: ZigBee Smart Energy, annex C.4.2; SEC 4.
"""

from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.dice import Dice
from simulators.zigbee.cbke.koblitz import K163, K283, Koblitz, Pair

SUITE_163, SUITE_283 = 1, 2
CURVES: dict[int, Koblitz] = {SUITE_163: K163, SUITE_283: K283}
SIZES = {SUITE_163: 48, SUITE_283: 74}
_FOREVER = b"\xff" * 4
_ATTRIBUTES = bytes.fromhex("01090006000000000000")
"""Profile 0x0109 and the authority's own bytes, as in test certificates of suite 1."""


def mmo(message: bytes) -> bytes:
    """The Matyas-Meyer-Oseas hash over AES-128, of messages shorter than 8 KiB (ZigBee specification, annex B.6)."""
    gap = (13 - len(message)) % 16
    stream = message + b"\x80" + bytes(gap) + (len(message) << 3).to_bytes(2, "big")
    state = 0
    while stream:
        block, stream = stream[:16], stream[16:]
        encryptor = Cipher(algorithms.AES(state.to_bytes(16, "big")), modes.ECB()).encryptor()  # noqa: S305  # one block
        state = int.from_bytes(encryptor.update(block), "big") ^ int.from_bytes(block, "big")
    return state.to_bytes(16, "big")


def keyed_mmo(key: bytes, message: bytes) -> bytes:
    """HMAC over the hash with a key of 16 bytes."""
    pads = (bytes(octet ^ pad for octet in key) for pad in (0x36, 0x5C))
    inner, outer = pads
    return mmo(outer + mmo(inner + message))


@dataclass(frozen=True, slots=True)
class Credentials:
    """One suite's certificate of a device, its private scalar, and the compressed key of the authority."""

    suite: int
    certificate: bytes
    private: int = field(repr=False)
    authority: bytes

    @property
    def issuer(self) -> bytes:
        """The authority's name as it stands in the certificate."""
        return issuer_of(self.suite, self.certificate)

    def as_file(self) -> str:
        """The labelled hexadecimal text in which authorities deliver; it holds the private scalar."""
        curve = CURVES[self.suite]
        public = curve.times(self.private, curve.base)
        assert public is not None
        return (
            f"CA Pub Key:\n{self.authority.hex()}\n\nDevice Implicit Cert:\n{self.certificate.hex()}\n\n"
            f"Private Key Reconstruction Data:\n{self.private.to_bytes(curve.size, 'big').hex()}\n\n"
            f"Device Public Key:\n{curve.pack(public).hex()}\n"
        )


class Authority:
    """An issuer of certificates for both suites; everything follows from the dice."""

    def __init__(self, dice: Dice, name: int = 0x4C41424F5241544F) -> None:
        self.name = name.to_bytes(8, "big")
        self._dice = dice
        self._scalars = {suite: self._roll(suite, "authority") for suite in CURVES}

    @cached_property
    def keys(self) -> dict[int, bytes]:
        """The authority's public key of each suite, compressed; computed when somebody wants it."""
        return {suite: _packed(CURVES[suite], scalar) for suite, scalar in self._scalars.items()}

    def issue(self, eui64: int, suite: int) -> Credentials:
        """A device's credentials for a suite, always the same under one seed."""
        curve = CURVES[suite]
        blind = self._roll(suite, f"{eui64:016x}")
        certificate = self._certificate(eui64, suite, _packed(curve, blind))
        private = (int.from_bytes(mmo(certificate), "big") * blind + self._scalars[suite]) % curve.order
        return Credentials(suite, certificate, private, self.keys[suite])

    def _certificate(self, eui64: int, suite: int, point: bytes) -> bytes:
        subject = eui64.to_bytes(8, "big")
        if suite == SUITE_163:
            return point + subject + self.name + _ATTRIBUTES
        head = b"\x00" + mmo(subject)[:8] + b"\x0d\x08" + self.name
        return head + bytes(5) + _FOREVER + subject + b"\x88" + point

    def _roll(self, suite: int, purpose: str) -> int:
        return self._dice.stream(f"certificates {suite} {self.name.hex()} {purpose}").randrange(1, CURVES[suite].order)


def issuer_of(suite: int, certificate: bytes) -> bytes:
    """The 8 bytes of a certificate that name its authority."""
    return certificate[30:38] if suite == SUITE_163 else certificate[11:19]


def subject_of(suite: int, certificate: bytes) -> int:
    """The EUI-64 that a certificate speaks for."""
    return int.from_bytes(certificate[22:30] if suite == SUITE_163 else certificate[28:36], "big")


def serves_agreement(suite: int, certificate: bytes) -> bool:
    """Whether a certificate's type, curve, hash and usage are those of key agreement in its suite."""
    if suite == SUITE_163:
        return True
    return certificate[0] == 0 and certificate[9:11] == b"\x0d\x08" and bool(certificate[36] & 8)


def public_of(suite: int, certificate: bytes, authority: bytes) -> Pair:
    """The public key of a certificate's subject. Raises ValueError for points that are none."""
    curve = CURVES[suite]
    point = curve.unpack(certificate[:22] if suite == SUITE_163 else certificate[37:])
    scaled = curve.times(int.from_bytes(mmo(certificate), "big"), point)
    return curve.add(scaled, curve.unpack(authority))


def _packed(curve: Koblitz, scalar: int) -> bytes:
    point = curve.times(scalar, curve.base)
    assert point is not None
    return curve.pack(point)
