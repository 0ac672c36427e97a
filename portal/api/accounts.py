"""A company's accounts over the API: listed and searched, looked at, edited, suspended, reinstated, revoked."""

from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.identifiers import Duns
from portal.accounts.machine import AccountAction
from portal.accounts.status import AccountStatus
from portal.acting import actor_of
from portal.administration.account_list import (
    AccountList,
    AccountSearch,
    AccountSeen,
    list_accounts,
    see_account,
)
from portal.administration.changes import AccountEdit, change_statuses, edit_account
from portal.api.answered import answered
from portal.api.approvals import MOST, ChangedAccount, Number, changed
from portal.api.described import problems
from portal.approvals.account_queue import Permissions
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.faults import PeopleRefused
from portal.parts import Part
from portal.registration.fields import Comment, Line

router = Part(tags=["Accounts"])

Text = Annotated[Line, Query(description="The whole of it, or two characters with one asterisk.")]


class StatusBody(BaseModel):
    """Which accounts, and why: comments are required to suspend and to revoke, and are mailed to the owners."""

    model_config = ConfigDict(extra="forbid")

    accounts: Annotated[list[Number], Field(min_length=1, max_length=MOST)]
    comment: Comment | None = None


class EditBody(BaseModel):
    """All that Edit User saves. action leaves the status as it is if it is null."""

    model_config = ConfigDict(extra="forbid")

    revision: Annotated[int, Field(description="That of the account as you saw it.")]
    duns: Annotated[list[Duns], Field(max_length=100)]
    energy_data: bool = False
    home_devices: bool = False
    action: AccountAction | None = None
    comment: Comment | None = None


@router.get("/accounts", response_model=AccountList, responses=problems(401, 403))
async def get_accounts(
    request: Request,
    viewer: ViewerHere,
    first_name: Text = "",
    last_name: Text = "",
    email: Text = "",
    user_id: Text = "",
    duns: Annotated[list[Line] | None, Query(max_length=50, description="Accounts with access to any of them.")] = None,
    status: AccountStatus | None = None,
    letter: Annotated[Line, Query(description="The first letter of the last name.")] = "",
    show_all: Annotated[bool, Query(alias="all", description="All of them, if they are at most 500.")] = False,
) -> Any:
    """Your company's accounts: all if they are at most 25 or `all` says so, else those that match every criterion."""
    search = AccountSearch(
        first_name=first_name,
        last_name=last_name,
        email=email,
        user_id=user_id,
        duns=duns or [],
        status=status,
        letter=letter,
    )
    async with portal_of(request).database.reading() as connection:
        return answered(request, await list_accounts(connection, viewer, search, show_all=show_all))


@router.get("/accounts/{account_id}", response_model=AccountSeen, responses=problems(401, 404))
async def get_account(request: Request, viewer: ViewerHere, account_id: Number) -> Any:
    """One account: its DUNS numbers, permissions, status, and what may be done with it now."""
    async with portal_of(request).database.reading() as connection:
        return answered(request, await see_account(connection, viewer, account_id))


@router.put("/accounts/{account_id}", response_model=AccountSeen, responses=problems(401, 404, 409))
async def put_account(request: Request, viewer: ViewerHere, account_id: Number, body: EditBody) -> Any:
    """Save an account's numbers, permissions and, if action is given, its status; 409 if it was changed meanwhile."""
    portal = portal_of(request)
    permissions = Permissions(duns=frozenset(body.duns), energy_data=body.energy_data, home_devices=body.home_devices)
    edit = AccountEdit(revision=body.revision, permissions=permissions, action=body.action, comment=body.comment)
    answer = await portal.acting.run(actor_of(viewer), lambda act: edit_account(act, viewer, account_id, edit))
    if isinstance(answer, PeopleRefused):
        return answered(request, answer)
    return await get_account(request, viewer, account_id)


@router.post("/accounts/suspend", response_model=list[ChangedAccount], responses=problems(401, 403))
async def suspend(request: Request, viewer: ViewerHere, body: StatusBody) -> Any:
    """Suspend accounts; each is changed by itself."""
    return await _change(request, viewer, body, AccountAction.SUSPEND)


@router.post("/accounts/reinstate", response_model=list[ChangedAccount], responses=problems(401, 403))
async def reinstate(request: Request, viewer: ViewerHere, body: StatusBody) -> Any:
    """Reinstate Suspended accounts; comments go with one account's edit only."""
    return await _change(request, viewer, body, AccountAction.REINSTATE)


@router.post("/accounts/revoke", response_model=list[ChangedAccount], responses=problems(401, 403))
async def revoke(request: Request, viewer: ViewerHere, body: StatusBody) -> Any:
    """Revoke accounts for good."""
    return await _change(request, viewer, body, AccountAction.REVOKE)


async def _change(request: Request, viewer: ViewerHere, body: StatusBody, action: AccountAction) -> Any:
    answer = await portal_of(request).acting.run(
        actor_of(viewer), lambda act: change_statuses(act, viewer, body.accounts, action, body.comment)
    )
    return answered(request, answer) if isinstance(answer, PeopleRefused) else changed({**answer})
