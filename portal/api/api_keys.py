"""API keys over the API: a company's administrators make, list, roll and end them."""

from datetime import timedelta
from typing import Annotated

from fastapi import Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from portal.acting import actor_of
from portal.api.answered import answered
from portal.api.described import problems
from portal.api_keys.changing import LONGEST_GRACE, LONGEST_NAME, MadeKey, company_of, make, revoke, roll
from portal.api_keys.keys import SECRET_BYTES, ApiKey, keys_of
from portal.api_keys.tables import Scope
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotPermitted
from portal.faults import PeopleRefused
from portal.parts import Part

router = Part(tags=["API keys"])
KeyId = Annotated[int, Path(ge=1, le=2**31 - 1)]


class NewKey(BaseModel):
    """What a key is for, what it opens, and when it ends by itself."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]
    scopes: Annotated[set[Scope], Field(min_length=1)]
    expires_at: AwareDatetime | None = None


class Grace(BaseModel):
    """How long the old key works on, in seconds; without a word a day."""

    model_config = ConfigDict(extra="forbid")

    grace_s: Annotated[int, Field(ge=0, le=int(LONGEST_GRACE.total_seconds()))] = 86_400


@router.post("/api-keys", status_code=201, response_model=MadeKey, responses=problems(401, 403))
async def make_api_key(request: Request, viewer: ViewerHere, wanted: NewKey) -> MadeKey | JSONResponse:
    """Make a key for your company's programs. It is shown in this answer and never again."""
    portal = portal_of(request)
    chance = portal.dice.secret(SECRET_BYTES)
    answer = await portal.acting.run(
        actor_of(viewer), lambda act: make(act, viewer, chance, wanted.name, wanted.scopes, wanted.expires_at)
    )
    return answered(request, answer)


@router.get("/api-keys", responses=problems(401, 403))
async def list_api_keys(request: Request, viewer: ViewerHere) -> list[ApiKey]:
    """Your company's keys, newest first, those that have ended included; prefix is how each begins."""
    company_id = company_of(viewer)
    if company_id is None:
        raise NotPermitted
    async with portal_of(request).database.reading() as connection:
        return await keys_of(connection, company_id)


@router.post("/api-keys/{key_id}/roll", status_code=201, response_model=MadeKey, responses=problems(401, 403, 404, 409))
async def roll_api_key(request: Request, viewer: ViewerHere, key_id: KeyId, wanted: Grace) -> MadeKey | JSONResponse:
    """Make a key in the place of another: same name, scopes and length of life. The old one ends after grace_s."""
    portal = portal_of(request)
    chance, grace = portal.dice.secret(SECRET_BYTES), timedelta(seconds=wanted.grace_s)
    answer = await portal.acting.run(actor_of(viewer), lambda act: roll(act, viewer, chance, key_id, grace))
    return answered(request, answer)


@router.delete("/api-keys/{key_id}", status_code=204, response_class=Response, responses=problems(401, 403, 404))
async def revoke_api_key(request: Request, viewer: ViewerHere, key_id: KeyId) -> Response:
    """End a key: it opens nothing from the next request on."""
    answer = await portal_of(request).acting.run(actor_of(viewer), lambda act: revoke(act, viewer, key_id))
    if isinstance(answer, PeopleRefused):
        refused = answered(request, answer)
        assert isinstance(refused, JSONResponse)
        return refused
    return Response(status_code=204)
