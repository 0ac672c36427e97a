"""Why a read ended without a value, and what the meter's flags mean, in words for people (pure)."""

from gateway.errors import FailureReason
from gateway.reads import Age, Freshness, MeterFlag
from portal.pages.formats import span

NOT_FULFILLED = "Error! On Demand Read request could not be fulfilled. Please try again"
"""The guide's own sentence for a failed read (8.2.4)."""

HOUR_KEPT = "This request did not use up the hour: you may ask again at once."

REASONS = {
    FailureReason.TIMEOUT: "The meter did not answer in time.",
    FailureReason.LINK_LOST: "The gateway has lost its connection to the meter's network.",
    FailureReason.BAD_READING: "The meter answered with something that cannot be trusted, so it is not shown.",
    FailureReason.UNSUPPORTED: "The meter has no register that can be read on demand.",
    FailureReason.UNAUTHORISED: "The meter's network refused the gateway's keys.",
    FailureReason.STALE: "The meter answered with a value from before this request, so it is not shown.",
    FailureReason.INTERRUPTED: "The gateway started again while it was reading the meter.",
    FailureReason.EXPIRED: "The gateway did not answer before the request's deadline.",
    FailureReason.LIMIT: "The meter had been read within the limits already when the request reached its gateway.",
    FailureReason.IN_FLIGHT: "Another read of this meter was under way at its gateway.",
    FailureReason.UNKNOWN_METER: "The gateway does not know this meter. Its TDSP can tell why.",
}

FLAGS = {
    MeterFlag.CHECK_METER: "The meter asks to be checked",
    MeterFlag.LOW_BATTERY: "Battery low",
    MeterFlag.TAMPER: "Tampering detected",
    MeterFlag.POWER_FAILURE: "Power failure",
    MeterFlag.POWER_QUALITY: "Power quality problem",
    MeterFlag.LEAK: "Leak detected",
    MeterFlag.SERVICE_DISCONNECT_OPEN: "Service is disconnected",
}


def reason_in_words(reason: FailureReason | None) -> str:
    """A sentence for a reason; a failure that gave none still gets one."""
    return "The read failed, and no reason is known." if reason is None else REASONS[reason]


def age_in_words(age: Age) -> str:
    """How old a value may be: what is not known is said."""
    if age.freshness is Freshness.FRESH and age.at_most_s is not None:
        return f"at most {span(max(1, age.at_most_s))} old when it arrived"
    if age.at_most_s is not None:
        return f"the meter does not say how old; it renews its registers every {span(age.at_most_s)}"
    return "the meter does not say how old"
