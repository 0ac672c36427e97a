"""The states of a report order, and what each event makes of them (pure)."""

from enum import StrEnum


class OrderState(StrEnum):
    """The guide's three states (RPT-20), and two of our own: cancelled by its account, and its files no longer kept."""

    PROCESSING = "processing"
    COMPLETE = "complete"
    UNSUCCESSFUL = "unsuccessful"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class OrderEvent(StrEnum):
    """What can happen to an order: by a worker, by its account (asked), or by time."""

    TAKEN = "taken"
    PUT_BACK = "put_back"
    COMPLETED = "completed"
    GIVEN_UP = "given_up"
    CANCEL_ASKED = "cancel_asked"
    RETRY_ASKED = "retry_asked"
    KEPT_LONG_ENOUGH = "kept_long_enough"


TRANSITIONS: dict[tuple[OrderState, OrderEvent], OrderState] = {
    (OrderState.PROCESSING, OrderEvent.TAKEN): OrderState.PROCESSING,
    (OrderState.PROCESSING, OrderEvent.PUT_BACK): OrderState.PROCESSING,
    (OrderState.PROCESSING, OrderEvent.COMPLETED): OrderState.COMPLETE,
    (OrderState.PROCESSING, OrderEvent.GIVEN_UP): OrderState.UNSUCCESSFUL,
    (OrderState.PROCESSING, OrderEvent.CANCEL_ASKED): OrderState.CANCELLED,
    (OrderState.COMPLETE, OrderEvent.KEPT_LONG_ENOUGH): OrderState.EXPIRED,
    (OrderState.COMPLETE, OrderEvent.RETRY_ASKED): OrderState.PROCESSING,
    (OrderState.UNSUCCESSFUL, OrderEvent.RETRY_ASKED): OrderState.PROCESSING,
    (OrderState.CANCELLED, OrderEvent.RETRY_ASKED): OrderState.PROCESSING,
    (OrderState.EXPIRED, OrderEvent.RETRY_ASKED): OrderState.PROCESSING,
}
"""State and event to the next state; a pair that is absent is refused, or changes nothing.

A complete order may be made again, for a meter that its account may not see any more closes its files (RPT-23)."""
