"""Signing in and out of the API: a password for a bearer token."""

from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from portal.accounts.signing_in import SignInRefused
from portal.api.described import problems
from portal.context import portal_of
from portal.entrance import EnteredHere, ViewerHere, origin_of
from portal.errors import problem_of_refusal, problem_response
from portal.parts import Part
from portal.viewer import Viewer

router = Part(tags=["Sessions"])


class SignIn(BaseModel):
    """Who wants a token."""

    model_config = ConfigDict(extra="forbid")

    user_id: str = Field(min_length=1, max_length=100)
    password: SecretStr = Field(min_length=1, max_length=1024)
    code: SecretStr = Field(default=SecretStr(""), max_length=40, description="Of the second factor, if there is one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token: it ends idle_s seconds after its last use, or at a request to end it."""

    token: str
    token_type: str
    idle_s: float
    viewer: Viewer


@router.post("/sessions", status_code=201, response_model=Token, responses=problems(401, 403, 429))
async def sign_in(request: Request, who: SignIn) -> Token | JSONResponse:
    """Exchange a user id and a password for a bearer token."""
    portal = portal_of(request)
    password, code = who.password.get_secret_value(), who.code.get_secret_value()
    answer = await portal.door.sign_in_program(who.user_id, password, origin_of(request), code)
    if isinstance(answer, SignInRefused):
        return problem_response(problem_of_refusal(answer, portal.clock))
    idle_s = portal.settings.sessions.token_idle_s
    return Token(token=answer.secret, token_type="Bearer", idle_s=idle_s, viewer=answer.viewer)  # noqa: S106  # a scheme


@router.delete("/sessions/current", status_code=204, responses=problems(401, 403))
async def sign_out(request: Request, here: EnteredHere) -> Response:
    """End the session that this request came with."""
    await portal_of(request).door.end(here.session)
    return Response(status_code=204)


@router.get("/me", responses=problems(401))
async def me(viewer: ViewerHere) -> Viewer:
    """Who is signed in, with which company, permissions and Active DUNS numbers."""
    return viewer
