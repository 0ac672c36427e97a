"""Who may enter a company's folder: one door for FTPS and SFTP, which answers guesses ever more slowly."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from gateway.clock import Clock
from gateway.database import Database
from portal.accounts.passwords import Passwords
from portal.files.credentials import USER_NAME, Held, held_by, still_stands

MOST_ADDRESSES = 10_000
FIRST_WAIT_S, LONGEST_WAIT_S, FORGOTTEN_S = 1.0, 300.0, 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Somebody who has signed in: by which credential, for which company."""

    credential_id: int
    company_id: int
    user_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """The door stays shut; the answer is given after a pause. Why is not told: wrong, revoked, suspended look alike."""

    wait_s: float


class Patience:
    """How long an address waits after each wrong guess: a second, then twice as long, until it has been quiet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._misses: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Seconds until the address may guess again, 0 if it may now."""
        misses, last_s = self._of(address)
        return max(0.0, last_s + _pause_s(misses) - self._clock.monotonic()) if misses else 0.0

    def miss(self, address: str) -> float:
        """One more wrong guess; returns the pause after it."""
        misses = self._of(address)[0] + 1
        self._misses[_whose(address)] = (misses, self._clock.monotonic())
        self._misses.move_to_end(_whose(address))
        while len(self._misses) > MOST_ADDRESSES:
            self._misses.popitem(last=False)
        return _pause_s(misses)

    def forgive(self, address: str) -> None:
        """The address has signed in."""
        self._misses.pop(_whose(address), None)

    def _of(self, address: str) -> tuple[int, float]:
        misses, last_s = self._misses.get(_whose(address), (0, 0.0))
        return (0, 0.0) if self._clock.monotonic() - last_s > FORGOTTEN_S else (misses, last_s)


def _pause_s(misses: int) -> float:
    return float(min(FIRST_WAIT_S * 2 ** min(misses - 1, 20), LONGEST_WAIT_S))


def _whose(address: str) -> str:
    """An address, or the network of an IPv6 one, for whoever has one of those has all of it."""
    try:
        there = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((there, 64), strict=False)) if there.version == 6 else str(there)


class FileDoor:
    """Signs in with a password or a key, and says at each command whether somebody may still be there."""

    def __init__(self, database: Database, passwords: Passwords, clock: Clock, most_per_user: int) -> None:
        self._database = database
        self._passwords = passwords
        self._patience = Patience(clock)
        self._most_per_user = most_per_user
        self._inside: Counter[int] = Counter()
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    async def sign_in(self, user_name: str, password: str, address: str) -> Entry | Shut:
        """With a password, which costs the same time for nobody as for somebody."""
        async with self._turn(address):
            waits_s = self._patience.wait_s(address)
            if waits_s > 0:
                return Shut(wait_s=waits_s)
            held = await self._held(user_name)
            right = await self._passwords.verify(held.password_hash if held else None, password)
            if held is None or not right:
                return Shut(wait_s=self._patience.miss(address))
            self._patience.forgive(address)
            return Entry(credential_id=held.id, company_id=held.company_id, user_name=user_name)

    async def entry_by_key(self, user_name: str, key: str) -> Entry | None:
        """With a key that the SSH protocol proves; key is its text as OpenSSH writes it, without comment.

        A key cannot be guessed, so a strange one costs no patience: clients try all that they have.
        """
        held = await self._held(user_name)
        if held is None or key not in held.public_keys:
            return None
        return Entry(credential_id=held.id, company_id=held.company_id, user_name=user_name)

    def come_in(self, entry: Entry) -> bool:
        """Count a session; False if the credential has as many as it may."""
        if self._inside[entry.credential_id] >= self._most_per_user:
            return False
        self._inside[entry.credential_id] += 1
        return True

    def leave(self, entry: Entry) -> None:
        """A session that came in has ended."""
        self._inside[entry.credential_id] -= 1
        if not self._inside[entry.credential_id]:
            del self._inside[entry.credential_id]

    async def may_stay(self, entry: Entry) -> bool:
        """Whether a session may go on: its credential stands and its company is Active."""
        async with self._database.reading() as connection:
            return await still_stands(connection, entry.credential_id)

    @asynccontextmanager
    async def _turn(self, address: str) -> AsyncIterator[None]:
        """Let an address's sign-ins go one after the other, or guesses made at once would all pass the same pause."""
        whose = _whose(address)
        turn = self._turns.setdefault(whose, asyncio.Lock())
        self._waiting[whose] += 1
        try:
            async with turn:
                yield
        finally:
            self._waiting[whose] -= 1
            if not self._waiting[whose]:
                del self._turns[whose], self._waiting[whose]

    async def _held(self, user_name: str) -> Held | None:
        if not USER_NAME.fullmatch(user_name):
            return None
        async with self._database.reading() as connection:
            return await held_by(connection, user_name)
