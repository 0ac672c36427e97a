"""What a device says of a notice, as the gateway hears it (pure). Source: Smart Energy 1.4, D.2.2.4.1, D.4, D.5."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from zigpy.zcl.foundation import DefaultResponse

from drivers.zigbee.clusters.load_control import LoadControl
from drivers.zigbee.clusters.messaging import Messaging
from drivers.zigbee.clusters.price import Price
from drivers.zigbee.esi.instants import instant
from gateway.han.notices import Answer, Heard
from gateway.identifiers import Eui64

_STATUSES: Mapping[int, Answer] = MappingProxyType(
    {
        0x01: Answer.RECEIVED,
        0x02: Answer.STARTED,
        0x03: Answer.COMPLETED,
        0x04: Answer.OPTED_OUT,
        0x05: Answer.OPTED_IN,
        0x06: Answer.CANCELLED,
        0x07: Answer.SUPERSEDED,
        0x08: Answer.PARTLY_COMPLETED_OPT_OUT,
        0x09: Answer.PARTLY_COMPLETED_OPT_IN,
        0x0A: Answer.COMPLETED_WITHOUT_US,
    }
)
_REJECTIONS: Mapping[int, str] = MappingProxyType(
    {
        0xF6: "invalid opt-out",
        0xF7: "event not found",
        0xF8: "invalid cancel command",
        0xF9: "invalid effective time",
        0xFB: "event expired",
        0xFD: "undefined event",
        0xFE: "event rejected",
    }
)
_NO, _YES = 0x01, 0x02
_MOST_RESPONSE = 21
"""Bytes of a display's own answer to a text."""
_MOST_OFF = timedelta(hours=12)
"""How far a device's clock may be off to be believed; the portal takes no report that is a day off for a true one."""


REPORTS = frozenset(
    {
        Price.ServerCommandDefs.price_acknowledgement.schema,
        Messaging.ServerCommandDefs.message_confirmation.schema,
        LoadControl.ServerCommandDefs.report_event_status.schema,
    }
)
"""The commands by which devices say something of a notice."""


def heard(command: Any, device: Eui64, now: datetime) -> Heard | None:
    """What a device said by a command; None if it said nothing of a notice, or nothing that the profile knows."""
    kind = type(command)
    if kind is Price.ServerCommandDefs.price_acknowledgement.schema:
        return Heard(
            device=device,
            answer=Answer.PRICE_ACKNOWLEDGED,
            event=int(command.event_id),
            at=_when(command.acknowledged_time, now),
        )
    if kind is Messaging.ServerCommandDefs.message_confirmation.schema:
        return Heard(
            device=device,
            answer=Answer.TEXT_CONFIRMED,
            event=int(command.message_id),
            at=_when(command.confirmation_time, now),
            detail=_said(command),
        )
    if kind is LoadControl.ServerCommandDefs.report_event_status.schema:
        answer = Answer.REJECTED if command.status in _REJECTIONS else _STATUSES.get(int(command.status))
        if answer is None:
            return None
        return Heard(
            device=device,
            answer=answer,
            event=int(command.event_id),
            at=_when(command.status_time, now),
            detail=_REJECTIONS.get(int(command.status), ""),
        )
    return None


def refusal(response: DefaultResponse, event: int | None, device: Eui64, now: datetime) -> Heard:
    """A device refused the frame of a notice."""
    name = getattr(response.status, "name", "")
    detail = f"status 0x{int(response.status):02X} {name} to command 0x{int(response.command_id):02X}"
    return Heard(device=device, answer=Answer.REJECTED, event=event, at=now, detail=detail)


def _when(written: int, now: datetime) -> datetime:
    """When a device says that it was; a clock that is far off is not believed, for its word counts all the same."""
    at = instant(written)
    return at if at is not None and abs(at - now) <= _MOST_OFF else now


def _said(command: Any) -> str:
    """What the customer answered, where the display has more than one button."""
    control = int(command.confirmation_control or 0)
    button = {_NO: "no", _YES: "yes"}.get(control & (_NO | _YES), "")
    words = (command.response or b"")[:_MOST_RESPONSE].decode(errors="replace")
    return ": ".join(part for part in (button, "".join(letter for letter in words if letter.isprintable())) if part)
