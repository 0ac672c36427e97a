"""The own account over the API: profile, password, security question, sessions, authenticator, and the ways back in.

Passkeys, first sign-ins and mailed links belong to a browser, and so to the pages.
"""

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.first_sign_in import Faulty
from portal.accounts.owner import WRONG_PASSWORD, OwnAccount, Profile
from portal.accounts.presets import Preset
from portal.accounts.security_questions import LONGEST_ANSWER, QUESTIONS
from portal.accounts.sessions import end_by_public_id, end_sessions_of, public_id, sessions_of
from portal.accounts.signing_in import WORDS, SignInRefusal, SignInRefused
from portal.accounts.tables import SessionKind
from portal.accounts.totp import address_of
from portal.accounts.user_agents import device_words
from portal.api.described import problems
from portal.context import portal_of
from portal.entrance import EnteredHere, origin_of
from portal.errors import NotFound, problem_of_faults, problem_of_refusal, problem_response
from portal.parts import Part

router = Part(tags=["Own account"])

WRONG_CODE = "The code is not right"


class Body(BaseModel):
    """What a request brings; anything else in it is refused."""

    model_config = ConfigDict(extra="forbid")


class NewProfile(Body):
    """What the owner may change about himself; what is left out becomes empty."""

    first_name: str = Field(min_length=1, max_length=60)
    middle_initial: str | None = Field(default=None, min_length=1, max_length=1)
    last_name: str = Field(min_length=1, max_length=60)
    suffix: str | None = Field(default=None, min_length=1, max_length=10)
    phone: str | None = Field(default=None, min_length=1, max_length=30)
    email: str = Field(min_length=3, max_length=254)
    language: str = Field(min_length=2, max_length=2)


class Password(Body):
    """The password that somebody has now."""

    current_password: SecretStr = Field(min_length=1, max_length=1024)


class NewPassword(Password):
    """And the one that he wants."""

    new_password: SecretStr = Field(min_length=1, max_length=1024)


class Code(Body):
    """A code of the authenticator app."""

    code: SecretStr = Field(min_length=1, max_length=12)


class NewQuestion(Body):
    """A security question by its key, and its answer."""

    question: str = Field(max_length=40)
    answer: SecretStr = Field(min_length=1, max_length=LONGEST_ANSWER)


class Forgotten(Body):
    """Whose password was forgotten, and the answer to the security question where the rules have one."""

    user_id: str = Field(min_length=1, max_length=100)
    answer: SecretStr = Field(default=SecretStr(""), max_length=LONGEST_ANSWER)


class ForgottenIds(Body):
    """The address whose user ids were forgotten."""

    email: str = Field(min_length=3, max_length=254)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSession:
    """Where the account is signed in."""

    id: str
    here: bool
    kind: SessionKind
    device: str
    address: str | None
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """The token that takes the place of the one that the request came with."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSecret:
    """What an authenticator app is given."""

    secret: str
    otpauth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodes:
    """Codes that each let in once; they are told now and never again."""

    recovery_codes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The security question to be answered."""

    question: str
    words: str


@router.get("/me/account", responses=problems(401))
async def own_account(request: Request, here: EnteredHere) -> OwnAccount:
    """The own account: profile, permissions, DUNS numbers with their statuses, second factors."""
    return await portal_of(request).owner.account(here.viewer.account_id)


@router.put("/me/profile", response_model=OwnAccount, responses=problems(401, 403))
async def change_profile(request: Request, here: EnteredHere, new: NewProfile) -> OwnAccount | JSONResponse:
    """Change the own profile (PER-01)."""
    owner, account_id = portal_of(request).owner, here.viewer.account_id
    refused = await owner.change_profile(account_id, Profile(**new.model_dump()), new.email)
    if refused is not None:
        return problem_response(problem_of_faults(refused.faults))
    return await owner.account(account_id)


@router.put("/me/password", response_model=NewToken, responses=problems(401, 403))
async def change_password(request: Request, here: EnteredHere, new: NewPassword) -> NewToken | JSONResponse:
    """Change the own password (PER-03); every session and token ends, and a new one is given."""
    current, wanted = new.current_password.get_secret_value(), new.new_password.get_secret_value()
    owner, origin = portal_of(request).owner, origin_of(request)
    changed = await owner.change_password(here.viewer.account_id, current, wanted, origin, here.session.kind)
    if isinstance(changed, Faulty):
        return problem_response(problem_of_faults(changed.faults))
    return NewToken(token=changed)


@router.put("/me/security-question", status_code=204, responses=problems(401, 403, 404))
async def change_question(request: Request, here: EnteredHere, new: NewQuestion) -> Response:
    """Choose another security question (PER-06), where the rules have one."""
    owner = portal_of(request).owner
    if owner.preset is not Preset.SMT:
        raise NotFound
    refused = await owner.change_question(here.viewer.account_id, new.question, new.answer.get_secret_value())
    return Response(status_code=204) if refused is None else problem_response(problem_of_faults(refused.faults))


@router.get("/me/sessions", responses=problems(401))
async def own_sessions(request: Request, here: EnteredHere) -> list[OwnSession]:
    """Where the account is signed in, the one used last first."""
    async with portal_of(request).database.reading() as connection:
        rows = await sessions_of(connection, here.viewer.account_id)
    return [
        OwnSession(
            id=public_id(row.key),
            here=row.key == here.session.key,
            kind=row.kind,
            device=device_words(row.agent),
            address=row.address,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
        )
        for row in rows
    ]


@router.delete("/me/sessions", status_code=204, responses=problems(401, 403))
async def end_others(request: Request, here: EnteredHere) -> Response:
    """Sign out everywhere else."""
    account_id, key = here.viewer.account_id, here.session.key
    await portal_of(request).database.write(lambda connection: end_sessions_of(connection, account_id, but=key))
    return Response(status_code=204)


@router.delete("/me/sessions/{session_id}", status_code=204, responses=problems(401, 403, 404))
async def end_one(request: Request, here: EnteredHere, session_id: str) -> Response:
    """End one of the own sessions."""
    account_id = here.viewer.account_id
    ended = await portal_of(request).database.write(lambda each: end_by_public_id(each, account_id, session_id))
    if not ended:
        raise NotFound
    return Response(status_code=204)


@router.post("/me/authenticator", response_model=AppSecret, responses=problems(401, 403, 404))
async def begin_authenticator(request: Request, here: EnteredHere, known: Password) -> AppSecret | JSONResponse:
    """Begin to set up an authenticator app: it counts once a code has confirmed it."""
    owner, account_id = portal_of(request).owner, here.viewer.account_id
    if not await owner.is_password(account_id, known.current_password.get_secret_value()):
        return problem_response(problem_of_faults({"current_password": WRONG_PASSWORD}))
    if (await owner.account(account_id)).factors.authenticator:
        raise NotFound
    secret = await owner.begin_authenticator(account_id)
    return AppSecret(secret=secret, otpauth=address_of(secret, here.viewer.user_id))


@router.post("/me/authenticator/confirmation", response_model=RecoveryCodes, responses=problems(401, 403))
async def confirm_authenticator(request: Request, here: EnteredHere, shown: Code) -> RecoveryCodes | JSONResponse:
    """Confirm the app by a code; the recovery codes are none if the account has some already."""
    portal, account_id = portal_of(request), here.viewer.account_id

    async def job(connection: AsyncConnection) -> list[str] | None:
        return await portal.owner.confirm_authenticator(connection, account_id, shown.code.get_secret_value())

    codes = await portal.database.write(job)
    if codes is None:
        return problem_response(problem_of_faults({"code": WRONG_CODE}))
    return RecoveryCodes(recovery_codes=codes)


@router.post("/me/authenticator/removal", status_code=204, responses=problems(401, 403))
async def remove_authenticator(request: Request, here: EnteredHere, known: Password) -> Response:
    """Take the authenticator app away."""
    owner, account_id = portal_of(request).owner, here.viewer.account_id
    if not await owner.is_password(account_id, known.current_password.get_secret_value()):
        return problem_response(problem_of_faults({"current_password": WRONG_PASSWORD}))
    refused = await owner.remove_factor(account_id, None)
    return Response(status_code=204) if refused is None else problem_response(problem_of_faults(refused.faults))


@router.post("/password-recovery/question", response_model=Question, responses=problems(404, 429))
async def ask_question(request: Request, forgotten: Forgotten) -> Question | JSONResponse:
    """The security question of a user id; one that does not exist has one too."""
    recovery = portal_of(request).recovery
    if not recovery.asks_question:
        raise NotFound
    if (slowed := _slowed(request)) is not None:
        return slowed
    key = await recovery.question_of(forgotten.user_id)
    return Question(question=key, words=QUESTIONS[key])


@router.post("/password-recovery", status_code=202, response_class=Response, responses=problems(429))
async def forgot_password(request: Request, forgotten: Forgotten) -> Response:
    """Mail a temporary password, or a link, to the account's address (PER-08); the answer never tells whether."""
    if (slowed := _slowed(request)) is not None:
        return slowed
    await portal_of(request).recovery.send_password(forgotten.user_id, forgotten.answer.get_secret_value())
    return Response(status_code=202)


@router.post("/user-id-recovery", status_code=202, response_class=Response, responses=problems(429))
async def forgot_user_ids(request: Request, forgotten: ForgottenIds) -> Response:
    """Mail all user ids of an address to it (PER-09); the answer never tells whether there are any."""
    if (slowed := _slowed(request)) is not None:
        return slowed
    await portal_of(request).recovery.send_user_ids(forgotten.email)
    return Response(status_code=202)


def _slowed(request: Request) -> JSONResponse | None:
    portal = portal_of(request)
    wait_s = portal.recovery.wait_s(origin_of(request).address)
    if wait_s <= 0:
        return None
    reason = SignInRefusal.THROTTLED
    refused = SignInRefused(reason=reason, words=WORDS[reason], retry_in_s=wait_s)
    return problem_response(problem_of_refusal(refused, portal.clock))
