"""Frame security of network and application support layer: AES-CCM* with a 32-bit MIC, and keys made from keys.

Source: ZigBee specification 05-3474, sections 4.3.1, 4.4.1, 4.5 (auxiliary header) and annex A; level 5 throughout.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from simulators.zigbee.cbke.credentials import keyed_mmo
from simulators.zigbee.octets import Malformed, unsigned

MIC = 4
_LEVEL = 5
DATA_KEY, NETWORK_KEY, TRANSPORT_KEY = 0, 1, 2
LONG_NONCE = 0x20
"""The auxiliary header's bit that says that the sender's EUI-64 follows."""


def control(key: int, *, with_source: bool) -> int:
    """The security control byte as it is sent, its level left out."""
    return key << 3 | LONG_NONCE * with_source


def auxiliary(control_: int, counter: int, source: int, key_sequence: int | None) -> bytes:
    """The auxiliary header as it is sent."""
    raw = unsigned(control_, 1) + unsigned(counter, 4)
    if control_ & LONG_NONCE:
        raw += unsigned(source, 8)
    return raw if key_sequence is None else raw + unsigned(key_sequence, 1)


def _inputs(header: bytes, aux: bytes, source: int, counter: int) -> tuple[bytes, bytes]:
    """Nonce and authenticated bytes: both hold the level that is not sent."""
    leveled = bytes((aux[0] | _LEVEL,))
    return unsigned(source, 8) + unsigned(counter, 4) + leveled, header + leveled + aux[1:]


def seal(key: bytes, header: bytes, aux: bytes, source: int, counter: int, payload: bytes) -> bytes:
    """A payload encrypted, with its MIC behind it."""
    nonce, authenticated = _inputs(header, aux, source, counter)
    return AESCCM(key, tag_length=MIC).encrypt(nonce, payload, authenticated)


def unseal(key: bytes, header: bytes, aux: bytes, source: int, counter: int, sealed: bytes) -> bytes:
    """The payload in sealed bytes. Raises Malformed if the key is another one or a bit has changed."""
    if len(sealed) < MIC:
        raise Malformed("a secured frame has a MIC")
    nonce, authenticated = _inputs(header, aux, source, counter)
    try:
        return AESCCM(key, tag_length=MIC).decrypt(nonce, sealed, authenticated)
    except InvalidTag:
        raise Malformed("the frame's MIC does not match") from None


def transport_key(link_key: bytes) -> bytes:
    """The key that carries a network key to a device, made from the link key."""
    return keyed_mmo(link_key, b"\x00")
