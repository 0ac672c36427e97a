"""Field types of Smart Energy commands that zigpy has not, or has with another meaning."""

from typing import Self

import zigpy.types as t

_INVALID = 0xFF
"""The length by which a string says that it has no value."""


class OctetString(t.LVBytes):
    """Up to 254 bytes behind their number. A string marked invalid is read as an empty one."""

    @classmethod
    def deserialize(cls, data: bytes) -> tuple[Self, bytes]:
        """Raises ValueError if there are fewer bytes than the string says."""
        if data[:1] == bytes((_INVALID,)):
            return cls(), data[1:]
        if len(data) <= (data[0] if data else 0):
            raise ValueError("the string is longer than its frame")
        return cls(data[1 : 1 + data[0]]), data[1 + data[0] :]


class Text(str):
    """Up to 254 bytes of UTF-8 behind their number. zigpy counts characters there, which cuts "mañana" short."""

    __slots__ = ()

    def serialize(self) -> bytes:
        """Raises ValueError if there are more bytes than can be counted."""
        content = self.encode()
        if len(content) >= _INVALID:
            raise ValueError(f"a text of {len(content)} bytes is longer than 254")
        return bytes((len(content),)) + content

    @classmethod
    def deserialize(cls, data: bytes) -> tuple[Self, bytes]:
        """Raises ValueError if there are fewer bytes than the text says; bytes that are no UTF-8 are replaced."""
        content, rest = OctetString.deserialize(data)
        return cls(content.decode(errors="replace")), rest


class Signature(bytes):
    """An ECDSA signature of suite 1: 42 bytes without their number."""

    __slots__ = ()
    SIZE = 42

    def serialize(self) -> bytes:
        """Raises ValueError unless it is as long as a signature."""
        if len(self) != self.SIZE:
            raise ValueError(f"a signature has {self.SIZE} bytes, not {len(self)}")
        return bytes(self)

    @classmethod
    def deserialize(cls, data: bytes) -> tuple[Self, bytes]:
        """Raises ValueError if there are fewer bytes."""
        if len(data) < cls.SIZE:
            raise ValueError(f"a signature has {cls.SIZE} bytes, not {len(data)}")
        return cls(data[: cls.SIZE]), data[cls.SIZE :]
