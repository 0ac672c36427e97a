"""EZSP frames by protocol version: commands decoded, responses and callbacks encoded, all by table.

Field kinds: u8 u16 u32 u64 i8 bool, key (16 bytes), counted (bytes behind a u8 count), counted32 (behind a u32 count),
rest (bytes to the end), optional (counted32, absent when None), a struct by its name, and three kinds of status:
sl (always a u32 sl_Status), ember and ezsp (their own u8 up to version 13, the u32 sl_Status from version 14).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from simulators.zigbee.ezsp_frames import CHANGES, STACK_VERSIONS, STRUCTS
from simulators.zigbee.octets import Malformed, Octets, counted, unsigned

Fields = dict[str, Any]
_RESPONSE, _CALLBACK, _OVERFLOW = 0x80, 0x90, 0x01
_SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
_STATUSES = ("ember", "ezsp", "sl")


class Status(Enum):
    """What a command came to, as EmberStatus, EzspStatus and sl_Status name it."""

    OK = (0x00, 0x00, 0x00)
    FAIL = (0x01, 0x36, 0x01)
    INVALID_VALUE = (0x02, 0x36, 0x21)
    NOT_FOUND = (0x03, 0x37, 0x2D)
    INVALID_CALL = (0x70, 0x38, 0x02)
    INVALID_INDEX = (0xB1, 0x36, 0x27)
    TABLE_FULL = (0xB4, 0x35, 0x1C)
    INVALID_FRAME = (0x01, 0x31, 0x0F)
    TRUNCATED = (0x01, 0x33, 0x2B)
    VERSION_NOT_SET = (0x01, 0x30, 0x11)
    MESSAGE_TOO_LONG = (0x74, 0x40, 0x38)
    DELIVERY_FAILED = (0x66, 0x36, 0x0C02)
    MESSAGE_LIMIT = (0x72, 0x41, 0x0C03)
    NOT_JOINED = (0x93, 0x38, 0x17)
    NETWORK_UP = (0x90, 0x00, 0x15)
    NETWORK_DOWN = (0x91, 0x00, 0x16)
    TOO_SOON_TO_SWITCH = (0xB8, 0x36, 0x0C0C)
    NETWORK_OPENED = (0x9C, 0x00, 0x0C18)
    NETWORK_CLOSED = (0x9D, 0x00, 0x0C19)
    SECURITY_NOT_SET = (0xA8, 0x47, 0x0C0B)
    KEY_NOT_AUTHORISED = (0xBB, 0x36, 0x0C0E)


@dataclass(frozen=True, slots=True)
class Frame:
    """A row of the table: a frame's id and name, and the fields of its command and its response with their kinds."""

    id: int
    name: str
    command: tuple[tuple[str, str], ...]
    response: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it came: sequence number, frame name and fields; legacy means the header of version 4."""

    sequence: int
    name: str
    fields: Fields
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that cannot be carried out, with the status for invalidCommand."""

    sequence: int
    status: Status


def _fields(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, kind) for name, _, kind in (field.partition(":") for field in text.split()))


def _lines(table: str) -> list[list[str]]:
    return [line.split(maxsplit=1) for line in table.strip().splitlines()]


STRUCT_FIELDS = {name: _fields(text) for name, text in _lines(STRUCTS)}


@cache
def frames(version: int) -> dict[int, Frame]:
    """The frames of a protocol version by id."""
    known: dict[int, Frame] = {}
    for since, table in CHANGES:
        for code, text in _lines(table) if since <= version else ():
            name, _, fields = text.partition(" ")
            command, arrow, response = fields.partition("->")
            if not arrow:
                command, response = "", fields
            known[int(code, 16)] = Frame(int(code, 16), name, _fields(command), _fields(response))
    return {code: frame for code, frame in known.items() if frame.name != "-"}


class Codec:
    """The bytes of one EZSP version."""

    def __init__(self, version: int) -> None:
        if version not in STACK_VERSIONS:
            raise ValueError(f"EZSP {version} is not known; {', '.join(map(str, STACK_VERSIONS))} are")
        self.version = version
        self._by_id = frames(version)
        self._by_name = {frame.name: frame for frame in self._by_id.values()}

    def decode(self, data: bytes) -> Command | Refused:
        """A command from the host. Raises Malformed if there is not even a header.

        The first version command comes with the header of version 4: sequence, control, id (0).
        """
        octets = Octets(data)
        sequence, _, mark = octets.unsigned(1), octets.unsigned(1), octets.unsigned(1)
        if mark == 0x00:
            return Command(sequence, "version", {"desired": octets.unsigned(1)}, legacy=True)
        frame = self._by_id.get(octets.unsigned(2)) if mark == 0x01 else None
        if frame is None:
            return Refused(sequence, Status.INVALID_FRAME)
        try:
            return Command(sequence, frame.name, self._read(frame.command, octets))
        except Malformed:
            return Refused(sequence, Status.TRUNCATED)

    def response(self, sequence: int, name: str, fields: Mapping[str, Any], overflow: bool = False) -> bytes:
        """The answer to a command; overflow tells the host that callbacks were lost."""
        return self._encode(sequence, _RESPONSE | overflow * _OVERFLOW, name, fields)

    def callback(self, sequence: int, name: str, fields: Mapping[str, Any]) -> bytes:
        """An asynchronous callback; it carries the sequence number of the last response."""
        return self._encode(sequence, _CALLBACK, name, fields)

    def legacy_version(self, sequence: int, fields: Mapping[str, Any]) -> bytes:
        """The answer to a version command that came with the header of version 4."""
        return bytes((sequence, _RESPONSE, 0)) + self._write(self._by_name["version"].response, fields)

    def _encode(self, sequence: int, control: int, name: str, fields: Mapping[str, Any]) -> bytes:
        frame = self._by_name[name]
        return bytes((sequence, control, 0x01)) + unsigned(frame.id, 2) + self._write(frame.response, fields)

    def _read(self, schema: tuple[tuple[str, str], ...], octets: Octets) -> Fields:
        return {name: self._read_one(kind, octets) for name, kind in schema}

    def _read_one(self, kind: str, octets: Octets) -> Any:
        if kind in _SIZES:
            return octets.unsigned(_SIZES[kind])
        match kind:
            case "i8":
                return int.from_bytes(octets.take(1), "little", signed=True)
            case "bool":
                return bool(octets.unsigned(1))
            case "key":
                return octets.take(16)
            case "counted":
                return octets.counted()
            case "counted32":
                return octets.counted(4)
            case "rest":
                return octets.rest()
        return self._read(STRUCT_FIELDS[kind], octets)

    def _write(self, schema: tuple[tuple[str, str], ...], fields: Mapping[str, Any]) -> bytes:
        return b"".join([self._write_one(kind, fields[name]) for name, kind in schema])

    def _write_one(self, kind: str, value: Any) -> bytes:
        if kind in _SIZES:
            return unsigned(value, _SIZES[kind])
        match kind:
            case "ember" | "ezsp" | "sl":
                return self._write_status(kind, value)
            case "i8":
                return int(value).to_bytes(1, "little", signed=True)
            case "bool":
                return unsigned(value, 1)
            case "key" | "rest":
                return bytes(value)
            case "counted":
                return counted(value)
            case "optional":
                return b"" if value is None else counted(value, 4)
        return self._write(STRUCT_FIELDS[kind], value)

    def _write_status(self, kind: str, status: Status) -> bytes:
        if kind == "sl" or self.version >= 14:
            return unsigned(status.value[2], 4)
        return unsigned(status.value[_STATUSES.index(kind)], 1)
