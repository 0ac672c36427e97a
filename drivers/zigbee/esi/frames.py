"""Notices to the commands that carry them (pure). Source: ZigBee Smart Energy 1.4, D.2.2.3, D.4.2.4 and D.5.2.3.

Unused fields have the values that mean so. A price fits one encrypted frame with its label; a text of more than 57
bytes goes in fragments.
"""

from dataclasses import dataclass
from datetime import datetime

from zigpy.zcl.foundation import CommandSchema

from drivers.zigbee.clusters.load_control import LoadControl as LoadControlCluster
from drivers.zigbee.clusters.messaging import Messaging
from drivers.zigbee.clusters.price import Price as PriceCluster
from drivers.zigbee.esi.board import Board, Entry, spanned
from drivers.zigbee.esi.instants import seconds
from drivers.zigbee.profile import LOAD_CONTROL, MESSAGING, PRICE
from gateway.errors import BadInput
from gateway.han.notices import (
    CancelAllLoadControl,
    CancelLoadControl,
    CancelText,
    Criticality,
    DeviceClass,
    Importance,
    LoadControl,
    Notice,
    Price,
    Text,
)

UNTIL_CHANGED = 0xFFFF
MOST_TEXT, MOST_LABEL = 254, 12
"""Bytes of UTF-8."""

_CONFIRM = 0x80
_KWH = 0x00
_UNUSED_8, _UNUSED_32, _UNUSED_POINT, _UNUSED_LOAD = 0xFF, 0xFFFFFFFF, -0x8000, -0x80
_ALL_CLASSES, _ALL_GROUPS = 0x0FFF, 0
_RANDOM_START, _RANDOM_END = 0x01, 0x02

_TELLS = Messaging.ClientCommandDefs
_PRICES = PriceCluster.ClientCommandDefs
_CONTROLS = LoadControlCluster.ClientCommandDefs


class BadNotice(BadInput):
    """A notice that has no frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A command of one of our clusters; event is the id of what it speaks of, None if it speaks of all."""

    cluster: int
    command: CommandSchema
    event: int | None


def frame(notice: Notice, board: Board, now: datetime) -> Frame:
    """The command that tells a device a notice. Raises BadNotice.

    board is what the device knows: a cancellation must name the classes and the group that the event has there.
    """
    match notice:
        case Text():
            return text_frame(spanned(notice, now), at_once=notice.starts_at is None)
        case Price():
            return price_frame(spanned(notice, now), now, at_once=notice.starts_at is None)
        case LoadControl():
            return event_frame(spanned(notice, now), at_once=notice.starts_at is None)
        case CancelText():
            command = _TELLS.cancel_message.schema(message_id=notice.event, control=0)
            return Frame(cluster=MESSAGING, command=command, event=notice.event)
        case CancelLoadControl():
            return _cancelled(notice, board)
        case CancelAllLoadControl():
            command = _CONTROLS.cancel_all_load_control_events.schema(cancel_control=int(notice.random_end))
            return Frame(cluster=LOAD_CONTROL, command=command, event=None)


def text_frame(shown: Entry[Text], at_once: bool = False) -> Frame:
    """DisplayMessage."""
    text = shown.notice
    size = len(text.text.encode())
    if size > MOST_TEXT:
        raise BadNotice(f"a text of {size} bytes is longer than {MOST_TEXT}")
    command = _TELLS.display_message.schema(
        message_id=text.event,
        control=list(Importance).index(text.importance) << 2 | (_CONFIRM if text.confirm else 0),
        start_time=0 if at_once else seconds(shown.starts_at),
        duration_min=_minutes(shown),
        message=text.text,
        extended_control=0,
    )
    return Frame(cluster=MESSAGING, command=command, event=text.event)


def price_frame(shown: Entry[Price], now: datetime, at_once: bool = False) -> Frame:
    """PublishPrice, up to the fields of version 1.1."""
    price = shown.notice
    label = price.label.encode()
    if len(label) > MOST_LABEL:
        raise BadNotice(f"a label of {len(label)} bytes is longer than {MOST_LABEL}")
    command = _PRICES.publish_price.schema(
        provider_id=price.provider,
        rate_label=label,
        event_id=price.event,
        current_time=seconds(now),
        unit=_KWH,
        currency=price.currency,
        digits_and_tier=price.digits << 4 | price.tier,
        tiers_and_register=price.tiers << 4 | price.tier,
        start_time=0 if at_once else seconds(shown.starts_at),
        duration_min=_minutes(shown),
        price=price.price,
        price_ratio=_UNUSED_8,
        generation_price=_UNUSED_32,
        generation_price_ratio=_UNUSED_8,
        alternate_cost=_UNUSED_32,
        alternate_cost_unit=_UNUSED_8,
        alternate_cost_digits=_UNUSED_8,
        block_thresholds=_UNUSED_8,
        price_control=int(price.acknowledge),
    )
    return Frame(cluster=PRICE, command=command, event=price.event)


def event_frame(shown: Entry[LoadControl], at_once: bool = False) -> Frame:
    """LoadControlEvent. On the wire a criticality's code is one more than its level: green is 1, level 1 is 2."""
    event = shown.notice
    command = _CONTROLS.load_control_event.schema(
        event_id=event.event,
        device_class=classes_mask(event.classes),
        enrolment_group=event.group,
        start_time=0 if at_once else seconds(shown.starts_at),
        duration_min=_minutes(shown),
        criticality=list(Criticality).index(event.criticality) + 1,
        cooling_offset=_or(event.cooling_offset, _UNUSED_8),
        heating_offset=_or(event.heating_offset, _UNUSED_8),
        cooling_point=_or(event.cooling_point, _UNUSED_POINT),
        heating_point=_or(event.heating_point, _UNUSED_POINT),
        average_load=_or(event.average_load, _UNUSED_LOAD),
        duty_cycle=_or(event.duty_cycle, _UNUSED_8),
        event_control=_RANDOM_START * event.random_start | _RANDOM_END * event.random_end,
    )
    return Frame(cluster=LOAD_CONTROL, command=command, event=event.event)


def classes_mask(classes: tuple[DeviceClass, ...]) -> int:
    """Device classes as their bits."""
    return sum(1 << list(DeviceClass).index(one) for one in set(classes))


def _cancelled(notice: CancelLoadControl, board: Board) -> Frame:
    known = next((event.notice for event in board.events if event.event == notice.event), None)
    command = _CONTROLS.cancel_load_control_event.schema(
        event_id=notice.event,
        device_class=_ALL_CLASSES if known is None else classes_mask(known.classes),
        enrolment_group=_ALL_GROUPS if known is None else known.group,
        cancel_control=int(notice.random_end),
        effective_time=seconds(notice.effective_at),
    )
    return Frame(cluster=LOAD_CONTROL, command=command, event=notice.event)


def _minutes(shown: Entry[Text] | Entry[Price] | Entry[LoadControl]) -> int:
    """A span in whole minutes, at least one: what is cut short ends no later than it is cut."""
    if shown.ends_at is None:
        return UNTIL_CHANGED
    return min(max(int((shown.ends_at - shown.starts_at).total_seconds()) // 60, 1), UNTIL_CHANGED - 1)


def _or(value: int | None, unused: int) -> int:
    return unused if value is None else value
