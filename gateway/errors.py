"""The exceptions of metergate, one tree.

    MetergateError
    ├── BadInput                  text or bytes that are not what they claim to be
    │   ├── BadIdentifier
    │   ├── BadConfig
    │   └── BadMessage
    └── Fault                     the world did not do its part; carries a FailureReason
        ├── Unreachable           no answer in time
        ├── LinkLost              the radio, the line or the broker is gone
        ├── BadReading            an answer that cannot be trusted
        ├── Unsupported           the device has no such thing
        └── Unauthorised          the device or the network refused our keys

Refusals are not here: a policy that says no returns a value with its reason.
"""

from enum import StrEnum


class FailureReason(StrEnum):
    """Why a read ended without a value, in words that travel over the bus."""

    TIMEOUT = "timeout"
    LINK_LOST = "link_lost"
    BAD_READING = "bad_reading"
    UNSUPPORTED = "unsupported"
    UNAUTHORISED = "unauthorised"
    STALE = "stale"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"
    LIMIT = "limit"
    IN_FLIGHT = "in_flight"
    UNKNOWN_METER = "unknown_meter"


class MetergateError(Exception):
    """The root: everything that metergate raises on purpose."""


class BadInput(MetergateError):
    """Text or bytes that are not what they claim to be."""


class BadIdentifier(BadInput, ValueError):
    """An identifier of the wrong form; pydantic reports it as a field error."""


class BadConfig(BadInput):
    """A configuration that cannot be used; the message names the key."""


class BadMessage(BadInput):
    """A bus message that cannot be decoded."""


class Fault(MetergateError):
    """The world did not do its part."""

    reason = FailureReason.BAD_READING


class Unreachable(Fault):
    """A device did not answer before its deadline."""

    reason = FailureReason.TIMEOUT


class LinkLost(Fault):
    """The connection to a radio, a line or a broker is gone."""

    reason = FailureReason.LINK_LOST


class BadReading(Fault):
    """A device answered with something that cannot be trusted."""

    reason = FailureReason.BAD_READING


class Unsupported(Fault):
    """A device does not have what was asked for."""

    reason = FailureReason.UNSUPPORTED


class Unauthorised(Fault):
    """A device or the network refused our keys."""

    reason = FailureReason.UNAUTHORISED
