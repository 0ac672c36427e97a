"""The status machines over every pair of status and action (guide figures 12, 13 and 14)."""

from collections.abc import Callable
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from portal.accounts.machine import GONE, AccountAction, after
from portal.accounts.status import AccountStatus
from portal.companies.machines import CompanyAction, DunsAction, company_after, duns_after
from portal.companies.status import CompanyStatus, DunsStatus

ACCOUNTS = """
         approve  decline expire first_sign_in lock   new_credential suspend   reinstate revoke
pending  approved gone    gone   -             -      -              -         -         -
approved -        -       gone   active        locked -              suspended -         revoked
active   -        -       -      -             locked -              suspended -         revoked
locked   -        -       -      -             -      active         suspended -         revoked
suspended -       -       -      -             -      -              -         active    revoked
revoked  -        -       -      -             -      -              -         -         -
"""
COMPANIES = """
          approve  decline expire first_sign_in suspend   reinstate revoke
pending   approved gone    gone   -             -         -         -
approved  -        -       gone   active        -         -         revoked
active    -        -       -      -             suspended -         revoked
suspended -        -       -      -             -         active    revoked
revoked   -        -       -      -             -         -         -
"""
NUMBERS = """
          approve decline expire suspend   reinstate revoke  remove
pending   active  gone    gone   -         -         -       gone
active    -       -       -      suspended -         revoked gone
suspended -       -       -      -         active    revoked gone
revoked   -       -       -      -         -         -       -
"""


def drawn(table: str) -> dict[tuple[str, str], str]:
    head, *rows = [line.split() for line in table.strip().splitlines()]
    return {(row[0], action): cell for row in rows for action, cell in zip(head, row[1:], strict=True)}


@pytest.mark.parametrize(
    ("table", "rule", "statuses", "actions"),
    [
        (ACCOUNTS, after, AccountStatus, AccountAction),
        (COMPANIES, company_after, CompanyStatus, CompanyAction),
        (NUMBERS, duns_after, DunsStatus, DunsAction),
    ],
)
def test_a_machine_is_its_drawing(
    table: str, rule: Callable[[Any, Any], StrEnum | None], statuses: type[StrEnum], actions: type[StrEnum]
) -> None:
    cells = drawn(table)
    assert set(cells) == {(status.value, action.value) for status, action in product(statuses, actions)}
    for (status, action), cell in cells.items():
        found = rule(statuses(status), actions(action))
        assert ("-" if found is None else found.value) == cell, (status, action)
    assert GONE.value == "gone"
