"""Why a join failed: decided from what was seen of it, by one rule (pure)."""

from dataclasses import dataclass
from types import MappingProxyType

from drivers.zigbee.cbke.exchange import KeyRefused, KeyTimedOut
from drivers.zigbee.cbke.frames import Status
from gateway.han.words import Cause
from gateway.identifiers import Eui64

REFUSALS = MappingProxyType(
    {
        Status.UNKNOWN_ISSUER: Cause.UNKNOWN_ISSUER,
        Status.BAD_KEY_CONFIRM: Cause.BAD_KEY_CONFIRM,
        Status.BAD_MESSAGE: Cause.BAD_MESSAGE,
        Status.NO_RESOURCES: Cause.NO_RESOURCES,
        Status.UNSUPPORTED_SUITE: Cause.UNSUPPORTED_SUITE,
        Status.INVALID_KEY_USAGE: Cause.INVALID_KEY_USAGE,
    }
)
"""The cause that each Terminate status of key establishment is."""

MOST_STRANGERS = 8
"""How many other devices a join remembers: enough to name one, too few to fill memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What was seen of a device while it was awaited.

    attempts counts the joins that the trust centre let in, denials those that it turned away; strangers are other
    devices that were turned away meanwhile. key is how its key establishment ended without a key.
    """

    attempts: int = 0
    denials: int = 0
    strangers: tuple[Eui64, ...] = ()
    announced: bool = False
    interviewed: bool = False
    key: KeyRefused | KeyTimedOut | None = None
    left: bool = False
    table_full: bool = False
    link_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The cause of a failure, and what people should know of it."""

    cause: Cause
    detail: str


def cause_of(seen: Observations) -> Verdict:
    """The cause of a join that came to nothing: the first of these that was seen, the surest first.

    A device that was let in but never announced itself could not read the network key that was sent to it: its key is
    another, so the install code is. Nothing at all says only that the window passed.
    """
    if seen.link_lost:
        return _verdict(Cause.LINK_LOST, "the co-processor was lost while the device joined")
    if seen.table_full:
        return _verdict(Cause.KEY_TABLE_FULL, "the co-processor has no room for another key")
    if seen.key is not None:
        return _verdict_on(seen.key)
    if seen.left:
        return _verdict(Cause.LEFT_BY_ITSELF, "the device left the network while it joined")
    if seen.interviewed:
        return _verdict(Cause.KEY_TIMEOUT, "the device never began to establish a key")
    if seen.announced:
        return _verdict(Cause.INTERVIEW_FAILED, "the device does not tell about itself as a Smart Energy device does")
    if seen.attempts:
        times = "once" if seen.attempts == 1 else f"{seen.attempts} times"
        return _verdict(Cause.WRONG_INSTALL_CODE, f"the device was let in {times} but could not read the network key")
    if seen.denials:
        return _verdict(Cause.JOIN_DENIED, f"the trust centre turned the device away ({seen.denials} attempts)")
    if seen.strangers:
        return _verdict(Cause.WRONG_MAC, f"another device tried to join: {', '.join(seen.strangers)}")
    return _verdict(Cause.WINDOW_EXPIRED, "no device tried to join")


def _verdict_on(key: KeyRefused | KeyTimedOut) -> Verdict:
    """The cause of a key establishment that ended without a key; an unknown status is a message that cannot be read."""
    if isinstance(key, KeyTimedOut):
        return _verdict(Cause.KEY_TIMEOUT, f"the device fell silent: {key.awaited.name} was awaited")
    who = "the device refused the key" if key.by_partner else "the device's key establishment was refused"
    known = key.status in list(Status)
    return _verdict(REFUSALS[Status(key.status)] if known else Cause.BAD_MESSAGE, f"{who}: {key.reason}")


def _verdict(cause: Cause, detail: str) -> Verdict:
    return Verdict(cause=cause, detail=detail)
