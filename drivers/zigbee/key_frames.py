"""Key Establishment's frames as the cluster library wraps them, and reads of its attribute, to and from bytes (pure).

A frame is control, transaction number and command id, then the body. Source: ZigBee Cluster Library, sections 2.4
(header) and 2.5.1-2 (Read Attributes); ZigBee Smart Energy 1.4, annex C.3.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.zigbee.cbke.frames import Frame

_GLOBAL, _CLUSTER, _TYPE = 0x00, 0x01, 0x03
_OF_A_MANUFACTURER, _FROM_SERVER, _NO_DEFAULT_RESPONSE = 0x04, 0x08, 0x10
_READ, _READ_ANSWER = 0x00, 0x01
_HEADER_OCTETS = 3
_SUITES_ATTRIBUTE, _ENUM16 = 0x0000, 0x31
_SUCCESS, _UNSUPPORTED = 0x00, 0x86
_MOST_ATTRIBUTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCommand:
    """A command of one exchange; from_server says that its sender is the responder."""

    frame: Frame
    transaction: int
    from_server: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributesAsked:
    """A Read Attributes; from_server says that it goes to our cluster's client."""

    attributes: tuple[int, ...]
    transaction: int
    from_server: bool


def decode(data: bytes) -> KeyCommand | AttributesAsked | None:
    """What a frame on the cluster says; None for what neither concerns an exchange nor wants an answer."""
    if len(data) < _HEADER_OCTETS or data[0] & _OF_A_MANUFACTURER:
        return None
    control, transaction, command, body = data[0], data[1], data[2], data[_HEADER_OCTETS:]
    from_server = bool(control & _FROM_SERVER)
    if control & _TYPE == _CLUSTER:
        return KeyCommand(frame=Frame(command, body), transaction=transaction, from_server=from_server)
    if control & _TYPE == _GLOBAL and command == _READ:
        asked = [int.from_bytes(body[at : at + 2], "little") for at in range(0, len(body) - 1, 2)]
        return AttributesAsked(
            attributes=tuple(asked[:_MOST_ATTRIBUTES]), transaction=transaction, from_server=from_server
        )
    return None


def encode(command: KeyCommand) -> bytes:
    """A command's bytes; nobody is to answer it with a Default Response."""
    control = _CLUSTER | _NO_DEFAULT_RESPONSE | (_FROM_SERVER if command.from_server else 0)
    return bytes([control, command.transaction, command.frame.command]) + command.frame.body


def answer(asked: AttributesAsked, suites: Sequence[int]) -> bytes:
    """The Read Attributes Response: our suites as one mask, and that we have no other attribute."""
    direction = 0 if asked.from_server else _FROM_SERVER
    head = bytes([_GLOBAL | _NO_DEFAULT_RESPONSE | direction, asked.transaction, _READ_ANSWER])
    return head + b"".join(_record(attribute, suites) for attribute in asked.attributes)


def _record(attribute: int, suites: Sequence[int]) -> bytes:
    name = attribute.to_bytes(2, "little")
    if attribute != _SUITES_ATTRIBUTE:
        return name + bytes([_UNSUPPORTED])
    return name + bytes([_SUCCESS, _ENUM16]) + sum(suites).to_bytes(2, "little")
