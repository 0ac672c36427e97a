"""Manage Users: a company's accounts, their permissions and their statuses (guide 5.3, 5.4; ADM-14 to ADM-20)."""

import string
from collections.abc import Sequence
from dataclasses import replace

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.machine import AccountAction
from portal.accounts.sessions import Entered
from portal.accounts.status import AccountStatus
from portal.acting import actor_of
from portal.administration.account_list import AccountList, AccountSeen, Screen, list_accounts, see_account
from portal.administration.changes import AccountEdit, change_statuses, edit_account
from portal.administration.profile import CompanyProfile, see_profile
from portal.api.approvals import MOST, Number
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.faults import CHANGED_MEANWHILE, PeopleRefused
from portal.pages.account_fields import ACCESS, action_of, edit_form, names_of, permissions_of
from portal.pages.choosing import (
    SELECT,
    SELECT_ONE,
    TOO_MANY,
    Deed,
    choice_fault,
    chosen_in_address,
    chosen_in_form,
    comment_form,
    comment_page,
    way_back,
)
from portal.pages.done_words import and_done, done_words
from portal.pages.forms import Form
from portal.pages.navigation import COMPANIES, PENDING, USERS, Place
from portal.pages.refusals import BAD_FORM, LeftAsItWas, left, marked, revision_in, turn_away, with_refusal
from portal.pages.render import PAGES
from portal.pages.user_list import HEADINGS, WILDCARD, Column, criteria, here, links, ordered, search_of
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

LETTERS = string.ascii_uppercase
DEEDS = {
    AccountAction.SUSPEND: Deed(
        action=f"{USERS.href}/suspend",
        title="Suspend accounts",
        button="Suspend",
        lead="They are signed out at once and cannot sign in until they are reinstated. What they may see is kept.",
        done="accounts-suspended",
        what="Who is suspended",
    ),
    AccountAction.REVOKE: Deed(
        action=f"{USERS.href}/revoke",
        title="Revoke accounts",
        button="Revoke",
        lead="This is for good: whoever is revoked must register again. To bar somebody for a while, suspend him.",
        done="accounts-revoked",
        what="Who is revoked",
    ),
}
WHY = "Why this is done: it is mailed to each of them."
EMPTY_FOUND = "No account of your company matches all of this."


@router.get(USERS.href)
async def users(request: Request, who: EnteredHere) -> Response:
    """The account list, or the search for it."""
    return await _list_page(request, who)


@router.get(f"{USERS.href}/edit")
async def edit_user(request: Request, who: EnteredHere) -> Response:
    """Edit User works on one account."""
    chosen = chosen_in_address(request)
    if len(chosen) != 1:
        return await _list_page(request, who, fault=SELECT_ONE, chosen=chosen)
    return RedirectResponse(f"{USERS.href}/{chosen[0]}", status_code=303)


@router.post(f"{USERS.href}/reinstate")
async def reinstate(request: Request, who: EnteredHere) -> Response:
    """Reinstate several; comments go with Edit User only (ADM-17)."""
    chosen = await chosen_in_form(request)
    if fault := choice_fault(chosen):
        return await _list_page(request, who, fault=fault)
    back = str((await request.form()).get("back", ""))
    return await _change(request, who, AccountAction.REINSTATE, chosen, None, "accounts-reinstated", back)


@router.get(DEEDS[AccountAction.SUSPEND].action)
async def suspend_page(request: Request, who: EnteredHere) -> Response:
    """Suspend asks for comments first."""
    return await _deed_page(request, who, AccountAction.SUSPEND)


@router.post(DEEDS[AccountAction.SUSPEND].action)
async def suspend(request: Request, who: EnteredHere) -> Response:
    """Suspend those that are still ticked."""
    return await _deed_done(request, who, AccountAction.SUSPEND)


@router.get(DEEDS[AccountAction.REVOKE].action)
async def revoke_page(request: Request, who: EnteredHere) -> Response:
    """Revoke asks for comments first."""
    return await _deed_page(request, who, AccountAction.REVOKE)


@router.post(DEEDS[AccountAction.REVOKE].action)
async def revoke(request: Request, who: EnteredHere) -> Response:
    """Revoke those that are still ticked."""
    return await _deed_done(request, who, AccountAction.REVOKE)


@router.get(f"{USERS.href}/{{account_id}}")
async def one_user(request: Request, who: EnteredHere, account_id: Number) -> Response:
    """Edit User: one account; a request that waits is answered on its own page."""
    account = await _account(request, who, account_id)
    if account.status is AccountStatus.PENDING and account.company_id == who.viewer.company_id:
        return RedirectResponse(f"{PENDING.href}/{account_id}", status_code=303)
    return _account_page(request, who, account, edit_form(account))


@router.post(f"{USERS.href}/{{account_id}}")
async def save_user(request: Request, who: EnteredHere, account_id: Number) -> Response:
    """Save Account; what somebody else saved meanwhile is shown beside what was typed here."""
    account = await _account(request, who, account_id)
    form = await edit_form(account).read(request)
    if ACCESS in form.faults or "comment" in form.faults:
        stale = revision_in(form) != account.revision
        return _account_page(request, who, account, form, meanwhile=stale)
    edit = AccountEdit(
        revision=revision_in(form),
        permissions=permissions_of(form, account),
        action=action_of(form),
        comment=form["comment"] or None,
    )
    outcome = await portal_of(request).acting.run(
        actor_of(who.viewer), lambda act: edit_account(act, who.viewer, account_id, edit)
    )
    if isinstance(outcome, PeopleRefused):
        turn_away(outcome)
        now = await _account(request, who, account_id)
        meanwhile = outcome is CHANGED_MEANWHILE
        if meanwhile:
            fresh = edit_form(now)
            form = replace(form, fields=fresh.fields, hidden=fresh.hidden, faults={})
        form = with_refusal(form, outcome, "now" if meanwhile else ACCESS)
        page = _account_page(request, who, now, form, meanwhile=meanwhile)
        return marked(request, page, outcome)
    return RedirectResponse(and_done(_home_of(who, account), "account-saved"), status_code=303)


async def _deed_page(request: Request, who: Entered, action: AccountAction) -> Response:
    """The page that asks for comments, for those that were chosen in the list."""
    chosen = chosen_in_address(request)
    names = await _names(request, who, chosen)
    if fault := choice_fault(chosen, names):
        return await _list_page(request, who, fault=fault)
    back = way_back(request.query_params.get("back", ""), USERS.href)
    deed = DEEDS[action]
    return comment_page(request, who, USERS, deed, comment_form(deed, names, chosen, WHY, back))


async def _deed_done(request: Request, who: Entered, action: AccountAction) -> Response:
    chosen = await chosen_in_form(request)
    names = await _names(request, who, chosen)
    if len(chosen) > MOST:
        return await _list_page(request, who, fault=TOO_MANY)
    form = await comment_form(DEEDS[action], names, chosen, WHY).read(request)
    if form.faults and names:
        return comment_page(request, who, USERS, DEEDS[action], form)
    done, back = DEEDS[action].done, form.hidden["back"]
    return await _change(request, who, action, chosen, form["comment"] or None, done, back)


async def _change(
    request: Request,
    who: Entered,
    action: AccountAction,
    chosen: Sequence[int],
    comment: str | None,
    done: str,
    back: str,
) -> Response:
    """Change several, each by itself; the list tells which were refused."""
    names = await _names(request, who, chosen)
    outcome = await portal_of(request).acting.run(
        actor_of(who.viewer), lambda act: change_statuses(act, who.viewer, chosen, action, comment)
    )
    if isinstance(outcome, PeopleRefused):
        turn_away(outcome)
        return await _list_page(request, who, fault=SELECT)
    refused = left({**outcome}, names)
    if refused:
        return await _list_page(request, who, refused=refused)
    return RedirectResponse(and_done(way_back(back, USERS.href), done), status_code=303)


async def _names(request: Request, who: Entered, chosen: Sequence[int]) -> dict[int, str]:
    """The names of those of some accounts that the viewer sees."""
    async with portal_of(request).database.reading() as connection:
        found = [await see_account(connection, who.viewer, each) for each in chosen]
    return names_of(each for each in found if isinstance(each, AccountSeen))


async def _account(request: Request, who: Entered, account_id: int) -> AccountSeen:
    """An account that the viewer sees. Raises NotFound."""
    async with portal_of(request).database.reading() as connection:
        found = await see_account(connection, who.viewer, account_id)
    if isinstance(found, PeopleRefused):
        turn_away(found)
    assert isinstance(found, AccountSeen)
    return found


async def _list_page(
    request: Request,
    who: Entered,
    *,
    fault: str = "",
    chosen: Sequence[int] = (),
    refused: Sequence[LeftAsItWas] = (),
) -> Response:
    """The list as the address asks for it, with what is wrong, or what a change left as it was."""
    asked = request.query_params
    async with portal_of(request).database.reading() as connection:
        company = await see_profile(connection, who.viewer)
        numbers = company.duns if isinstance(company, CompanyProfile) else ()
        form = await criteria(numbers).of_address(request)
        search = search_of(form)
        show_all = asked.get("all") == "1"
        found = await list_accounts(connection, who.viewer, search, show_all=show_all)
        if isinstance(found, PeopleRefused):
            turn_away(found)
            form = form.judged(dict(found.faults))
            found = await list_accounts(connection, who.viewer, search_of(replace(form, values={}, chosen={})))
    assert isinstance(found, AccountList)
    column = next((each for each in Column if each == asked.get("sort")), Column.NAME)
    descending = asked.get("order") == "desc"
    status = BAD_FORM if fault or form.faults else 409 if refused else 200
    return PAGES.page(
        request,
        "users.html",
        who,
        USERS.words,
        place=USERS.href,
        help_at="people",
        status=status,
        error=status != 200,
        form=form,
        found=found,
        searchable=found.screen is not Screen.LIST or not search.is_empty() or bool(form.faults),
        show_all=found.screen is Screen.SEARCH,
        only_search=found.screen is Screen.SEARCH_ONLY,
        lines=ordered(found.accounts or (), column, descending=descending),
        headings=HEADINGS,
        sort=column,
        descending=descending,
        sort_links=links(asked.multi_items(), column, descending=descending),
        letters=LETTERS,
        wildcard=WILDCARD,
        back=here(asked.multi_items()) if request.method == "GET" and not fault else USERS.href,
        chosen=chosen,
        fault=fault,
        refused=refused,
        done=done_words(asked),
    )


def _home_of(who: Entered, account: AccountSeen) -> str:
    """Where one goes after an account: the own list, or the page of the company that it belongs to."""
    own = account.company_id == who.viewer.company_id
    return USERS.href if own else f"{COMPANIES.href}/{account.company_id}"


def _account_page(
    request: Request, who: Entered, account: AccountSeen, form: Form, *, meanwhile: bool = False
) -> Response:
    name = f"{account.first_name} {account.last_name}"
    own = account.company_id == who.viewer.company_id
    above = [] if own else [Place(account.company, _home_of(who, account))]
    return PAGES.page(
        request,
        "account.html",
        who,
        name,
        place=USERS.href if own else COMPANIES.href,
        beneath=[*above, Place(name, f"{USERS.href}/{account.id}")],
        help_at="people",
        status=BAD_FORM if form.faults else 200,
        error=bool(form.faults),
        account=account,
        form=form,
        meanwhile=meanwhile,
        asks=False,
        back=_home_of(who, account),
    )
