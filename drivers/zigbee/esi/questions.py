"""What a device asks of our servers, and the frames that answer it from its board (pure).

Source: ZigBee Smart Energy 1.4, D.2.2.3.4 (events), D.4.2.3 (prices) and D.5.2.3 (texts). An empty answer is told as
NOT_FOUND. There is never an answer to GetMessageCancellation: all texts at once are never taken back.
"""

from datetime import datetime
from typing import Any

from drivers.zigbee.clusters.load_control import LoadControl
from drivers.zigbee.clusters.messaging import Messaging
from drivers.zigbee.clusters.price import Price
from drivers.zigbee.esi.board import Board, current_price, scheduled_events, scheduled_prices, settled
from drivers.zigbee.esi.frames import Frame, event_frame, price_frame, text_frame
from drivers.zigbee.esi.instants import instant

_ANY_EVENT = 0xFFFFFFFF
_PRICES, _TEXTS, _EVENTS = Price.ServerCommandDefs, Messaging.ServerCommandDefs, LoadControl.ServerCommandDefs


def answer(command: Any, board: Board, now: datetime) -> list[Frame] | None:
    """The frames that answer a question, in their order; None if the command is no question."""
    kind = type(command)
    if kind is _PRICES.get_current_price.schema:
        price = current_price(board, now)
        return [] if price is None else [price_frame(price, now)]
    if kind is _PRICES.get_scheduled_prices.schema:
        prices = scheduled_prices(board, instant(command.start_time) or now, now)
        return [price_frame(price, now) for price in prices[: command.number_of_events or None]]
    if kind is _TEXTS.get_last_message.schema:
        text = settled(board, now).text
        return [] if text is None else [text_frame(text)]
    if kind is _TEXTS.get_message_cancellation.schema:
        return []
    if kind is _EVENTS.get_scheduled_events.schema:
        lowest = None if command.event_id in (None, _ANY_EVENT) else int(command.event_id)
        events = scheduled_events(board, instant(command.start_time), lowest, now)
        return [event_frame(event) for event in events[: command.number_of_events or None]]
    return None
