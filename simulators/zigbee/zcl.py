"""ZigBee Cluster Library frames, the device's side: a request in, its response out, pure.

Source: ZigBee Cluster Library specification 07-5123, chapter 2 (foundation).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from simulators.zigbee.octets import Malformed, Octets, unsigned

READ, READ_RESPONSE, WRITE, WRITE_UNDIVIDED, WRITE_RESPONSE, WRITE_SILENT = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05
DEFAULT_RESPONSE, DISCOVER, DISCOVER_RESPONSE = 0x0B, 0x0C, 0x0D
RESPONSES = frozenset((READ_RESPONSE, WRITE_RESPONSE, 0x07, 0x09, DEFAULT_RESPONSE, DISCOVER_RESPONSE))
"""General commands that answer one, and are never answered themselves."""
SUCCESS, FAILURE, NOT_AUTHORISED, MALFORMED = 0x00, 0x01, 0x7E, 0x80
UNSUPPORTED_CLUSTER_COMMAND, UNSUPPORTED_GENERAL_COMMAND = 0x81, 0x82
UNSUPPORTED_MANUFACTURER_COMMAND, UNSUPPORTED_MANUFACTURER_GENERAL = 0x83, 0x84
UNSUPPORTED_ATTRIBUTE, READ_ONLY, UNSUPPORTED_CLUSTER = 0x86, 0x88, 0xC3

BITMAP8, BITMAP16, UINT8, UINT16, UINT24, UINT32, UINT48 = 0x18, 0x19, 0x20, 0x21, 0x22, 0x23, 0x25
INT24, INT32, ENUM8, ENUM16, OCTETS, TEXT, UTC = 0x2A, 0x2B, 0x30, 0x31, 0x41, 0x42, 0xE2
WIDTHS = {BITMAP8: 1, UINT8: 1, UINT16: 2, UINT24: 3, UINT32: 4, UINT48: 6, INT24: 3, ENUM8: 1, ENUM16: 2, UTC: 4}
WIDTHS |= {0x08: 1, 0x10: 1, 0x19: 2, 0x1A: 3, 0x1B: 4, 0x24: 5, 0x26: 7, 0x27: 8, 0x28: 1, 0x29: 2, 0x2B: 4, 0x2C: 5}
WIDTHS |= {0x2D: 6, 0x2E: 7, 0x2F: 8, 0x38: 2, 0x39: 4, 0x3A: 8, 0xE0: 4, 0xE1: 4, 0xE8: 2, 0xE9: 2, 0xEA: 4, 0xF0: 8}
"""How many bytes a value has, by type; strings tell it themselves."""
_SIGNED = frozenset(range(0x28, 0x30))


@dataclass(frozen=True, slots=True)
class Value:
    """An attribute's value with its type on the wire: an integer, or the bytes of a string."""

    type: int
    content: int | bytes


class Cluster(Protocol):
    """One side of a cluster on one endpoint, its server or its client."""

    def attributes(self) -> Sequence[int]:
        """The ids of the attributes that this side has, ascending."""
        ...

    def attribute(self, attribute: int) -> Value | None:
        """An attribute's value now; None if this side does not have it."""
        ...

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        """Told once before a Read Attributes is answered; bytes stand in for the records of the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Header:
    """A ZCL frame's header."""

    control: int
    manufacturer: int | None
    tsn: int
    command: int

    @property
    def general(self) -> bool:
        """Whether the command is one of the foundation's, not the cluster's own."""
        return self.control & 0x03 == 0

    @property
    def from_server(self) -> bool:
        """Whether the frame goes from the cluster's server to its client."""
        return bool(self.control & 0x08)

    @property
    def quiet(self) -> bool:
        """Whether the sender wants no Default Response when all is well."""
        return bool(self.control & 0x10)


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a cluster's own, as it came: its header, its body, and whether a link key protected it."""

    header: Header
    body: bytes
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """A command of the cluster's own that answers another."""

    command: int
    body: bytes = b""


@runtime_checkable
class Commanded(Cluster, Protocol):
    """A side of a cluster that takes commands of the cluster's own."""

    def command(self, command: Command) -> Reply | int | None:
        """What a command is answered with: a reply, a status for a Default Response, or None for silence.

        What ends too early may raise Malformed, and is answered so.
        """
        ...


def parse(payload: bytes) -> tuple[Header, Octets]:
    """A frame's header, and what follows it. Raises Malformed."""
    octets = Octets(payload)
    control = octets.unsigned(1)
    manufacturer = octets.unsigned(2) if control & 0x04 else None
    if control & 0x03 > 1:
        raise Malformed(f"frame control {control:02X} has no known frame type")
    return Header(control, manufacturer, octets.unsigned(1), octets.unsigned(1)), octets


def encode(value: Value) -> bytes:
    """A value as its type prescribes, without the type."""
    if isinstance(value.content, bytes):
        return bytes((len(value.content),)) + value.content
    return value.content.to_bytes(WIDTHS[value.type], "little", signed=value.type in _SIGNED)


def response(request: Header, command: int, body: bytes) -> bytes:
    """A general response to a request, in the other direction and wanting no answer itself."""
    control = 0x10 | (request.control ^ 0x08) & 0x08
    if request.manufacturer is None:
        return bytes((control, request.tsn, command)) + body
    return bytes((control | 0x04,)) + unsigned(request.manufacturer, 2) + bytes((request.tsn, command)) + body


def default_response(request: Header, status: int) -> bytes:
    """A Default Response to a request."""
    return response(request, DEFAULT_RESPONSE, bytes((request.command, status)))


def request(tsn: int, command: int, body: bytes = b"", *, general: bool = False, from_server: bool = False) -> bytes:
    """A frame that asks, or tells: its sender wants no Default Response when all is well."""
    return bytes((0x10 | (not general) | 0x08 * from_server, tsn, command)) + body


def reply(header: Header, answer: Reply) -> bytes:
    """A command of the cluster's own in answer to another."""
    return bytes((0x11 | (header.control ^ 0x08) & 0x08, header.tsn, answer.command)) + answer.body


def serve(
    cluster: Cluster, payload: bytes, room: int, *, client: bool = False, encrypted: bool = False
) -> bytes | None:
    """The frame that answers a request within room bytes; None where the specification wants silence.

    client says that the cluster is the client's side, whose requests come from servers.
    """
    try:
        header, octets = parse(payload)
    except Malformed:
        return None
    if header.general and header.command in RESPONSES:
        return None
    try:
        return _serve(cluster, header, octets, room, client=client, encrypted=encrypted)
    except Malformed:
        return default_response(header, MALFORMED)


def _serve(
    cluster: Cluster, header: Header, octets: Octets, room: int, *, client: bool, encrypted: bool
) -> bytes | None:
    if header.manufacturer is not None:
        status = UNSUPPORTED_MANUFACTURER_GENERAL if header.general else UNSUPPORTED_MANUFACTURER_COMMAND
        return default_response(header, status)
    if header.from_server is not client:
        return default_response(header, UNSUPPORTED_GENERAL_COMMAND if header.general else UNSUPPORTED_CLUSTER_COMMAND)
    if not header.general:
        return _obey(cluster, Command(header, octets.rest(), encrypted))
    match header.command:
        case 0x00:
            return _read(cluster, header, octets, room)
        case 0x02 | 0x03:
            return response(header, WRITE_RESPONSE, _write(cluster, octets))
        case 0x05:
            return None
        case 0x0C:
            return _discover(cluster, header, octets, room)
    return default_response(header, UNSUPPORTED_GENERAL_COMMAND)


def _obey(cluster: Cluster, command: Command) -> bytes | None:
    """A cluster's own command; all's well is not said to a sender who does not want to hear it."""
    header = command.header
    if not isinstance(cluster, Commanded):
        return default_response(header, UNSUPPORTED_CLUSTER_COMMAND)
    answer = cluster.command(command)
    if isinstance(answer, Reply):
        return reply(header, answer)
    if answer is None or (answer == SUCCESS and header.quiet):
        return None
    return default_response(header, answer)


def _read(cluster: Cluster, header: Header, octets: Octets, room: int) -> bytes:
    wanted = [octets.unsigned(2) for _ in range(octets.left // 2)]
    if octets.left or not wanted:
        raise Malformed("attribute ids have two bytes each")
    instead = cluster.reading(wanted)
    if instead is not None:
        return response(header, READ_RESPONSE, instead)
    body = b""
    for attribute in wanted:
        record = _record(attribute, cluster.attribute(attribute))
        if len(body) + len(record) + 3 > room:
            break  # what does not fit is left out, and the client asks again
        body += record
    return response(header, READ_RESPONSE, body)


def _record(attribute: int, value: Value | None) -> bytes:
    if value is None:
        return unsigned(attribute, 2) + bytes((UNSUPPORTED_ATTRIBUTE,))
    return unsigned(attribute, 2) + bytes((SUCCESS, value.type)) + encode(value)


def read_records(body: bytes) -> dict[int, Value]:
    """The attributes in a Read Attributes Response that were given. Raises Malformed."""
    octets, values = Octets(body), dict[int, Value]()
    while octets.left:
        attribute, status = octets.unsigned(2), octets.unsigned(1)
        if status == SUCCESS:
            kind = octets.unsigned(1)
            values[attribute] = Value(kind, _content(kind, octets))
    return values


def _write(cluster: Cluster, octets: Octets) -> bytes:
    """Nothing can be written: each record's status says why."""
    body = b""
    while octets.left:
        attribute = octets.unsigned(2)
        _content(octets.unsigned(1), octets)
        status = UNSUPPORTED_ATTRIBUTE if cluster.attribute(attribute) is None else READ_ONLY
        body += bytes((status,)) + unsigned(attribute, 2)
    return body


def _content(kind: int, octets: Octets) -> int | bytes:
    if kind in (OCTETS, TEXT):
        return octets.counted()
    if kind in (0x43, 0x44):
        return octets.counted(2)
    width = WIDTHS.get(kind)
    if width is None:
        raise Malformed(f"type {kind:02X} has no known size")
    return int.from_bytes(octets.take(width), "little", signed=kind in _SIGNED)


def _discover(cluster: Cluster, header: Header, octets: Octets, room: int) -> bytes:
    first, most = octets.unsigned(2), octets.unsigned(1)
    known = [(attribute, cluster.attribute(attribute)) for attribute in cluster.attributes() if attribute >= first]
    present = [(attribute, value) for attribute, value in known if value is not None]
    shown = present[: min(most, (room - 4) // 3)]
    records = b"".join(unsigned(attribute, 2) + bytes((value.type,)) for attribute, value in shown)
    return response(header, DISCOVER_RESPONSE, bytes((len(shown) == len(present),)) + records)
