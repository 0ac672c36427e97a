"""Watt-hours as the text of kilowatt-hours that files have: three decimals, exactly."""

from functools import lru_cache

from gateway.errors import BadInput

MOST_WH = 999_999_999
"""What the readers of these files take."""


def thousandths_text(value: int) -> str:
    """Wh as kWh, W as kW, of any size and sign: 1234567890 is 1234567.890."""
    sign, size = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{size // 1000}.{size % 1000:03}"


@lru_cache(maxsize=65_536)
def kwh_text(watt_hours: int) -> str:
    """Such as 0.859 for 859. Raises BadInput for what no interval file can hold."""
    if not 0 <= watt_hours <= MOST_WH:
        raise BadInput(f"an interval of {watt_hours} Wh cannot be written: files hold 0 to {MOST_WH} Wh")
    return f"{watt_hours // 1000}.{watt_hours % 1000:03}"
