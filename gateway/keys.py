"""Install codes and link keys of ZigBee devices: checked where they come in, and never shown by accident.

The types here have no readable repr, no pydantic schema and no pickle, so that neither a log line nor a bus message can
carry a key. Whoever needs the bytes says reveal().
"""

import re
from hmac import compare_digest
from typing import Any, ClassVar, NoReturn, Self

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic import GetCoreSchemaHandler

from gateway.errors import BadInput

_BLOCK = 16
_SEPARATORS = re.compile(r"[\s:.,_-]+")
_DIGITS = re.compile(r"[0-9A-Fa-f]*")


class BadKey(BadInput, ValueError):
    """A key or an install code of the wrong form; the message never holds its digits."""


class SecretOctets:
    """Bytes that must not leak. Subclasses say how many there may be; equality takes the same time whatever differs."""

    __slots__ = ("_octets",)
    sizes: ClassVar[tuple[int, ...]] = ()
    form: ClassVar[str] = "secret"

    def __init__(self, octets: bytes) -> None:
        if len(octets) not in self.sizes:
            allowed = ", ".join(map(str, self.sizes))
            raise BadKey(f"{self.form} has {allowed} bytes, not {len(octets)}")
        self._octets = bytes(octets)

    def reveal(self) -> bytes:
        """The bytes themselves, for the radio and the vault only."""
        return self._octets

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and compare_digest(self._octets, other._octets)

    def __hash__(self) -> int:
        return hash((type(self), self._octets))

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is never serialised")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> NoReturn:
        """Refuse to be a field of anything that travels."""
        raise TypeError(f"{cls.__name__} is never serialised")


class LinkKey(SecretOctets):
    """A link key between two devices: 16 bytes."""

    __slots__ = ()
    sizes = (16,)
    form = "a link key"


class InstallCode(SecretOctets):
    """An install code with its checksum at the end: 6, 8, 12 or 16 bytes and 2 of CRC-16/X-25, least significant first.

    Source: ZigBee Smart Energy, section 5.4.8.1. Raises BadKey for a wrong length or checksum.
    """

    __slots__ = ()
    sizes = (8, 10, 14, 18)
    form = "an install code with its checksum"

    def __init__(self, octets: bytes) -> None:
        super().__init__(octets)
        if crc_x25(octets[:-2]) != int.from_bytes(octets[-2:], "little"):
            raise BadKey("the install code's checksum does not match: a digit is mistyped, or the checksum is missing")

    @classmethod
    def typed(cls, text: str) -> Self:
        """From what a person typed or scanned: hexadecimal digits, with spaces, hyphens, colons or dots."""
        digits = _SEPARATORS.sub("", text)
        good = _DIGITS.match(digits)
        if good is None or good.end() != len(digits):
            raise BadKey(
                f"an install code has only digits and the letters A to F; character {_strange(text)} is neither"
            )
        allowed = [2 * size for size in cls.sizes]
        if len(digits) not in allowed:
            lacks = " (its last 4 digits, the checksum, may be missing)" if len(digits) + 4 in allowed else ""
            raise BadKey(f"an install code has 16, 20, 28 or 36 digits, not {len(digits)}{lacks}")
        return cls(bytes.fromhex(digits))

    @classmethod
    def checked(cls, code: bytes) -> Self:
        """From the 6, 8, 12 or 16 bytes alone: the checksum is added."""
        return cls(code + crc_x25(code).to_bytes(2, "little"))

    def link_key(self) -> LinkKey:
        """The preconfigured link key of the device with this code: AES-MMO over code and checksum."""
        return LinkKey(aes_mmo(self._octets))


def crc_x25(data: bytes) -> int:
    """CRC-16/X-25: polynomial 0x1021 reflected, all ones at start, inverted at the end."""
    crc = 0xFFFF
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc ^ 0xFFFF


def aes_mmo(message: bytes) -> bytes:
    """The 16-byte Matyas-Meyer-Oseas hash over AES-128. Source: ZigBee specification, annex B.6."""
    bits = 8 * len(message)
    tail = bits.to_bytes(2, "big") if bits < 1 << 16 else bits.to_bytes(4, "big") + bytes(2)
    padded = message + b"\x80"
    padded += bytes(-(len(padded) + len(tail)) % _BLOCK) + tail
    digest = bytes(_BLOCK)
    for start in range(0, len(padded), _BLOCK):
        block = padded[start : start + _BLOCK]
        cipher = Cipher(algorithms.AES(digest), modes.ECB())  # noqa: S305  # one block under a new key each time
        encrypted = cipher.encryptor().update(block)
        digest = bytes(left ^ right for left, right in zip(encrypted, block, strict=True))
    return digest


def _strange(text: str) -> int:
    """The place, from 1, of the first character that is no digit and no separator."""
    return next(place for place, one in enumerate(text, 1) if not _DIGITS.fullmatch(one) and not _SEPARATORS.match(one))
