"""Finding a meter while somebody is on the phone: by any part of what he says, among the meters of this viewer.

Any part of a text has no index that both databases have. So whoever sees up to LOOKED_THROUGH meters has all of them
looked through, which is exact. With more of them what was typed is the beginning of an ESI ID, a meter number, a
street, a last name or an email address: each is found by index, and of each kind CANDIDATES of the market are tried.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, exists, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import EsiId
from portal.accounts.tables import accounts
from portal.companies.kinds import Kind
from portal.market.tables import premises, rep_spans
from portal.meters.tables import attachments, meters
from portal.viewer import Viewer
from portal.visibility import AT_ONCE, VisibleMeter, count_meters, mint, visible_meters
from portal.wildcards import begins_with, contains

LEAST, MOST = 3, 60
"""Characters that are searched for: fewer find nothing, more are cut off."""
MOST_WORDS = 6
MOST_HITS = 8
LOOKED_THROUGH = 2_500
CANDIDATES = 2_000
_ESI_ID_DIGITS = 22
_former = meters.alias("former")
_holder = accounts.alias("holder")
"""Not the accounts of the rule itself, which are those of who asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A meter that was found; customer and email are blank unless a REP sees who holds it (MTR-03)."""

    meter: VisibleMeter
    customer: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """The first that were found; more says that there are others, complete that every meter was looked through."""

    hits: Sequence[Hit] = ()
    more: bool = False
    complete: bool = True


def searched_text(typed: str) -> str:
    """What is searched for: printable, single blanks, cut off; empty if it is too short (pure)."""
    words = "".join(sign if sign.isprintable() else " " for sign in typed).split()[:MOST_WORDS]
    text = " ".join(words)[:MOST].strip()
    return text if len(text) >= LEAST else ""


async def quick_search(
    database: Database,
    viewer: Viewer,
    typed: str,
    at: datetime,
    most: int = MOST_HITS,
    looked_through: int = LOOKED_THROUGH,
) -> Hits:
    """The meters that a text means; one that it names in whole stands alone."""
    text = searched_text(typed)
    if not text:
        return Hits()
    seen, small = visible_meters(viewer, at).order_by(meters.c.esi_id), True
    async with database.reading() as connection:
        # One after the other: of both in one condition SQLite makes a walk through every meter.
        found = await _minted(connection, seen.where(meters.c.esi_id == text))
        found = found or await _minted(connection, seen.where(meters.c.number.in_(_cases(text))))
        if not found:
            small = await count_meters(database, viewer, at, looked_through + 1) <= looked_through
            if small:
                found = await _minted(connection, seen.where(_any_part(viewer, text)).limit(most + 1))
            else:
                found = await _beginning(connection, viewer, seen, text, most + 1)
        people = await _holders(connection, viewer, list(found)[:most])
    hits = [Hit(meter=meter, **people.get(esi_id, {})) for esi_id, meter in list(found.items())[:most]]
    return Hits(hits=hits, more=len(found) > most, complete=small)


async def _minted(connection: AsyncConnection, wanted: Select[Any]) -> dict[EsiId, VisibleMeter]:
    return {meter.esi_id: meter for meter in map(mint, await connection.execute(wanted))}


def _any_part(viewer: Viewer, text: str) -> ColumnElement[bool]:
    """Every word is a part of the identifiers, a former meter's number, the address, or who holds it."""
    columns = (
        meters.c.number,
        meters.c.esi_id,
        premises.c.house_number,
        premises.c.leading_directional,
        premises.c.street_name,
        premises.c.street_type,
        premises.c.trailing_directional,
        premises.c.unit,
        premises.c.city,
        premises.c.zip,
    )
    told = _joined(columns)
    return and_(*(or_(contains(told, word), *_elsewhere(viewer, word)) for word in text.split()))


def _joined(columns: Sequence[Any]) -> ColumnElement[str]:
    """Columns as one text, since comparing one long text costs less than many short ones; words hold no blanks."""
    whole: ColumnElement[str] = type_coerce(columns[0], String)
    for column in columns[1:]:
        whole = whole.concat(" ").concat(func.coalesce(type_coerce(column, String), ""))
    return whole


def _elsewhere(viewer: Viewer, word: str) -> list[ColumnElement[bool]]:
    """What is told of a premise in other tables."""
    former = exists().where(_former.c.esi_id == meters.c.esi_id, contains(_former.c.number, word))
    if viewer.kind is not Kind.REP:
        return [former]
    names = (_holder.c.first_name, _holder.c.last_name, _holder.c.business_name, _holder.c.email)
    holder = exists().where(
        attachments.c.esi_id == meters.c.esi_id,
        _holder.c.id == attachments.c.account_id,
        contains(_joined(names), word),
    )
    return [former, holder]


async def _beginning(
    connection: AsyncConnection, viewer: Viewer, seen: Select[Any], text: str, most: int
) -> dict[EsiId, VisibleMeter]:
    """Meters of which something begins with the text, kind after kind until there are enough."""
    found: dict[EsiId, VisibleMeter] = {}
    async for esi_ids in _candidates(connection, viewer, text):
        for start in range(0, len(esi_ids), AT_ONCE):
            some = meters.c.esi_id.in_(esi_ids[start : start + AT_ONCE])
            found |= await _minted(connection, seen.where(some).limit(most))
            if len(found) >= most:
                return found
    return found


async def _candidates(connection: AsyncConnection, viewer: Viewer, text: str) -> AsyncIterator[Sequence[EsiId]]:
    """Premises of the whole market that the text may mean, by kind; which of them are shown the viewer decides."""
    house, _, street = text.partition(" ")
    has_house = bool(street) and house[0].isdigit()
    named = premises.c.street_name, _cases(street if has_house else text)
    of_street = select(premises.c.esi_id).where(or_(*(begins_with(named[0], each) for each in named[1])))
    if has_house:
        of_street = of_street.where(premises.c.house_number == house)
    asked = [of_street.order_by(premises.c.street_name)]
    if " " not in text:
        number = or_(*(begins_with(meters.c.number, each) for each in _cases(text)))
        asked.insert(0, select(meters.c.esi_id).where(number).order_by(meters.c.number))
    if text.isdigit() and len(text) <= _ESI_ID_DIGITS:
        asked.insert(0, _of_esi_id(viewer, text))
    if viewer.kind is Kind.REP:
        held = select(attachments.c.esi_id).join(accounts, accounts.c.id == attachments.c.account_id)
        last = or_(*(begins_with(accounts.c.last_name, each) for each in _cases(text.rpartition(" ")[2])))
        asked += [held.where(last), held.where(begins_with(accounts.c.email, text.lower()))]
    for each in asked:
        yield (await connection.scalars(each.limit(CANDIDATES))).all()


def _of_esi_id(viewer: Viewer, text: str) -> Select[Any]:
    """Premises whose ESI ID begins with digits; a REP's index leads to his own alone."""
    if viewer.kind is not Kind.REP:
        return select(premises.c.esi_id).where(begins_with(premises.c.esi_id, text)).order_by(premises.c.esi_id)
    own = rep_spans.c.duns.in_(sorted(viewer.duns))
    return select(rep_spans.c.esi_id).where(own, begins_with(rep_spans.c.esi_id, text)).order_by(rep_spans.c.esi_id)


def _cases(text: str) -> list[str]:
    """A text as it was typed and as names and numbers are written."""
    return sorted({text, text.lower(), text.upper(), text.title()})


async def _holders(
    connection: AsyncConnection, viewer: Viewer, esi_ids: Sequence[EsiId]
) -> Mapping[EsiId, Mapping[str, str]]:
    if viewer.kind is not Kind.REP:
        return {}
    asked = (
        select(attachments.c.esi_id, accounts.c.first_name, accounts.c.last_name, accounts.c.email)
        .join(accounts, accounts.c.id == attachments.c.account_id)
        .where(attachments.c.esi_id.in_(esi_ids))
    )
    rows = await connection.execute(asked)
    return {row.esi_id: {"customer": f"{row.first_name} {row.last_name}", "email": row.email} for row in rows}
