"""Registering over the API: a new company with its first administrator, or access to a company that is there."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from portal.api.answered import answered, too_often
from portal.api.described import problems
from portal.companies.kinds import REGISTERED, Kind
from portal.companies.logo import BadLogo, clean_logo
from portal.context import portal_of
from portal.faults import PeopleRefused, bad_form
from portal.parts import Part
from portal.registration.access_request import AskedRole, RequestedAccess, check_request, request_access
from portal.registration.company_form import CompanyForm
from portal.registration.new_company import RegisteredCompany, check_new_company, register_company
from portal.registration.people import registering
from portal.registration.person_form import PersonForm

router = Part(tags=["Registration"])

MOST_LOGO_TEXT = 40_000
LogoText = Annotated[
    str | None, Field(max_length=MOST_LOGO_TEXT, description="A PNG, JPEG or GIF of less than 20 KB, in base64.")
]


class NewCompanyBody(BaseModel):
    """A new company and its first administrator."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[Kind, Field(description="Who the company is in the market.")] = Kind.REP
    company: CompanyForm
    person: PersonForm
    logo: LogoText = None


class AccessBody(BaseModel):
    """A person who asks for access to a company."""

    model_config = ConfigDict(extra="forbid")

    company: Annotated[int, Field(ge=1, le=2**31 - 1, description="Its id, as GET /companies tells it.")]
    role: AskedRole = AskedRole.USER
    person: PersonForm


@router.post("/registrations/companies", status_code=201, response_model=RegisteredCompany, responses=problems(429))
async def post_company(request: Request, body: NewCompanyBody) -> Any:
    """Register a company. It waits for a TDSP's administrator, or, if it is no REP, for the operating team."""
    portal = portal_of(request)
    if refused := too_often(request, portal.registrations):
        return answered(request, refused)
    logo = await read_logo(body.logo)
    checked = check_new_company(body.company, body.person, body.kind, logo if isinstance(logo, bytes) else None)
    faults = dict(checked.faults) if isinstance(checked, PeopleRefused) else {}
    if isinstance(logo, BadLogo):
        faults["logo"] = logo.words
    if body.kind not in REGISTERED:
        faults["kind"] = "Nobody registers a company of this kind."
    if isinstance(checked, PeopleRefused) or faults:
        return answered(request, bad_form(faults))
    return answered(
        request, await portal.acting.run(registering(checked.first), lambda act: register_company(act, checked))
    )


@router.post("/registrations/accounts", status_code=201, response_model=RequestedAccess, responses=problems(429))
async def post_account(request: Request, body: AccessBody) -> Any:
    """Ask for access to a company that is there. It waits for one of the company's administrators."""
    portal = portal_of(request)
    if refused := too_often(request, portal.registrations):
        return answered(request, refused)
    person = check_request(body.person)
    if isinstance(person, PeopleRefused):
        return answered(request, person)
    answer = await portal.acting.run(
        registering(person), lambda act: request_access(act, body.company, body.role, person)
    )
    return answered(request, answer)


async def read_logo(text: str | None) -> bytes | BadLogo | None:
    """A logo in base64 as the PNG to keep, what is wrong with it, or None if there is none."""
    if text is None:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return BadLogo("Send the image's bytes in base64.")
    return await clean_logo(data)
