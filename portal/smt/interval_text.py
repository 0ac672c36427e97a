"""Intervals as Smart Meter Texas writes them in JSON: one text of a hundred slots for a day and channel (pure)."""

from typing import Any

from gateway.clock import CENTRAL
from portal.usage.intervals import MeterDay
from portal.usage.kwh_text import thousandths_text
from portal.usage.slots import SLOTS, slots_in

DATE = "%m/%d/%Y"
WALL_TIME = "%m/%d/%Y %H:%M:%S"


kwh = thousandths_text
"""Wh as kWh, as every text of the façade has them."""


def slots_text(day: MeterDay) -> str:
    """A day's values, `0.123-A,0.200-E,...`: a hundred slots, of which those that the day does not have are empty."""
    cells = [""] * SLOTS
    for slot, value, estimated in zip(slots_in(len(day.values)), day.values, day.estimated, strict=True):
        if value is not None:
            cells[slot] = f"{kwh(value)}-{'E' if estimated else 'A'}"
    return ",".join(cells)


def energy_entry(day: MeterDay) -> dict[str, Any]:
    """An element of energyData: day, revision in Chicago wall time, C or G, and the slots."""
    revised = day.revised_at.astimezone(CENTRAL).strftime(WALL_TIME) if day.revised_at else ""
    return {"DT": day.day.strftime(DATE), "RevTS": revised, "RT": str(day.channel), "RD": slots_text(day)}
