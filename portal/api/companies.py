"""Companies over the API: found by name by anybody, seen by their own people, looked after by the operating team."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from portal.acting import actor_of
from portal.administration.companies import (
    CompanyLine,
    CompanySeen,
    change_company_status,
    change_duns_status,
    list_companies,
    see_company,
)
from portal.administration.profile import CompanyProfile, ProfileForm, logo_of, save_profile, see_profile
from portal.api.answered import answered, too_often
from portal.api.approvals import Number
from portal.api.described import problems
from portal.api.registrations import LogoText, read_logo
from portal.companies.kinds import Kind
from portal.companies.logo import MEDIA_TYPE, BadLogo
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.status import CompanyStatus
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound
from portal.faults import PeopleRefused, bad_form
from portal.parts import Part
from portal.registration.fields import Comment, Line
from portal.registration.search import CompanyName, find_companies

router = Part(tags=["Companies"])


class ProfileBody(ProfileForm):
    """A profile as it is saved, with a new logo if there is one."""

    logo: LogoText = None


class CommentBody(BaseModel):
    """Why: mailed to the company. Required where access is taken."""

    model_config = ConfigDict(extra="forbid")

    comment: Comment | None = None


@router.get("/companies", response_model=list[CompanyName], responses=problems(429))
async def get_names(
    request: Request,
    name: Annotated[Line | None, Query(description="A name, or two characters with one asterisk.")] = None,
    letter: Annotated[Line | None, Query(description="The first letter of the name.")] = None,
    kind: Kind = Kind.REP,
) -> Any:
    """Find an Active company to ask for access, by name or by letter; without signing in."""
    portal = portal_of(request)
    if refused := too_often(request, portal.searches):
        return answered(request, refused)
    async with portal.database.reading() as connection:
        return answered(request, await find_companies(connection, name=name, letter=letter, kind=kind))


@router.get("/companies/mine", response_model=CompanyProfile, responses=problems(401, 403))
async def get_profile(request: Request, viewer: ViewerHere) -> Any:
    """Your company's profile."""
    async with portal_of(request).database.reading() as connection:
        return answered(request, await see_profile(connection, viewer))


@router.put("/companies/mine", response_model=CompanyProfile, responses=problems(401, 403, 409))
async def put_profile(request: Request, viewer: ViewerHere, body: ProfileBody) -> Any:
    """Save your company's profile; numbers added wait for approval, numbers removed are gone at once."""
    portal = portal_of(request)
    logo = await read_logo(body.logo)
    if isinstance(logo, BadLogo):
        return answered(request, bad_form({"logo": logo.words}))
    form = ProfileForm(**body.model_dump(exclude={"logo"}))
    answer = await portal.acting.run(actor_of(viewer), lambda act: save_profile(act, viewer, form, logo))
    return answered(request, answer) if isinstance(answer, PeopleRefused) else await get_profile(request, viewer)


@router.get("/companies/mine/logo", response_class=Response, responses=problems(401, 404))
async def get_logo(request: Request, viewer: ViewerHere) -> Response:
    """Your company's logo, a PNG."""
    async with portal_of(request).database.reading() as connection:
        logo = await logo_of(connection, viewer)
    if logo is None:
        raise NotFound
    return Response(logo, media_type=MEDIA_TYPE)


@router.get("/companies/all", response_model=list[CompanyLine], responses=problems(401, 403))
async def get_companies(
    request: Request,
    viewer: ViewerHere,
    name: Annotated[Line, Query(description="A name, or two characters with one asterisk.")] = "",
    kind: Kind | None = None,
    status: CompanyStatus | None = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Continue behind the company of this id.")] = 0,
) -> Any:
    """For the operating team: all companies, 100 at a time in the order of their ids."""
    async with portal_of(request).database.reading() as connection:
        found = await list_companies(connection, viewer, name=name, kind=kind, status=status, after=after)
    return answered(request, found)


@router.get("/companies/{company_id}", response_model=CompanySeen, responses=problems(401, 403, 404))
async def get_company(request: Request, viewer: ViewerHere, company_id: Number) -> Any:
    """For the operating team: one company, its DUNS numbers, and what may be done with them now."""
    async with portal_of(request).database.reading() as connection:
        return answered(request, await see_company(connection, viewer, company_id))


@router.post("/companies/{company_id}/{action}", response_model=CompanySeen, responses=problems(401, 403, 404, 409))
async def post_company(
    request: Request, viewer: ViewerHere, company_id: Number, action: CompanyAction, body: CommentBody
) -> Any:
    """For the operating team: suspend, reinstate or revoke a company; all of its accounts fall with a revocation."""
    answer = await portal_of(request).acting.run(
        actor_of(viewer), lambda act: change_company_status(act, viewer, company_id, action, body.comment)
    )
    if isinstance(answer, PeopleRefused):
        return answered(request, answer)
    return await get_company(request, viewer, company_id)


@router.post(
    "/companies/{company_id}/duns/{number_id}/{action}",
    response_model=CompanySeen,
    responses=problems(401, 403, 404, 409),
)
async def post_duns(
    request: Request,
    viewer: ViewerHere,
    company_id: Number,
    number_id: Number,
    action: DunsAction,
    body: CommentBody,
) -> Any:
    """For the operating team, at a TDSP's request: suspend, reinstate or revoke a DUNS number."""
    answer = await portal_of(request).acting.run(
        actor_of(viewer),
        lambda act: change_duns_status(act, viewer, company_id, number_id, action, body.comment),
    )
    if isinstance(answer, PeopleRefused):
        return answered(request, answer)
    return await get_company(request, viewer, company_id)
