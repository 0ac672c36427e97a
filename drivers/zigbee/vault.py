"""The vault: the network's link keys at rest, each sealed to its row, with the frame counters that they have reached.

A key is sealed with AES-256-GCM under the master key, and what it is authenticated with is its row's identity: the
device's address, what kind of key it is and its suite. So no key can be moved to another row, and none be passed off
as established. The master key is not in the file. Frame counters only rise: one that went back would let old frames in.

Source: NIST SP 800-38D; ZigBee Smart Energy 1.4, section 5.4 (keys), ZigBee specification, section 4.4 (counters).
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.dice import Dice
from gateway.errors import BadConfig
from gateway.identifiers import Eui64
from gateway.keys import LinkKey, SecretOctets

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seal (
    id INTEGER PRIMARY KEY CHECK (id = 1), sealed BLOB NOT NULL, tx_counter INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS keys (
    device TEXT PRIMARY KEY, kind TEXT NOT NULL, suite INTEGER, sealed BLOB NOT NULL, rx_counter INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unfinished (device TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS network_key (id INTEGER PRIMARY KEY CHECK (id = 1), changed_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS key_change (
    id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, sequence INTEGER NOT NULL, done INTEGER NOT NULL
);
"""
_NONCE_OCTETS = 12
_BUSY_S = 5.0
_CANARY = b"metergate"


class MasterKey(SecretOctets):
    """The key under which all others are sealed: 32 bytes."""

    __slots__ = ()
    sizes = (32,)
    form = "a vault's master key"

    @classmethod
    def typed(cls, text: str) -> "MasterKey":
        """From 64 hexadecimal digits. Raises BadConfig, in words that hold none of them."""
        digits = text.strip()
        if len(digits) != 64 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
            raise BadConfig("the vault's key must be 64 hexadecimal digits, as `openssl rand -hex 32` prints them")
        return cls(bytes.fromhex(digits))


class Kind(StrEnum):
    """Where a link key came from: an established one makes its device registered, a found one was in the radio."""

    ESTABLISHED = "established"
    FOUND = "found"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKey:
    """A device's link key; suite is the cipher suite (1 or 2) that established it.

    rx_counter is the last frame counter that the device is known to have sent under the key.
    """

    device: Eui64
    kind: Kind
    suite: int | None
    key: LinkKey = field(repr=False)
    rx_counter: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """The latest change of the network key: for whom, the sequence number that the key had before, and its end."""

    name: str
    sequence: int
    done: bool


class Vault:
    """One network's keys in one SQLite file; statements are short, so it is called on the loop."""

    def __init__(self, path: Path, master: MasterKey, dice: Dice) -> None:
        self._path, self._dice = path, dice
        self._cipher = AESGCM(master.reveal())
        self._open()

    def _open(self) -> None:
        """Make the file if it is not there; prove that all of it is sealed with this master key. Raises BadConfig."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            with self._writing() as connection:
                connection.executescript(_SCHEMA)
                row = connection.execute("SELECT sealed FROM seal").fetchone()
                if row is None:
                    connection.execute("INSERT INTO seal (id, sealed) VALUES (1, ?)", (self._sealed(_CANARY, b"seal"),))
                else:
                    self._opened(row[0], b"seal")
        except InvalidTag:
            raise BadConfig(f"the vault {self._path} is sealed with another key") from None
        except (OSError, sqlite3.Error) as error:
            raise BadConfig(f"the vault {self._path} cannot be used: {error}") from None
        self.all()

    def get(self, device: Eui64) -> KeptKey | None:
        """A device's key. Raises BadConfig for a row that was tampered with."""
        with self._reading() as connection:
            row = connection.execute(f"{_SELECT} WHERE device = ?", (device,)).fetchone()
        return None if row is None else self._kept(row)

    def all(self) -> list[KeptKey]:
        """Every key, by address. Raises BadConfig for a row that was tampered with."""
        with self._reading() as connection:
            rows = connection.execute(f"{_SELECT} ORDER BY device").fetchall()
        return [self._kept(row) for row in rows]

    def put(self, *keys: KeptKey) -> None:
        """Keep keys in place of their devices' earlier ones, all or none."""
        rows = [
            (each.device, each.kind, each.suite, self._sealed(each.key.reveal(), _identity_of(each)), each.rx_counter)
            for each in keys
        ]
        with self._writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO keys (device, kind, suite, sealed, rx_counter) VALUES (?, ?, ?, ?, ?)", rows
            )

    def count(self, tx_counter: int, rx_counters: Mapping[Eui64, int]) -> None:
        """Remember how far the counters of the devices' present keys have come; they never go back."""
        with self._writing() as connection:
            connection.execute("UPDATE seal SET tx_counter = max(tx_counter, ?)", (tx_counter,))
            connection.executemany(
                "UPDATE keys SET rx_counter = max(rx_counter, ?) WHERE device = ?",
                [(counter, device) for device, counter in rx_counters.items()],
            )

    @property
    def tx_counter(self) -> int:
        """The furthest outgoing counter that was ever seen, of any key: a new radio must go on beyond it."""
        with self._reading() as connection:
            return int(connection.execute("SELECT tx_counter FROM seal").fetchone()[0])

    def forget(self, device: Eui64) -> None:
        """Drop a device's key."""
        with self._writing() as connection:
            connection.execute("DELETE FROM keys WHERE device = ?", (device,))

    def begin(self, device: Eui64) -> None:
        """Note that a device is joining or leaving: whatever interrupts it, a start finds the note and cleans up."""
        with self._writing() as connection:
            connection.execute("INSERT OR IGNORE INTO unfinished VALUES (?)", (device,))

    def finish(self, device: Eui64) -> None:
        """Take the note back."""
        with self._writing() as connection:
            connection.execute("DELETE FROM unfinished WHERE device = ?", (device,))

    def unfinished(self) -> list[Eui64]:
        """The devices whose joining or leaving was never finished."""
        with self._reading() as connection:
            rows = connection.execute("SELECT device FROM unfinished ORDER BY device").fetchall()
        return [Eui64(device) for (device,) in rows]

    def key_change(self) -> KeyChange | None:
        """The latest change of the network key that was begun."""
        with self._reading() as connection:
            row = connection.execute("SELECT name, sequence, done FROM key_change").fetchone()
        return None if row is None else KeyChange(name=row[0], sequence=row[1], done=bool(row[2]))

    def begin_key_change(self, name: str, sequence: int) -> None:
        """Note that the network key is being changed, and the sequence number that it has before."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO key_change VALUES (1, ?, ?, 0)", (name, sequence))

    def end_key_change(self, name: str, now: datetime) -> None:
        """Note that the change under a name is over; one that was over keeps its instant."""
        with self._writing() as connection:
            ended = connection.execute("UPDATE key_change SET done = 1 WHERE name = ? AND done = 0", (name,))
            if ended.rowcount:
                connection.execute("INSERT OR REPLACE INTO network_key VALUES (1, ?)", (now.isoformat(),))

    def key_changed_at(self, now: datetime) -> datetime:
        """When the network key was last changed; an instant that is not known is taken to be now."""
        with self._writing() as connection:
            connection.execute("INSERT OR IGNORE INTO network_key VALUES (1, ?)", (now.isoformat(),))
            (changed_at,) = connection.execute("SELECT changed_at FROM network_key").fetchone()
        return datetime.fromisoformat(changed_at)

    def _kept(self, row: tuple[str, str, int | None, bytes, int]) -> KeptKey:
        device, kind, suite, sealed, rx_counter = row
        try:
            key = LinkKey(self._opened(sealed, _identity(device, kind, suite)))
        except InvalidTag:
            raise BadConfig(f"the vault's key of {device} does not belong to its row: the file was changed") from None
        return KeptKey(device=Eui64(device), kind=Kind(kind), suite=suite, key=key, rx_counter=rx_counter)

    def _sealed(self, plain: bytes, identity: bytes) -> bytes:
        nonce = self._dice.secret(_NONCE_OCTETS)
        return nonce + self._cipher.encrypt(nonce, plain, identity)

    def _opened(self, sealed: bytes, identity: bytes) -> bytes:
        if len(sealed) < _NONCE_OCTETS:
            raise InvalidTag
        return self._cipher.decrypt(sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], identity)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that is on the disk when it ends."""
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level="IMMEDIATE")) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            with connection:
                yield connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as connection:
            yield connection


_SELECT = "SELECT device, kind, suite, sealed, rx_counter FROM keys"


def _identity_of(kept: KeptKey) -> bytes:
    return _identity(kept.device, kept.kind, kept.suite)


def _identity(device: str, kind: str, suite: int | None) -> bytes:
    """What a key is authenticated with: its row's identity, and what for it is sealed."""
    return f"metergate/vault/1|{device}|{kind}|{suite or 0}".encode()
