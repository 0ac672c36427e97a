"""How a meter goes from one gateway to another: the steps and the table of them (pure).

A meter is at one gateway at most. The old one must have said that it serves the meter no more, and when its reads
succeeded, before the new one is told of it; each step waits for one command's end.
"""

from enum import StrEnum


class Step(StrEnum):
    """Where a meter stands between gateways."""

    UNSERVED = "unserved"
    SERVED = "served"
    WITHDRAWING = "withdrawing"
    ASSIGNING = "assigning"


class Event(StrEnum):
    """What can happen: asked by people, or told by the gateway whose command is awaited.

    MOVE_ASKED is an assignment to another gateway than the one that serves the meter, ASSIGN_ASKED to that one or to
    the first; withdrawn_on and withdrawn_off tell whether a next gateway is named.
    """

    ASSIGN_ASKED = "assign_asked"
    MOVE_ASKED = "move_asked"
    WITHDRAW_ASKED = "withdraw_asked"
    WITHDRAWN_ON = "withdrawn_on"
    WITHDRAWN_OFF = "withdrawn_off"
    NOT_WITHDRAWN = "not_withdrawn"
    ASSIGNED = "assigned"
    NOT_ASSIGNED = "not_assigned"
    NOT_CHANGED = "not_changed"


TRANSITIONS: dict[tuple[Step, Event], Step] = {
    (Step.UNSERVED, Event.ASSIGN_ASKED): Step.ASSIGNING,
    (Step.SERVED, Event.ASSIGN_ASKED): Step.ASSIGNING,
    (Step.SERVED, Event.MOVE_ASKED): Step.WITHDRAWING,
    (Step.SERVED, Event.WITHDRAW_ASKED): Step.WITHDRAWING,
    (Step.WITHDRAWING, Event.WITHDRAWN_ON): Step.ASSIGNING,
    (Step.WITHDRAWING, Event.WITHDRAWN_OFF): Step.UNSERVED,
    (Step.WITHDRAWING, Event.NOT_WITHDRAWN): Step.SERVED,
    (Step.ASSIGNING, Event.ASSIGNED): Step.SERVED,
    (Step.ASSIGNING, Event.NOT_ASSIGNED): Step.UNSERVED,
    (Step.ASSIGNING, Event.NOT_CHANGED): Step.SERVED,
}
"""Step and event to the next step; a pair that is absent is refused, or changes nothing."""
