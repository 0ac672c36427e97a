"""Recording how far a gateway's reports are known, and its state, within the listener's transaction."""

from collections.abc import Iterable, Mapping, Set
from datetime import UTC, datetime

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import GatewayId
from gateway.messages import GatewayState, Mark
from portal.gateways.incidents import Incident
from portal.gateways.states import advance, state_row, supersedes
from portal.gateways.tables import IncidentKind, gateway_marks, gateways
from portal.schema import insert_unless_there

_MARKS = (
    select(gateway_marks)
    .where(gateway_marks.c.gateway.in_(bindparam("of_gateways", expanding=True)))
    .order_by(gateway_marks.c.gateway, gateway_marks.c.journal)
    .with_for_update()
)
_NEW_MARK = {
    dialect: insert_unless_there(dialect, gateway_marks, "gateway", "journal") for dialect in ("sqlite", "postgresql")
}
_MOVE = update(gateway_marks).where(
    gateway_marks.c.gateway == bindparam("of_gateway"), gateway_marks.c.journal == bindparam("of_journal")
)
_FORGET = delete(gateway_marks).where(
    gateway_marks.c.gateway == bindparam("of_gateway"), gateway_marks.c.journal == bindparam("of_journal")
)
MOST_JOURNALS = 8
"""Journals remembered per gateway, the last moved ones: it has one, and a new one after each loss of its disk."""
EARLIEST = datetime.min.replace(tzinfo=UTC)
_STATES = (
    select(gateways.c.id, gateways.c.tdsp_id, gateways.c.boot_id)
    .where(gateways.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(gateways.c.id)
    .with_for_update()
)
_RENEW = update(gateways).where(gateways.c.id == bindparam("of_gateway"))


async def move_marks(
    connection: AsyncConnection,
    reported: Mapping[tuple[GatewayId, str], set[int]],
    receipted: Mapping[tuple[GatewayId, str], int],
    now: datetime,
) -> dict[GatewayId, list[Mark]]:
    """Advance the marks over what was just recorded; returns every mark reported upon, moved or not, to be receipted.

    receipted is what gateways say that they repeat no more: a mark never stays behind it, for what it covers was
    recorded in a database that has since been restored from an older copy, and will not come again.
    """
    told = sorted({*reported, *receipted})
    if not told:
        return {}
    new = [{"gateway": gateway, "journal": journal, "seq": 0, "moved_at": now} for gateway, journal in told]
    await connection.execute(_NEW_MARK[connection.dialect.name], new)
    rows = (await connection.execute(_MARKS, {"of_gateways": sorted({gateway for gateway, _ in told})})).all()
    marks = {(row.gateway, row.journal): row.seq for row in rows}
    moves, touched = [], dict[GatewayId, list[Mark]]()
    for gateway, journal in told:
        known = marks.get((gateway, journal), 0)
        seq = advance(max(known, receipted.get((gateway, journal), 0)), reported.get((gateway, journal), set()))
        if (gateway, journal) in reported:
            touched.setdefault(gateway, []).append(Mark(journal=journal, seq=seq))
        if seq != known:
            moves.append({"of_gateway": gateway, "of_journal": journal, "seq": seq, "moved_at": now})
    if moves:
        await connection.execute(_MOVE, moves)
    await _forget(connection, {(row.gateway, row.journal): row.moved_at for row in rows}, set(told))
    return touched


async def _forget(
    connection: AsyncConnection,
    known: Mapping[tuple[GatewayId, str], datetime | None],
    told: Set[tuple[GatewayId, str]],
) -> None:
    """Drop the marks of a gateway beyond the most recently moved; those just told of come first."""
    journals: dict[GatewayId, list[str]] = {}
    for gateway, journal in known:
        journals.setdefault(gateway, []).append(journal)
    for gateway, names in journals.items():
        if len(names) > MOST_JOURNALS:
            oldest = sorted(names, key=lambda name: ((gateway, name) in told, known[gateway, name] or EARLIEST))
            surplus = oldest[: len(names) - MOST_JOURNALS]
            await connection.execute(_FORGET, [{"of_gateway": gateway, "of_journal": name} for name in surplus])


async def keep_states(connection: AsyncConnection, told: Iterable[GatewayState], now: datetime) -> dict[Incident, str]:
    """Record gateways' states in the order in which they came; a gateway that nobody registered is an incident."""
    states = list(told)
    if not states:
        return {}
    rows = await connection.execute(_STATES, {"ids": sorted({state.gateway for state in states})})
    boots = {row.id: row.boot_id for row in rows}
    unknown: dict[Incident, str] = {}
    for state in states:
        if state.gateway not in boots:
            await connection.execute(insert(gateways), {"id": state.gateway, "online": False})
            incident = Incident(gateway=state.gateway, kind=IncidentKind.UNKNOWN_GATEWAY, subject="state")
            unknown[incident] = "a gateway that no TDSP has registered reports its state"
            boots[state.gateway] = None
        if supersedes(state, boots[state.gateway]):
            row = state_row(state, now)
            await connection.execute(_RENEW, {"of_gateway": state.gateway, **row})
            boots[state.gateway] = row["boot_id"]
    return unknown
