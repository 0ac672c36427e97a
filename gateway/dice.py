"""Chance as an argument: the only module that rolls."""

import hashlib
import random
import secrets
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Dice(Protocol):
    """Where random numbers come from: the system's, or one seed's named streams."""

    def stream(self, name: str) -> random.Random:
        """A generator of its own for a purpose; the same name gives the same numbers under one seed."""
        ...

    def secret(self, size: int) -> bytes:
        """Bytes that nobody can guess (from a seed: bytes that repeat, for laboratories only)."""
        ...

    def request_id(self, now: datetime) -> str:
        """A new request id, a version 7 UUID: ids sort by the millisecond in which they were made."""
        ...


def uuid7(now: datetime, entropy: bytes) -> str:
    """A version 7 UUID from an aware instant and 10 random bytes. Source: RFC 9562, section 5.7."""
    milliseconds = int(now.timestamp() * 1000)
    value = int.from_bytes(milliseconds.to_bytes(6, "big") + entropy, "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(UUID(int=value))


class SystemDice:
    """The operating system's randomness."""

    def stream(self, name: str) -> random.Random:
        """A generator seeded by the system; the name plays no part."""
        return random.SystemRandom()

    def secret(self, size: int) -> bytes:
        """Bytes that nobody can guess."""
        return secrets.token_bytes(size)

    def request_id(self, now: datetime) -> str:
        """A new version 7 UUID."""
        return uuid7(now, secrets.token_bytes(10))


class SeededDice:
    """One seed, many named streams: a laboratory repeats bit for bit."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._secrets = self.stream("secrets")
        self._ids = self.stream("ids")

    def stream(self, name: str) -> random.Random:
        """The stream of that name under this seed; each call starts it anew."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return random.Random(int.from_bytes(digest, "big"))

    def secret(self, size: int) -> bytes:
        """The next bytes of the seed's secret stream."""
        return self._secrets.randbytes(size)

    def request_id(self, now: datetime) -> str:
        """The next version 7 UUID of the seed's id stream."""
        return uuid7(now, self._ids.randbytes(10))
