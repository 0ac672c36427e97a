"""How a device's stage follows from what happens to it: the table of its whole life (pure)."""

from enum import StrEnum

from gateway.han.words import Stage


class Event(StrEnum):
    """What can happen to a device: asked by people, told by the driver, or done by the device itself."""

    JOIN_ASKED = "join_asked"
    VALIDATED = "validated"
    KEY_INSTALLED = "key_installed"
    WINDOW_OPEN = "window_open"
    JOINED = "joined"
    ANNOUNCED = "announced"
    INTERVIEWED = "interviewed"
    KEY_ESTABLISHING = "key_establishing"
    REGISTERED = "registered"
    ACTIVATED = "activated"
    FAILED = "failed"
    REMOVAL_ASKED = "removal_asked"
    REMOVED = "removed"
    LEFT = "left"
    REJOINED = "rejoined"


STEPS = (
    Stage.VALIDATED,
    Stage.KEY_INSTALLED,
    Stage.WINDOW_OPEN,
    Stage.JOINED,
    Stage.ANNOUNCED,
    Stage.INTERVIEWED,
    Stage.KEY_ESTABLISHING,
    Stage.REGISTERED,
)
"""The steps of a join after its request, each told under its own name."""

JOINING = (Stage.REQUESTED, *STEPS)
"""The stages of a device whose join is under way."""

GONE = (Stage.REMOVED, Stage.FAILED)
"""The stages of a device that is not, or not any more, on its meter's network."""

TRANSITIONS: dict[tuple[Stage | None, Event], Stage] = {
    **{(stage, Event.JOIN_ASKED): Stage.REQUESTED for stage in (None, Stage.ACTIVE, *GONE)},
    # A join goes forward only: a device may announce itself again, or begin its key before its interview is over.
    **{(stage, Event(step)): step for at, stage in enumerate(JOINING) for step in STEPS[at:]},
    (Stage.REGISTERED, Event.ACTIVATED): Stage.ACTIVE,
    **{(stage, Event.FAILED): Stage.FAILED for stage in (*JOINING, Stage.REMOVING)},
    **{(stage, Event.REMOVAL_ASKED): Stage.REMOVING for stage in (*JOINING, Stage.ACTIVE, *GONE)},
    (Stage.REMOVING, Event.REMOVED): Stage.REMOVED,
    (Stage.REMOVING, Event.LEFT): Stage.REMOVED,
    (Stage.ACTIVE, Event.LEFT): Stage.FAILED,
    (Stage.FAILED, Event.REJOINED): Stage.ACTIVE,
}
"""Stage (None: never seen) and event to the next stage; a pair that is absent changes nothing."""
