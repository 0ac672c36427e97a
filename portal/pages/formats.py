"""Numbers and instants as people read them: kWh with three decimals, dates MM/DD/YYYY, 24-hour Central times (pure)."""

from datetime import datetime, timedelta

from gateway.clock import CENTRAL

ABSENT = "N/A"
"""What stands where a value is missing: never a zero."""


def thousandths(value: int | None) -> str:
    """Watt-hours as kWh, or watts as kW, exactly: 24038915 is `24,038.915`."""
    if value is None:
        return ABSENT
    whole, part = divmod(abs(value), 1000)
    return f"{'-' if value < 0 else ''}{whole:,}.{part:03}"


def day(instant: datetime | None) -> str:
    """The Central date: `11/22/2026`."""
    return ABSENT if instant is None else instant.astimezone(CENTRAL).strftime("%m/%d/%Y")


def time_of_day(instant: datetime | None) -> str:
    """The Central time to the second, `17:30:02`; in the hour that autumn repeats with its zone, `01:30:02 CDT`."""
    if instant is None:
        return ABSENT
    local = instant.astimezone(CENTRAL)
    repeated = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return local.strftime("%H:%M:%S %Z" if repeated else "%H:%M:%S")


def moment(instant: datetime | None) -> str:
    """Central date and time: `11/22/2026 17:30:02`."""
    return ABSENT if instant is None else f"{day(instant)} {time_of_day(instant)}"


def from_second(instant: datetime) -> datetime:
    """The first full second that is not before an instant: what is allowed from the instant on is allowed then."""
    return instant if instant.microsecond == 0 else instant.replace(microsecond=0) + timedelta(seconds=1)


def span(seconds: float | None) -> str:
    """A span in the largest unit that keeps it readable: `0.03 s`, `1.4 s`, `12 min`, `3 h 05 min`, `2 days`."""
    if seconds is None:
        return ABSENT
    if seconds < 120:
        return f"{seconds} s" if isinstance(seconds, int) else f"{seconds:.{1 if seconds >= 1 else 2}f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours // 24} days"


def iso(instant: datetime) -> str:
    """An instant for the datetime attribute of a time element, in UTC."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def times(count: int) -> str:
    """How often, in words: `once`, `twice`, `24 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
