"""Keeping what a gateway said that was refused: counted when it repeats, limited per gateway."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import GatewayId
from portal.gateways.tables import IncidentKind, incidents
from portal.gateways.words import clean

log = logging.getLogger(__name__)

MOST_AT_ONCE = 32
"""Incidents recorded from one batch; a flood of lies must not hold the database's only writer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that a gateway said and that was refused; subject is what it was about, such as a read's id."""

    gateway: GatewayId
    kind: IncidentKind
    subject: str


_AGAIN = (
    update(incidents)
    .where(
        incidents.c.gateway == bindparam("of_gateway"),
        incidents.c.kind == bindparam("of_kind", type_=incidents.c.kind.type),
        incidents.c.subject == bindparam("of_subject"),
    )
    .values(times=incidents.c.times + 1, last_at=bindparam("at", type_=incidents.c.last_at.type))
)
_COUNT = select(func.count()).where(incidents.c.gateway == bindparam("of_gateway"))


async def keep_incidents(connection: AsyncConnection, found: Mapping[Incident, str], now: datetime, most: int) -> None:
    """Record incidents with their words; past `most` of one gateway, new ones are only logged."""
    for incident, words in list(found.items())[:MOST_AT_ONCE]:
        subject = clean(incident.subject, 64)
        key = {"of_gateway": incident.gateway, "of_kind": incident.kind, "of_subject": subject, "at": now}
        log.warning("gateway %s: %s (%s)", incident.gateway, words, subject)
        if (await connection.execute(_AGAIN, key)).rowcount:
            continue
        if (await connection.scalar(_COUNT, {"of_gateway": incident.gateway}) or 0) >= most:
            continue
        row = {
            "gateway": incident.gateway,
            "kind": incident.kind,
            "subject": subject,
            "words": clean(words, 300),
            "first_at": now,
            "last_at": now,
            "times": 1,
        }
        await connection.execute(insert(incidents), row)
