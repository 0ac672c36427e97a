"""The kinds of party that the portal knows (ENT-05), and the team that runs it."""

from enum import StrEnum


class Kind(StrEnum):
    """What somebody is in the market. A customer is an account without a company; the operator runs the portal."""

    REP = "rep"
    TDSP = "tdsp"
    THIRD_PARTY = "third_party"
    ERCOT = "ercot"
    PUCT = "puct"
    CUSTOMER = "customer"
    OPERATOR = "operator"


KIND_WORDS = {
    Kind.REP: "REP",
    Kind.TDSP: "TDSP",
    Kind.THIRD_PARTY: "third party",
    Kind.ERCOT: "ERCOT",
    Kind.PUCT: "PUCT",
    Kind.CUSTOMER: "customer",
    Kind.OPERATOR: "operating team",
}
"""Each kind for people."""

REGISTERED = (Kind.REP, Kind.TDSP, Kind.THIRD_PARTY, Kind.ERCOT, Kind.PUCT)
"""The kinds of company that somebody registers; the operating team is there from the start."""

NUMBERED = (Kind.REP, Kind.TDSP)
"""The kinds that do business under DUNS numbers, and must have one."""
