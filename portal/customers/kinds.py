"""What a customer is: a household or a business (guide 10.3)."""

from enum import StrEnum


class CustomerKind(StrEnum):
    """Residential customers and businesses register with the same form but for the business's name."""

    RESIDENTIAL = "residential"
    BUSINESS = "business"
