"""Suspending, reinstating and revoking accounts, and editing what a user may (guide 5.4; ADM-16 to ADM-20)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, update

from portal.accounts.changing import account_subject, change_account, is_last_active_administrator, locked_account
from portal.accounts.machine import AccountAction, after
from portal.accounts.status import AccountStatus
from portal.accounts.status_letters import letter_of_change
from portal.accounts.tables import accounts
from portal.acting import Act
from portal.approvals.account_queue import Permissions, grant, numbers_fault, numbers_of
from portal.companies.kinds import Kind
from portal.faults import (
    CHANGED_MEANWHILE,
    LAST_ADMINISTRATOR,
    NOT_THERE,
    PeopleRefused,
    bad_form,
    not_now,
)
from portal.permissions import Action
from portal.viewer import Viewer

WITH_COMMENT = (AccountAction.SUSPEND, AccountAction.REVOKE)
WHY = "Write why: the comments are mailed to the account's owner."
_NOT_ALLOWED = {
    AccountAction.SUSPEND: "An account that is {status} cannot be suspended.",
    AccountAction.REINSTATE: "Only a Suspended account can be reinstated; this one is {status}.",
    AccountAction.REVOKE: "An account that is {status} cannot be revoked.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEdit:
    """What the screen Edit User saves: revision is that of the account as shown; action None leaves its status."""

    revision: int
    permissions: Permissions
    action: AccountAction | None = None
    comment: str | None = None


async def change_statuses(
    act: Act, viewer: Viewer, account_ids: Sequence[int], action: AccountAction, comment: str | None
) -> dict[int, AccountStatus | PeopleRefused] | PeopleRefused:
    """Suspend, reinstate or revoke accounts, each by itself: the status of each, or why it stays as it was.

    Comments are required where access is taken, and do not belong to a reinstatement of several (ADM-16 to ADM-18).
    """
    if action in WITH_COMMENT and not comment:
        return bad_form({"comment": WHY})
    told = comment if action in WITH_COMMENT else None
    results: dict[int, AccountStatus | PeopleRefused] = {}
    for account_id in dict.fromkeys(account_ids):
        row = await _mine(act, viewer, account_id)
        results[account_id] = row if isinstance(row, PeopleRefused) else await _change(act, viewer, row, action, told)
    return results


async def edit_account(act: Act, viewer: Viewer, account_id: int, edit: AccountEdit) -> AccountStatus | PeopleRefused:
    """Save what an account may, and its status if that is to change; refused if somebody else saved in between."""
    row = await _mine(act, viewer, account_id)
    if isinstance(row, PeopleRefused):
        return row
    if row.revision != edit.revision:
        return CHANGED_MEANWHILE
    if row.status in (AccountStatus.PENDING, AccountStatus.REVOKED):
        return not_now(f"An account that is {row.status.value.capitalize()} cannot be edited.")
    numbers = await numbers_of(act.connection, row.company_id)
    faults = {}
    if fault := numbers_fault(row, edit.permissions.duns, numbers):
        faults["duns"] = fault
    if edit.action in WITH_COMMENT and not edit.comment:
        faults["comment"] = WHY
    if faults:
        return bad_form(faults)
    status: AccountStatus = row.status
    if edit.action is not None:
        changed = await _change(act, viewer, row, edit.action, edit.comment)
        if isinstance(changed, PeopleRefused):
            return changed
        status = changed
    await grant(act, row, edit.permissions, numbers)
    await act.connection.execute(
        update(accounts).where(accounts.c.id == row.id).values(revision=accounts.c.revision + 1)
    )
    await act.note("account.edit", account_subject(row), _granted_words(row, edit.permissions), comment=edit.comment)
    return status


async def _mine(act: Act, viewer: Viewer, account_id: int) -> Row[Any] | PeopleRefused:
    """An account that the viewer may change, locked."""
    row = await locked_account(act.connection, account_id)
    if row is None or row.company_id is None:
        return NOT_THERE
    allowed = viewer.may(Action.CHANGE_ACCOUNTS, viewer.whose(row.company_id, row.kind))
    return row if allowed else NOT_THERE


async def _change(
    act: Act, viewer: Viewer, row: Row[Any], action: AccountAction, comment: str | None
) -> AccountStatus | PeopleRefused:
    if action not in _NOT_ALLOWED or after(row.status, action) is None:
        words = _NOT_ALLOWED.get(action, "An account that is {status} cannot be changed so.")
        return not_now(words.format(status=row.status.value.capitalize()))
    barring = action in WITH_COMMENT
    team = viewer.kind is Kind.OPERATOR and row.company_id != viewer.company_id
    if barring and not team and await is_last_active_administrator(act.connection, row):
        return LAST_ADMINISTRATOR
    status = await change_account(act, row, action, f"done by {viewer.user_id} of {viewer.company}", comment)
    assert isinstance(status, AccountStatus)
    await act.mail([letter_of_change(row, action, comment)])
    return status


def _granted_words(row: Row[Any], wanted: Permissions) -> str:
    """What was granted, for the audit log."""
    if row.administrator:
        return "an administrator holds every number and permission"
    flags = [name for name in ("energy_data", "home_devices") if getattr(wanted, name)]
    return "granted " + (", ".join([*sorted(wanted.duns), *flags]) or "nothing")
