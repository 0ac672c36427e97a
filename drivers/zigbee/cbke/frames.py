"""The bodies of the Key Establishment cluster's commands, to and from bytes (pure).

Both directions use the same four command ids: the initiator's travel from client to server, the responder's back, and
Terminate either way. Source: ZigBee Smart Energy, annex C.3.1.
"""

from dataclasses import dataclass
from enum import IntEnum

from drivers.zigbee.cbke.suites import SUITES
from gateway.errors import BadInput

_MAC_OCTETS = 16
_TERMINATE_OCTETS = 4


class BadFrame(BadInput):
    """Bytes that are no command of the Key Establishment cluster."""


class Command(IntEnum):
    """The command ids."""

    INITIATE = 0x00
    EPHEMERAL = 0x01
    CONFIRM = 0x02
    TERMINATE = 0x03


class Status(IntEnum):
    """Why an exchange is terminated (table C-6); a partner may send others."""

    UNKNOWN_ISSUER = 0x01
    BAD_KEY_CONFIRM = 0x02
    BAD_MESSAGE = 0x03
    NO_RESOURCES = 0x04
    UNSUPPORTED_SUITE = 0x05
    INVALID_KEY_USAGE = 0x06
    """Also a certificate of another type, curve or hash than its suite's."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One command: its id and its body."""

    command: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Initiate:
    """Who the sender is, by which suites (a mask), and how many seconds its two computations may take."""

    suites: int
    ephemeral_s: int
    confirm_s: int
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EphemeralData:
    """The sender's ephemeral public key, compressed."""

    point: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmKey:
    """The sender's proof that it knows the key: MACU from the initiator, MACV from the responder."""

    mac: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate:
    """The end of an exchange: why, how many seconds to stay away, and the mask of the suites that the sender has."""

    status: int
    wait_s: int
    suites: int


Message = Initiate | EphemeralData | ConfirmKey | Terminate


def encode(message: Message) -> Frame:
    """A message as its frame; a number that does not fit its field is a programmer's error (OverflowError)."""
    match message:
        case Initiate():
            times = message.ephemeral_s.to_bytes(1, "little") + message.confirm_s.to_bytes(1, "little")
            return Frame(Command.INITIATE, message.suites.to_bytes(2, "little") + times + message.certificate)
        case EphemeralData():
            return Frame(Command.EPHEMERAL, message.point)
        case ConfirmKey():
            return Frame(Command.CONFIRM, message.mac)
        case Terminate():
            head = message.status.to_bytes(1, "little") + message.wait_s.to_bytes(1, "little")
            return Frame(Command.TERMINATE, head + message.suites.to_bytes(2, "little"))


def decode(frame: Frame) -> Message:
    """The message in a frame. Raises BadFrame for an unknown command or a wrong length.

    The certificate of a mask that is not one known suite has any length, so that the mask can be answered for.
    """
    body = frame.body
    match frame.command:
        case Command.INITIATE:
            return _initiate(body)
        case Command.EPHEMERAL:
            _require(len(body) in {suite.curve.point_octets for suite in SUITES}, body)
            return EphemeralData(point=body)
        case Command.CONFIRM:
            _require(len(body) == _MAC_OCTETS, body)
            return ConfirmKey(mac=body)
        case Command.TERMINATE:
            _require(len(body) >= _TERMINATE_OCTETS, body)
            return Terminate(status=body[0], wait_s=body[1], suites=int.from_bytes(body[2:4], "little"))
        case _:
            raise BadFrame(f"the Key Establishment cluster has no command 0x{frame.command:02x}")


def _initiate(body: bytes) -> Initiate:
    _require(len(body) >= 4, body)
    suites, certificate = int.from_bytes(body[:2], "little"), body[4:]
    for suite in SUITES:
        _require(suites != suite.bit or len(certificate) == suite.certificate_octets, body)
    return Initiate(suites=suites, ephemeral_s=body[2], confirm_s=body[3], certificate=certificate)


def _require(well_formed: bool, body: bytes) -> None:
    if not well_formed:
        raise BadFrame(f"a body of {len(body)} bytes is of the wrong length for its command")
