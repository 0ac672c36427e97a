"""A premise's address as one line (pure)."""

from typing import Any


def service_address(premise: Any) -> str:
    """From the guide's parts of an address (figure 29), in their order: `1201 1/2 N Lamar Blvd W Apt 4`."""
    parts = (
        premise.house_number,
        premise.house_fraction,
        premise.leading_directional,
        premise.street_name,
        premise.street_type,
        premise.trailing_directional,
        premise.unit,
    )
    return " ".join(part for part in parts if part)
