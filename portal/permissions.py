"""Who may do what, and to whose things: one table (pure; guide 5.1, 5.2, ADM-01, ADM-02, ADM-09, ADM-10).

Which meters somebody sees is portal/visibility.py's rule. ERCOT and the PUCT look at the market and change nothing of
it; their administrators look after their own people, as every company's do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.accounts.status import AccountStatus
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus


class Action(StrEnum):
    """What somebody may want to do."""

    SEE_METERS = "see_meters"
    REQUEST_READS = "request_reads"
    ASSIGN_METERS = "assign_meters"
    MANAGE_DEVICES = "manage_devices"
    SEE_AGREEMENTS = "see_agreements"
    MANAGE_ENERGY_AGREEMENTS = "manage_energy_agreements"
    MANAGE_DEVICE_AGREEMENTS = "manage_device_agreements"
    SEE_PROFILE = "see_profile"
    EDIT_PROFILE = "edit_profile"
    SEE_ACCOUNTS = "see_accounts"
    CHANGE_ACCOUNTS = "change_accounts"
    SEE_REQUESTS = "see_requests"
    DECIDE_COMPANIES = "decide_companies"
    SEE_COMPANIES = "see_companies"
    CHANGE_COMPANIES = "change_companies"
    SEE_AUDIT = "see_audit"
    ATTACH_METERS = "attach_meters"
    ASK_RELEASES = "ask_releases"
    DECIDE_RELEASES = "decide_releases"
    SEE_NOTICES = "see_notices"
    TELL_NOTICES = "tell_notices"


class Whose(StrEnum):
    """Whose thing it is: the own company's (for a customer, his own), a REP's, or another company's."""

    OWN = "own"
    REP = "rep"
    OTHER = "other"


class Permission(StrEnum):
    """The two permissions that administrators grant, and have themselves."""

    ENERGY_DATA = "energy_data"
    HOME_DEVICES = "home_devices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which kinds may: every account of theirs, or administrators only, or whoever has an optional permission."""

    kinds: frozenset[Kind]
    administrators: bool = False
    optional: Permission | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What the table asks of somebody; company is None for customers."""

    kind: Kind
    administrator: bool = False
    energy_data: bool = False
    home_devices: bool = False
    account: AccountStatus = AccountStatus.ACTIVE
    company: CompanyStatus | None = CompanyStatus.ACTIVE


_COMPANIES = frozenset(Kind) - {Kind.CUSTOMER}
_MARKET = frozenset({Kind.REP, Kind.TDSP, Kind.THIRD_PARTY, Kind.CUSTOMER, Kind.ERCOT, Kind.PUCT})
_PARTIES = frozenset({Kind.REP, Kind.THIRD_PARTY})
_TDSP = frozenset({Kind.TDSP})
_OPERATOR = frozenset({Kind.OPERATOR})
_OWN, _REP, _OTHER = Whose.OWN, Whose.REP, Whose.OTHER
_ADMINISTRATORS_OF_ALL = Rule(kinds=_COMPANIES, administrators=True)
_TEAM = Rule(kinds=_OPERATOR)
_TEAM_ADMINISTRATORS = Rule(kinds=_OPERATOR, administrators=True)

TABLE: Mapping[tuple[Action, Whose], Rule] = {
    (Action.SEE_METERS, _OWN): Rule(kinds=_MARKET),
    (Action.REQUEST_READS, _OWN): Rule(kinds=frozenset({Kind.REP, Kind.TDSP, Kind.CUSTOMER})),
    (Action.ASSIGN_METERS, _OWN): Rule(kinds=_TDSP),
    (Action.MANAGE_DEVICES, _OWN): Rule(kinds=_TDSP | {Kind.REP}, optional=Permission.HOME_DEVICES),
    (Action.SEE_AGREEMENTS, _OWN): Rule(kinds=_PARTIES),
    (Action.MANAGE_ENERGY_AGREEMENTS, _OWN): Rule(kinds=_PARTIES, optional=Permission.ENERGY_DATA),
    (Action.MANAGE_DEVICE_AGREEMENTS, _OWN): Rule(kinds=_PARTIES, optional=Permission.HOME_DEVICES),
    (Action.SEE_PROFILE, _OWN): Rule(kinds=_COMPANIES),
    (Action.SEE_PROFILE, _REP): _TEAM,
    (Action.SEE_PROFILE, _OTHER): _TEAM,
    (Action.EDIT_PROFILE, _OWN): _ADMINISTRATORS_OF_ALL,
    (Action.SEE_ACCOUNTS, _OWN): _ADMINISTRATORS_OF_ALL,
    (Action.SEE_ACCOUNTS, _REP): _TEAM,
    (Action.SEE_ACCOUNTS, _OTHER): _TEAM,
    (Action.CHANGE_ACCOUNTS, _OWN): _ADMINISTRATORS_OF_ALL,
    (Action.CHANGE_ACCOUNTS, _REP): _TEAM_ADMINISTRATORS,
    (Action.CHANGE_ACCOUNTS, _OTHER): _TEAM_ADMINISTRATORS,
    (Action.SEE_REQUESTS, _REP): Rule(kinds=_TDSP, administrators=True),
    (Action.SEE_REQUESTS, _OTHER): _TEAM,
    (Action.DECIDE_COMPANIES, _REP): Rule(kinds=_TDSP, administrators=True),
    (Action.DECIDE_COMPANIES, _OTHER): _TEAM_ADMINISTRATORS,
    (Action.SEE_COMPANIES, _OWN): _TEAM,
    (Action.SEE_COMPANIES, _REP): _TEAM,
    (Action.SEE_COMPANIES, _OTHER): _TEAM,
    (Action.CHANGE_COMPANIES, _REP): _TEAM_ADMINISTRATORS,
    (Action.CHANGE_COMPANIES, _OTHER): _TEAM_ADMINISTRATORS,
    (Action.SEE_AUDIT, _OWN): _ADMINISTRATORS_OF_ALL,
    (Action.SEE_AUDIT, _REP): _TEAM,
    (Action.SEE_AUDIT, _OTHER): _TEAM,
    (Action.ATTACH_METERS, _OWN): Rule(kinds=frozenset({Kind.CUSTOMER})),
    (Action.ASK_RELEASES, _OWN): Rule(kinds=frozenset({Kind.REP})),
    (Action.DECIDE_RELEASES, _OWN): Rule(kinds=_TDSP, administrators=True),
    (Action.SEE_NOTICES, _OWN): Rule(kinds=_TDSP),
    (Action.TELL_NOTICES, _OWN): Rule(kinds=_TDSP, administrators=True),
}
"""A pair that is not here is nobody's. The companies decided upon are requests of a REP (any TDSP's administrator
answers them, AMB-15) and of all others (the operating team does); their added DUNS numbers go the same way."""


def may(role: Role, action: Action, whose: Whose = Whose.OWN) -> bool:
    """Whether somebody may do something. Whoever is not Active, or whose company is not, may nothing (GATE-01)."""
    if role.account is not AccountStatus.ACTIVE:
        return False
    if role.kind is not Kind.CUSTOMER and role.company is not CompanyStatus.ACTIVE:
        return False
    rule = TABLE.get((action, whose))
    if rule is None or role.kind not in rule.kinds:
        return False
    if role.kind is Kind.CUSTOMER:
        return rule.optional is None and not rule.administrators
    if rule.administrators:
        return role.administrator
    granted = {Permission.ENERGY_DATA: role.energy_data, Permission.HOME_DEVICES: role.home_devices}
    return rule.optional is None or role.administrator or granted[rule.optional]


def whose_company(kind: Kind, *, own: bool) -> Whose:
    """Whose thing a company of a kind is."""
    if own:
        return Whose.OWN
    return Whose.REP if kind is Kind.REP else Whose.OTHER
