"""Install codes sealed to one gateway's key: hybrid public key encryption, RFC 9180 in base mode.

The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (identifiers 0x0020, 0x0001, 0x0002). The info is the
Place: gateway, device and request, so that a sealed code opens at no other gateway, for no other device and for no
other request. A sealed code is enc and ciphertext in URL-safe base64. Only the randomness comes from outside.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from gateway.errors import BadConfig, BadInput
from gateway.identifiers import Eui64, GatewayId, RequestId
from gateway.keys import InstallCode

_KEM = b"KEM" + (0x0020).to_bytes(2, "big")
_SUITE = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (0x0020, 0x0001, 0x0002))
KEY_BYTES = 32
_NONCE_BYTES = 12


class BadSeal(BadInput):
    """A sealed code that does not open here, or a key that is none; the message holds nothing of either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where alone a sealed code opens."""

    gateway: GatewayId
    device: Eui64
    request: RequestId

    @property
    def info(self) -> bytes:
        """The place as HPKE's info; the separator stands in no identifier."""
        return "/".join(("metergate install code 1", self.gateway, self.device, self.request)).encode()


def public_text(private: bytes) -> str:
    """The public key of a private key of 32 bytes, as it travels."""
    return _text(X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


def seal(code: InstallCode, public: str, place: Place, ephemeral: bytes) -> str:
    """A code that only the holder of a key can open, at one place; ephemeral is 32 secret bytes used once.

    Raises BadSeal if the public key is none.
    """
    recipient = _octets(public)
    own = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = own.public_key().public_bytes_raw()
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(recipient))
    except ValueError:
        raise BadSeal("the gateway's sealing key is not a key") from None
    key, nonce = _schedule(_shared_secret(shared, enc + recipient), place.info)
    return _text(enc + AESGCM(key).encrypt(nonce, code.reveal(), None))


def unseal(sealed: str, private: bytes, place: Place) -> InstallCode:
    """The code in a seal. Raises BadSeal if it was not made for this key and place, BadKey if it is no install code."""
    octets = _octets(sealed)
    enc, ciphertext = octets[:KEY_BYTES], octets[KEY_BYTES:]
    own = X25519PrivateKey.from_private_bytes(private)
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(enc))
        key, nonce = _schedule(_shared_secret(shared, enc + own.public_key().public_bytes_raw()), place.info)
        return InstallCode(AESGCM(key).decrypt(nonce, ciphertext, None))
    except InvalidTag:
        raise BadSeal("the sealed code was not made for this gateway, device and request") from None
    except ValueError as error:
        if isinstance(error, BadInput):
            raise
        raise BadSeal("the sealed code is damaged") from None


def private_key(path: Path, fresh: bytes) -> bytes:
    """The private key in a file that only its owner reads; made of 32 fresh secret bytes if it is not there yet.

    Raises BadConfig if the file cannot be used, or if others may read it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(fresh)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            if path.stat().st_mode & 0o077:
                raise BadConfig(f"sealing key {path} may be read by others: chmod 600 it") from None
        octets = path.read_bytes()
    except OSError as error:
        raise BadConfig(f"sealing key {path} cannot be used: {error.strerror}") from None
    if len(octets) != KEY_BYTES:
        raise BadConfig(f"sealing key {path} has {len(octets)} bytes instead of {KEY_BYTES}")
    return octets


def _shared_secret(shared: bytes, context: bytes) -> bytes:
    """ExtractAndExpand of RFC 9180, section 4.1."""
    return _expand(_KEM, _extract(_KEM, b"", b"eae_prk", shared), b"shared_secret", context, KEY_BYTES)


def _schedule(secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and first nonce in mode base. Source: RFC 9180, section 5.1."""
    hashes = _extract(_SUITE, b"", b"psk_id_hash", b"") + _extract(_SUITE, b"", b"info_hash", info)
    context = b"\x00" + hashes
    prk = _extract(_SUITE, secret, b"secret", b"")
    return _expand(_SUITE, prk, b"key", context, KEY_BYTES), _expand(_SUITE, prk, b"base_nonce", context, _NONCE_BYTES)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    mac = HMAC(salt or bytes(KEY_BYTES), SHA256())
    mac.update(b"HPKE-v1" + suite + label + material)
    return mac.finalize()


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(algorithm=SHA256(), length=length, info=labelled).derive(prk)


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")


def _octets(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise BadSeal("it is not base64") from None
