"""What waits for approval, over the API: companies and their added DUNS numbers, and requests for accounts."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.identifiers import Duns
from portal.accounts.status import AccountStatus
from portal.acting import actor_of
from portal.api.answered import answered
from portal.api.described import problems
from portal.approvals.account_queue import (
    Answer,
    Approval,
    Decline,
    Permissions,
    WaitingAccount,
    decide_account,
    decide_accounts,
    waiting_accounts,
)
from portal.approvals.company_queue import WaitingCompany, decide_company, waiting_companies
from portal.approvals.duns_queue import WaitingDuns, decide_number, waiting_numbers
from portal.companies.status import CompanyStatus, DunsStatus
from portal.context import Portal, portal_of
from portal.entrance import ViewerHere
from portal.faults import PeopleRefused
from portal.parts import Part
from portal.registration.fields import Comment

router = Part(tags=["Approvals"])

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
MOST = 100


class DecisionBody(BaseModel):
    """Yes or no. A no says why; the comments are mailed."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    comment: Comment | None = None


class AccountDecisionBody(DecisionBody):
    """Yes or no to one request. Without duns a yes is Quick Approve: all numbers of the company, no permission."""

    duns: Annotated[list[Duns] | None, Field(max_length=100, description="The numbers that a user may see.")] = None
    energy_data: bool = False
    home_devices: bool = False


class AccountDecisionsBody(DecisionBody):
    """The same answer to several requests."""

    accounts: Annotated[list[Number], Field(min_length=1, max_length=MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedCompany:
    """Where a company stands now; None if it was declined and is deleted."""

    id: int
    status: CompanyStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedDuns:
    """Where a DUNS number stands now; None if it was declined and is deleted."""

    id: int
    status: DunsStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedAccount:
    """Where an account stands now, None if it is deleted; refused says in words why it stays as it was."""

    id: int
    status: AccountStatus | None
    reason: str | None = None
    refused: str | None = None


@router.get("/approvals/companies", response_model=list[WaitingCompany], responses=problems(401, 403))
async def get_companies(request: Request, viewer: ViewerHere) -> Any:
    """Companies that wait for you: REPs for any TDSP's administrator, all others for the operating team."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        return answered(request, await waiting_companies(connection, viewer, portal.clock.now()))


@router.post("/approvals/companies/{company_id}", response_model=DecidedCompany, responses=problems(401, 403, 404))
async def post_company(request: Request, viewer: ViewerHere, company_id: Number, body: DecisionBody) -> Any:
    """Approve a company, which activates its DUNS numbers, or decline it. The first answer binds."""
    portal = portal_of(request)
    credential = await portal.credentials.make() if body.approve else None
    answer = await portal.acting.run(
        actor_of(viewer), lambda act: decide_company(act, viewer, company_id, credential, body.comment)
    )
    if isinstance(answer, PeopleRefused):
        return answered(request, answer)
    return DecidedCompany(id=company_id, status=answer)


@router.get("/approvals/duns", response_model=list[WaitingDuns], responses=problems(401, 403))
async def get_numbers(request: Request, viewer: ViewerHere) -> Any:
    """DUNS numbers that companies added and that wait for you."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        return answered(request, await waiting_numbers(connection, viewer, portal.clock.now()))


@router.post("/approvals/duns/{number_id}", response_model=DecidedDuns, responses=problems(401, 403, 404))
async def post_number(request: Request, viewer: ViewerHere, number_id: Number, body: DecisionBody) -> Any:
    """Approve an added DUNS number, or decline it. The first answer binds."""
    answer = await portal_of(request).acting.run(
        actor_of(viewer),
        lambda act: decide_number(act, viewer, number_id, approve=body.approve, comment=body.comment),
    )
    if isinstance(answer, PeopleRefused):
        return answered(request, answer)
    return DecidedDuns(id=number_id, status=answer)


@router.get("/approvals/accounts", response_model=list[WaitingAccount], responses=problems(401, 403))
async def get_accounts(request: Request, viewer: ViewerHere) -> Any:
    """Requests for accounts of your company: one queue for all of its administrators."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        return answered(request, await waiting_accounts(connection, viewer, portal.clock.now()))


@router.post("/approvals/accounts", response_model=list[ChangedAccount], responses=problems(401, 403))
async def post_accounts(request: Request, viewer: ViewerHere, body: AccountDecisionsBody) -> Any:
    """Quick Approve or decline several requests at once; each is answered by itself."""
    portal = portal_of(request)
    # Quick Approve tells no comments (ADM-06); who wants to write some answers one request.
    given = body.model_copy(update={"comment": None}) if body.approve else body
    answers = {each: await _answer(portal, given, None) for each in body.accounts}
    decided = await portal.acting.run(actor_of(viewer), lambda act: decide_accounts(act, viewer, answers))
    return changed(decided)


@router.post("/approvals/accounts/{account_id}", response_model=ChangedAccount, responses=problems(401, 403, 404, 409))
async def post_account(request: Request, viewer: ViewerHere, account_id: Number, body: AccountDecisionBody) -> Any:
    """Approve one request with permissions, or decline it."""
    portal = portal_of(request)
    permissions = None
    if body.duns is not None:
        permissions = Permissions(
            duns=frozenset(body.duns), energy_data=body.energy_data, home_devices=body.home_devices
        )
    given = await _answer(portal, body, permissions)
    answer = await portal.acting.run(actor_of(viewer), lambda act: decide_account(act, viewer, account_id, given))
    if isinstance(answer, PeopleRefused):
        return answered(request, answer)
    return ChangedAccount(id=account_id, status=answer)


def changed(results: dict[int, AccountStatus | PeopleRefused | None]) -> list[ChangedAccount]:
    """The results of a change of several accounts, in their order."""
    return [
        ChangedAccount(id=account_id, status=None, reason=result.reason, refused=result.words)
        if isinstance(result, PeopleRefused)
        else ChangedAccount(id=account_id, status=result)
        for account_id, result in results.items()
    ]


async def _answer(portal: Portal, body: DecisionBody, permissions: Permissions | None) -> Answer:
    if not body.approve:
        return Decline(comment=body.comment)
    return Approval(credential=await portal.credentials.make(), permissions=permissions, comment=body.comment)
