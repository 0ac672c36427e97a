"""The states of an order, over all pairs of state and event."""

from itertools import product

from portal.orders.states import TRANSITIONS, OrderEvent, OrderState

ENDED = (OrderState.COMPLETE, OrderState.UNSUCCESSFUL, OrderState.CANCELLED, OrderState.EXPIRED)
WORKERS = (OrderEvent.TAKEN, OrderEvent.PUT_BACK, OrderEvent.COMPLETED, OrderEvent.GIVEN_UP)


def test_workers_and_cancelling_touch_orders_in_process_alone() -> None:
    for state, event in product(OrderState, (*WORKERS, OrderEvent.CANCEL_ASKED)):
        assert ((state, event) in TRANSITIONS) == (state is OrderState.PROCESSING), (state, event)


def test_whatever_has_ended_can_be_made_again_and_nothing_else() -> None:
    for state in OrderState:
        expected = OrderState.PROCESSING if state in ENDED else None
        assert TRANSITIONS.get((state, OrderEvent.RETRY_ASKED)) is expected


def test_only_a_complete_order_expires() -> None:
    for state in OrderState:
        expected = OrderState.EXPIRED if state is OrderState.COMPLETE else None
        assert TRANSITIONS.get((state, OrderEvent.KEPT_LONG_ENOUGH)) is expected


def test_each_event_leads_to_one_state() -> None:
    led: dict[OrderEvent, set[OrderState]] = {}
    for (_, event), state in TRANSITIONS.items():
        led.setdefault(event, set()).add(state)
    assert set(led) == set(OrderEvent)
    assert {len(states) for states in led.values()} == {1}
