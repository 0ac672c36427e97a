"""The kinds of party that the portal knows (ENT-05)."""

from enum import StrEnum


class Kind(StrEnum):
    """What somebody is in the market. A customer is an account without a company."""

    REP = "rep"
    TDSP = "tdsp"
    THIRD_PARTY = "third_party"
    ERCOT = "ercot"
    PUCT = "puct"
    CUSTOMER = "customer"
