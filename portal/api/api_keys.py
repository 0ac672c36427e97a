"""API keys over the API: a company's administrators make, list and end them."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from portal.api.described import problems
from portal.api_keys.keys import SECRET_BYTES, ApiKey, keys_of, make_key, new_key, revoke_key
from portal.api_keys.tables import Scope
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, NotPermitted
from portal.parts import Part
from portal.viewer import Viewer

router = Part(tags=["API keys"])


class NewKey(BaseModel):
    """What a key is for, what it opens, and when it ends by itself."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")]
    scopes: Annotated[set[Scope], Field(min_length=1)]
    expires_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """A new key, shown this once."""

    id: int
    key: str
    expires_at: datetime | None


@router.post("/api-keys", status_code=201, responses=problems(401, 403))
async def make_api_key(request: Request, viewer: ViewerHere, wanted: NewKey) -> MadeKey:
    """Make a key for your company's programs. It is shown in this answer and never again."""
    portal, company_id = portal_of(request), _administered(viewer)
    key, now = new_key(portal.dice.secret(SECRET_BYTES)), portal.clock.now()
    making = partial(
        make_key,
        key=key,
        company_id=company_id,
        name=wanted.name,
        scopes=wanted.scopes,
        made_by=viewer.account_id,
        expires_at=wanted.expires_at,
        now=now,
    )
    return MadeKey(id=await portal.database.write(making), key=key, expires_at=wanted.expires_at)


@router.get("/api-keys", responses=problems(401, 403))
async def list_api_keys(request: Request, viewer: ViewerHere) -> list[ApiKey]:
    """Your company's keys, newest first, those that have ended included; prefix is how each begins."""
    async with portal_of(request).database.reading() as connection:
        return await keys_of(connection, _administered(viewer))


@router.delete("/api-keys/{key_id}", status_code=204, responses=problems(401, 403, 404))
async def revoke_api_key(request: Request, viewer: ViewerHere, key_id: int) -> Response:
    """End a key: it opens nothing from the next request on."""
    portal = portal_of(request)
    ending = partial(revoke_key, company_id=_administered(viewer), key_id=key_id, now=portal.clock.now())
    if not 0 < key_id < 2**31 or not await portal.database.write(ending):
        raise NotFound
    return Response(status_code=204)


def _administered(viewer: Viewer) -> int:
    """The company whose administrator a viewer is. Raises NotPermitted."""
    if viewer.company_id is None or not viewer.administrator:
        raise NotPermitted
    return viewer.company_id
