"""A company's administrators make, roll and end its keys; each change has its line in the audit log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.acting import Act
from portal.api_keys.keys import ApiKey, key_of, keys_of, make_key, new_key, revoke_key, shorten_key
from portal.api_keys.tables import Scope
from portal.audit.log import Subject
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form, not_now
from portal.viewer import Viewer

MOST_STANDING = 50
LONGEST_NAME = 60
LONGEST_GRACE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """A new key, which whoever gets this sees this once. A rolled one names the key that it follows, and its end."""

    id: int
    key: str
    expires_at: datetime | None
    follows: int | None = None
    followed_ends_at: datetime | None = None

    def __repr__(self) -> str:
        """Without the key: a repr may reach a log."""
        return f"MadeKey(id={self.id})"


def company_of(viewer: Viewer) -> int | None:
    """The company whose keys a viewer looks after: its administrators do, and nobody else."""
    return viewer.company_id if viewer.administrator else None


async def make(
    act: Act, viewer: Viewer, chance: bytes, name: str, scopes: Collection[Scope], expires_at: datetime | None
) -> MadeKey | PeopleRefused:
    """A new key of the viewer's company, from SECRET_BYTES random bytes; expires_at is when it ends by itself."""
    company_id = company_of(viewer)
    if company_id is None:
        return NOT_FOR_YOU
    if expires_at is not None and expires_at <= act.now:
        return bad_form({"expires_at": "The end must be in the future"})
    if len([key for key in await keys_of(act.connection, company_id) if key.stands(act.now)]) >= MOST_STANDING:
        return bad_form({"name": f"Your company has {MOST_STANDING} keys already: revoke one that is not used"})
    return await _made(act, viewer, chance, company_id, name, scopes, expires_at)


async def roll(act: Act, viewer: Viewer, chance: bytes, key_id: int, grace: timedelta) -> MadeKey | PeopleRefused:
    """A new key in the place of a standing one, with its name, its scopes and as long a life; the old one works on
    for the grace time, and never longer than it would have."""
    company_id = company_of(viewer)
    if company_id is None:
        return NOT_FOR_YOU
    if not timedelta() <= grace <= LONGEST_GRACE:
        return bad_form({"grace": f"The old key may work for 0 to {LONGEST_GRACE.days} days more"})
    old = await key_of(act.connection, company_id, key_id)
    if old is None:
        return NOT_THERE
    if not old.stands(act.now):
        return not_now("This key has ended. Make a new one instead.")
    life = None if old.expires_at is None else old.expires_at - old.made_at
    ends_at = min(filter(None, (old.expires_at, act.now + grace)))
    await shorten_key(act.connection, key_id, ends_at)
    await act.note(
        "api_key.roll", _subject(old.id, old.name, company_id), f"the old key ends {ends_at:%Y-%m-%d %H:%M} UTC"
    )
    expires_at = None if life is None else act.now + life
    made = await _made(act, viewer, chance, company_id, old.name, old.scopes, expires_at)
    return MadeKey(id=made.id, key=made.key, expires_at=made.expires_at, follows=old.id, followed_ends_at=ends_at)


async def revoke(act: Act, viewer: Viewer, key_id: int) -> ApiKey | PeopleRefused:
    """End a key at once; one that was revoked already stays so."""
    company_id = company_of(viewer)
    if company_id is None:
        return NOT_FOR_YOU
    found = await key_of(act.connection, company_id, key_id)
    if found is None:
        return NOT_THERE
    if found.revoked_at is None:
        await revoke_key(act.connection, company_id, key_id, act.now)
        await act.note("api_key.revoke", _subject(key_id, found.name, company_id), "an administrator ended it")
    return found


async def _made(
    act: Act,
    viewer: Viewer,
    chance: bytes,
    company_id: int,
    name: str,
    scopes: Collection[Scope],
    expires_at: datetime | None,
) -> MadeKey:
    key = new_key(chance)
    key_id = await make_key(act.connection, key, company_id, name, scopes, viewer.account_id, expires_at, act.now)
    await act.note("api_key.make", _subject(key_id, name, company_id), f"it opens {', '.join(sorted(set(scopes)))}")
    return MadeKey(id=key_id, key=key, expires_at=expires_at)


def _subject(key_id: int, name: str, company_id: int) -> Subject:
    return Subject(kind="api_key", id=key_id, words=name, company_id=company_id)
