"""A company's profile: its people see it, its administrators change it (guide 5.5; CPR-01 to CPR-06)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns
from portal.acting import Act
from portal.companies.changing import change_duns, company_subject, duns_subject, locked_company, locked_numbers
from portal.companies.correspondence import addresses_of_judges
from portal.companies.kinds import NUMBERED
from portal.companies.letters import letters_of_added_numbers
from portal.companies.machines import DunsAction, duns_after
from portal.companies.status import DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.faults import CHANGED_MEANWHILE, NOT_FOR_YOU, PeopleRefused, bad_form
from portal.permissions import Action
from portal.registration.company_form import MOST_NUMBERS, CompanyFields, CompanyWords, check_fields
from portal.registration.fields import Line, read_duns
from portal.registration.new_company import add_number, name_stands, standing_elsewhere, standing_fault
from portal.viewer import Viewer

LAST_NUMBER = "At least one DUNS number must stay, and one that is Active: this would take the last."
NOT_YOURS = "Select DUNS numbers of your company from the list."
NAME_TAKEN = "Another company has this name."


class ProfileForm(CompanyFields):
    """What Save Profile sends: revision is that of the profile as it was shown."""

    revision: int
    duns_added: Annotated[
        list[Line], Field(default_factory=list, max_length=MOST_NUMBERS, description="They wait for approval.")
    ]
    duns_removed: Annotated[
        list[Line], Field(default_factory=list, max_length=MOST_NUMBERS, description="They are gone at once.")
    ]
    logo_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDuns:
    """A DUNS number of the company and where it stands."""

    duns: Duns
    ercot_name: str | None
    status: DunsStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyProfile:
    """A company as its own people see it; its status is not among it (COM-07)."""

    id: int
    name: str
    address_1: str | None
    address_2: str | None
    city: str | None
    state: str | None
    zip: str | None
    country: str | None
    phone: str | None
    email: str
    url: str | None
    privacy_policy_url: str | None
    privacy_seal: bool
    has_logo: bool
    duns: tuple[ProfileDuns, ...]
    revision: int
    may_edit: bool


async def see_profile(connection: AsyncConnection, viewer: Viewer) -> CompanyProfile | PeopleRefused:
    """The profile of the viewer's own company."""
    if viewer.company_id is None or not viewer.may(Action.SEE_PROFILE):
        return NOT_FOR_YOU
    row = (await connection.execute(select(companies).where(companies.c.id == viewer.company_id))).one()
    held = select(duns_numbers).where(duns_numbers.c.company_id == row.id).order_by(duns_numbers.c.duns)
    numbers = tuple(
        ProfileDuns(duns=each.duns, ercot_name=each.ercot_name, status=each.status)
        for each in await connection.execute(held)
    )
    words = {name: getattr(row, name) for name in CompanyWords.__dataclass_fields__}
    return CompanyProfile(
        **words,
        id=row.id,
        has_logo=row.logo is not None,
        duns=numbers,
        revision=row.revision,
        may_edit=viewer.may(Action.EDIT_PROFILE),
    )


async def logo_of(connection: AsyncConnection, viewer: Viewer) -> bytes | None:
    """The logo of the viewer's own company, a PNG; None if it has none."""
    chosen = select(companies.c.logo).where(companies.c.id == viewer.company_id)
    found: bytes | None = await connection.scalar(chosen)
    return found


async def save_profile(act: Act, viewer: Viewer, form: ProfileForm, logo: bytes | None = None) -> int | PeopleRefused:
    """Save the profile and its numbers; returns its new revision. logo is a new one, as clean_logo makes it."""
    if viewer.company_id is None or not viewer.may(Action.EDIT_PROFILE):
        return NOT_FOR_YOU
    row = await locked_company(act.connection, viewer.company_id)
    if row is None or row.revision != form.revision:
        return CHANGED_MEANWHILE
    fields = CompanyFields(**form.model_dump(include=set(CompanyFields.model_fields)))
    words = check_fields(fields, email_before=row.email)
    faults = dict(words) if isinstance(words, dict) else {}
    if not isinstance(words, dict) and await name_stands(act, words.name, besides=row.id):
        faults["name"] = NAME_TAKEN
    numbers = await locked_numbers(act.connection, duns_numbers.c.company_id == row.id)
    added, removed = await _read_numbers(act, row, form, numbers, faults)
    if faults or isinstance(words, dict):
        return bad_form(faults)
    await _write(act, viewer, row, words, form, logo)
    for number in removed:
        await change_duns(act, number, DunsAction.REMOVE, f"removed by {viewer.user_id}")
    for duns in added:
        number = await add_number(act, row.id, duns)
        await act.note("duns.add", duns_subject(number), f"added by {viewer.user_id}", after=number.status)
    if added:
        judges = await addresses_of_judges(act.connection, row.kind)
        await act.mail(letters_of_added_numbers(judges, words.name, added, act.address))
    revision: int = row.revision + 1
    return revision


async def _read_numbers(
    act: Act, row: Row[Any], form: ProfileForm, numbers: Sequence[Row[Any]], faults: dict[str, str]
) -> tuple[list[Duns], list[Row[Any]]]:
    """The numbers to add and those to remove; what is wrong with them goes into faults."""
    added, fault = read_duns(form.duns_added)
    if fault is None and (standing := await standing_elsewhere(act, added)):
        fault = standing_fault(standing)
    if fault is not None:
        faults["duns_added"] = fault
    named, fault = read_duns(form.duns_removed)
    removable = {each.duns: each for each in numbers if duns_after(each.status, DunsAction.REMOVE) is not None}
    if fault is None and any(duns not in removable for duns in named):
        fault = NOT_YOURS
    if fault is None and named and row.kind in NUMBERED and _is_last(numbers, named):
        fault = LAST_NUMBER
    if fault is not None:
        faults["duns_removed"] = fault
    return added, [removable[duns] for duns in named if duns in removable]


def _is_last(numbers: Sequence[Row[Any]], named: Sequence[Duns]) -> bool:
    """Whether without some numbers none is left, or none that is Active though one was (pure; CPR-05, AMB-18)."""
    before = [each.status for each in numbers if each.status is not DunsStatus.REVOKED]
    left = [each.status for each in numbers if each.status is not DunsStatus.REVOKED and each.duns not in named]
    return not left or (DunsStatus.ACTIVE in before and DunsStatus.ACTIVE not in left)


async def _write(
    act: Act, viewer: Viewer, row: Row[Any], words: CompanyWords, form: ProfileForm, logo: bytes | None
) -> None:
    values: dict[str, Any] = {**asdict(words), "revision": row.revision + 1}
    if form.logo_removed or logo is not None:
        values["logo"] = logo
    changed = [name for name, value in values.items() if name != "revision" and getattr(row, name) != value]
    await act.connection.execute(update(companies).where(companies.c.id == row.id).values(values))
    cause = f"changed by {viewer.user_id}: {', '.join(changed) or 'nothing but numbers'}"
    await act.note("company.edit", company_subject(row), cause)
