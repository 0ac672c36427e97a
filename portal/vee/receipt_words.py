"""Receipts in words: what somebody reads who asks why a value is what it is (pure)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.clock import CENTRAL
from portal.vee.estimate import Receipt, Rule
from portal.vee.registers import Origin


def receipt_words(receipt: Receipt, place: int, replaced: int) -> str:
    """Such as "estimated: average of 2026-05-04, 2026-04-27; scaled by 1.030 to ...; replaced missing in version 12".

    replaced is the version on which the estimate rests, 0 if nothing was known of the day.
    """
    parts = [f"estimated: {_rule(receipt)}"]
    scale = receipt.inputs.get("scale")
    if scale is not None:
        parts.append(_scale(scale))
    parts.append(_replaced(receipt, place, replaced))
    return "; ".join(parts)


def _rule(receipt: Receipt) -> str:
    inputs, quarters = receipt.inputs, len(receipt.places)
    if receipt.rule is Rule.LIKE_DAY:
        days = inputs["days"]
        return f"average of {', '.join(days)}" if len(days) > 1 else f"as on {days[0]}"
    if receipt.rule is Rule.LINEAR:
        ends = f"{kwh(inputs['before_wh'])} and {kwh(inputs['after_wh'])}"
        return f"a straight line over {_quarters(quarters)} between {ends}"
    if receipt.rule is Rule.FLAT:
        side = "before" if "before_wh" in inputs else "after"
        return f"the value {side}, {kwh(inputs[f'{side}_wh'])}, for {_quarters(quarters)}"
    return f"an equal part of the {kwh(inputs['left_wh'])} that the registers leave for {_quarters(quarters)}"


def _scale(scale: Mapping[str, Any]) -> str:
    total, parts = kwh(scale["register_wh"]), scale["parts"]
    if scale["origin"] == Origin.DAILY_READ and not parts:
        register = f"the usage of {total} in the daily read"
    else:
        spans = " and ".join(
            f"{kwh(part['from_wh'])} at {_wall(part['from_at'])} and {kwh(part['to_wh'])} at {_wall(part['to_at'])}"
            f" of meter {part['meter']}"
            for part in parts
        )
        register = f"the register difference of {total} between {spans}"
    if "not_scaled" in scale:
        return f"not scaled to {register}, for {scale['not_scaled']}"
    numerator, denominator = scale["numerator"], scale["denominator"]
    if not denominator:
        return f"shared out evenly to make {register}"
    return f"scaled by {numerator / denominator:.3f} to {register}"


def _replaced(receipt: Receipt, place: int, replaced: int) -> str:
    if not replaced:
        return "nothing stood there before"
    before = receipt.inputs.get("replaced_wh") or []
    wh = before[receipt.places.index(place)] if before else None
    return f"replaced {'missing' if wh is None else kwh(wh)} in version {replaced}"


def _quarters(number: int) -> str:
    return "1 quarter hour" if number == 1 else f"{number} quarter hours"


def kwh(wh: int) -> str:
    """Such as 21.4 kWh: without zeros that say nothing."""
    text = f"{wh / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{text} kWh"


def _wall(text: str) -> str:
    """An instant in ISO form as Chicago's wall time."""
    return f"{datetime.fromisoformat(text).astimezone(CENTRAL):%Y-%m-%d %H:%M}"
