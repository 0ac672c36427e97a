"""Passwords as argon2id hashes; the work runs beside the event loop, and takes as long for nobody as for somebody."""

import asyncio
from functools import partial

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.dice import Dice

SALT_BYTES = 16


class Passwords:
    """Hashes and checks passwords; the defaults are 19 MiB and two passes, about 50 ms of one core."""

    def __init__(self, dice: Dice, *, memory_kib: int = 19 * 1024, passes: int = 2) -> None:
        self._dice = dice
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)

    async def hash(self, password: str) -> str:
        """The text to keep of a password."""
        salt = self._dice.secret(SALT_BYTES)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, partial(self._hasher.hash, password, salt=salt))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that was kept; None (no such account) costs the same and is never right."""
        loop = asyncio.get_running_loop()
        if kept is None:
            await loop.run_in_executor(None, partial(self._hasher.hash, password, salt=bytes(SALT_BYTES)))
            return False
        return await loop.run_in_executor(None, self._verify, kept, password)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
