"""The one table of permissions, over every kind, role, action and subject."""

from itertools import product
from typing import Any

import pytest

from portal.accounts.status import AccountStatus
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus
from portal.permissions import TABLE, Action, Role, Whose, may

ROLES: dict[str, dict[str, Any]] = {
    "u": {},
    "e": {"energy_data": True},
    "h": {"home_devices": True},
    "a": {"administrator": True},
}
"""A user, one with either permission, and an administrator."""

DRAWING = """
                         own                                          rep                    other
see_meters               rep:uha tdsp:uha third_party:uha customer:u ercot:uha puct:uha | - | -
request_reads            rep:uha tdsp:uha customer:u | - | -
assign_meters            tdsp:uha | - | -
manage_devices           rep:ha tdsp:ha | - | -
see_agreements           rep:uha third_party:uha | - | -
manage_energy_agreements rep:ea third_party:ea | - | -
manage_device_agreements rep:ha third_party:ha | - | -
see_profile              rep:uha tdsp:uha third_party:uha ercot:uha puct:uha operator:uha | operator:uha | operator:uha
edit_profile             rep:a tdsp:a third_party:a ercot:a puct:a operator:a | - | -
see_accounts             rep:a tdsp:a third_party:a ercot:a puct:a operator:a | operator:uha | operator:uha
change_accounts          rep:a tdsp:a third_party:a ercot:a puct:a operator:a | operator:a | operator:a
see_requests             - | tdsp:a | operator:uha
decide_companies         - | tdsp:a | operator:a
see_companies            operator:uha | operator:uha | operator:uha
change_companies         - | operator:a | operator:a
see_audit                rep:a tdsp:a third_party:a ercot:a puct:a operator:a | operator:uha | operator:uha
attach_meters            customer:u | - | -
ask_releases             rep:uha | - | -
decide_releases          tdsp:a | - | -
see_notices              tdsp:uha | - | -
tell_notices             tdsp:a | - | -
"""


def drawn() -> set[tuple[Action, Whose, Kind, str]]:
    """The cells of the drawing that say yes; whoever a user may, one with the other permission may too."""
    cells = set()
    for line in DRAWING.strip().splitlines()[1:]:
        action, _, rest = line.partition(" ")
        for whose, cell in zip(Whose, rest.split("|"), strict=True):
            for words in cell.replace("-", "").split():
                kind, _, letters = words.partition(":")
                letters += "e" if "u" in letters else ""
                letters += "ha" if kind == "customer" else ""
                cells |= {(Action(action), whose, Kind(kind), letter) for letter in letters}
    return cells


def test_the_table_is_its_drawing() -> None:
    yes = drawn()
    for action, whose, kind, (letter, more) in product(Action, Whose, Kind, ROLES.items()):
        company = None if kind is Kind.CUSTOMER else CompanyStatus.ACTIVE
        found = may(Role(kind=kind, company=company, **more), action, whose)
        assert found == ((action, whose, kind, letter) in yes), (action, whose, kind, letter)


def test_whoever_is_not_active_or_whose_company_is_not_may_nothing() -> None:
    for (action, whose), kind, account, company in product(TABLE, Kind, AccountStatus, CompanyStatus):
        if account is AccountStatus.ACTIVE and (company is CompanyStatus.ACTIVE or kind is Kind.CUSTOMER):
            continue
        role = Role(
            kind=kind, administrator=True, energy_data=True, home_devices=True, account=account, company=company
        )
        assert not may(role, action, whose), (action, whose, kind, account, company)


@pytest.mark.parametrize("kind", [Kind.ERCOT, Kind.PUCT])
def test_ercot_and_the_puct_change_nothing_of_the_market(kind: Kind) -> None:
    everything = Role(kind=kind, administrator=True, energy_data=True, home_devices=True)
    allowed = {(action, whose) for action, whose in product(Action, Whose) if may(everything, action, whose)}
    own_people = {
        Action.SEE_ACCOUNTS,
        Action.CHANGE_ACCOUNTS,
        Action.SEE_PROFILE,
        Action.EDIT_PROFILE,
        Action.SEE_AUDIT,
    }
    assert allowed == {(action, Whose.OWN) for action in (*own_people, Action.SEE_METERS)}
