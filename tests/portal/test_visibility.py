"""The REP-of-record rule: its predicate and its SQL agree over random worlds, and one module mints VisibleMeter."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

import portal
from gateway.database import Database
from gateway.identifiers import Duns, EsiId
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts, duns_grants
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.market.spans import Span, begin, end
from portal.market.tables import premises, rep_spans
from portal.meters.tables import attachments, meters
from portal.viewer import Viewer
from portal.visibility import (
    MeterFacts,
    Standing,
    can_see,
    companies_seeing,
    count_meters,
    find_meter,
    meters_of_rep,
    mint,
    visible_meters,
)
from tests.clock import HandClock
from tests.portal.world import BEGAN, BLUEBONNET, LONE_STAR, LONE_STAR_SECOND, SWITCHED, esi, viewer

HOUR = timedelta(hours=1)
ALL_DUNS = (LONE_STAR, LONE_STAR_SECOND, BLUEBONNET)


async def seen(database: Database, user_id: str, at: datetime) -> list[EsiId]:
    who = await viewer(database, user_id)
    async with database.reading() as connection:
        rows = await connection.execute(visible_meters(who, at).order_by(meters.c.esi_id))
        return [mint(row).esi_id for row in rows]


@pytest.mark.parametrize(
    ("user_id", "numbers"),
    [
        ("rep.admin", [1, 2, 5]),
        ("rep.user", [1, 5]),
        ("blue.admin", [3, 4, 6]),
        ("wires.admin", [1, 2, 3, 4, 5]),
        ("gulf.admin", [6]),
        ("ercot.user", [1, 2, 3, 4, 5, 6]),
        ("coach.user", []),
        ("maria.customer", [1]),
    ],
)
async def test_each_party_sees_its_own_meters(
    database: Database, clock: HandClock, user_id: str, numbers: list[int]
) -> None:
    assert await seen(database, user_id, clock.now()) == [esi(number) for number in numbers]


async def test_a_switch_takes_the_meter_away_at_its_very_instant(database: Database) -> None:
    before = SWITCHED - timedelta(microseconds=1)
    assert esi(4) in await seen(database, "rep.user", before)
    assert esi(4) not in await seen(database, "rep.user", SWITCHED)
    assert esi(4) in await seen(database, "blue.admin", SWITCHED)


async def test_counting_stops_at_its_limit(database: Database, clock: HandClock) -> None:
    who = await viewer(database, "ercot.user")
    assert await count_meters(database, who, clock.now(), up_to=501) == 6
    assert await count_meters(database, who, clock.now(), up_to=4) == 4


@dataclass(frozen=True)
class Drawn:
    """A random state of the market around one meter, and who looks at it when."""

    standing: Standing
    facts: MeterFacts
    at: datetime


def mostly(usual: object, unusual: st.SearchStrategy[object]) -> st.SearchStrategy[Any]:
    """The usual nine times out of ten: a market in which everybody is barred proves little."""
    return st.sampled_from([True] * 9 + [False]).flatmap(lambda so: st.just(usual) if so else unusual)


def statuses(kind: type[StrEnum]) -> st.SearchStrategy[Any]:
    return mostly(kind("active"), st.sampled_from(list(kind)))


instants = st.integers(0, 10).map(lambda hour: BEGAN + hour * HOUR)
maybe_instants = st.none() | instants


@st.composite
def histories(draw: st.DrawFn) -> Sequence[Span]:
    spans: list[Span] = []
    for _ in range(draw(st.integers(1, 5))):
        at, begins = draw(instants), draw(st.booleans())
        spans = begin(spans, draw(st.sampled_from(ALL_DUNS)), at) if begins else end(spans, at)
    return spans


@st.composite
def markets(draw: st.DrawFn) -> Drawn:
    kind = draw(st.sampled_from([*Kind, *[Kind.REP] * 6]))
    customer = kind is Kind.CUSTOMER
    held = draw(st.lists(st.sampled_from(ALL_DUNS), min_size=1, unique=True)) if kind is Kind.REP else []
    standing = Standing(
        account_id=1,
        account=draw(statuses(AccountStatus)),
        kind=kind,
        company_id=None if customer else 1,
        company=None if customer else draw(statuses(CompanyStatus)),
        administrator=draw(st.booleans()),
        duns={duns: draw(statuses(DunsStatus)) for duns in held},
        granted=frozenset(duns for duns in held if draw(st.booleans())),
    )
    facts = MeterFacts(
        tdsp_id=draw(st.sampled_from([1, 2])),
        spans=draw(histories()),
        customer_id=draw(st.sampled_from([None, 1, 2])),
        provisioned_at=draw(mostly(BEGAN, maybe_instants)),
        removed_at=draw(mostly(None, instants)),
    )
    edges = [edge for span in facts.spans for edge in (span.from_at, span.to_at) if edge is not None]
    at_an_edge = bool(edges) and draw(st.booleans())
    return Drawn(standing, facts, draw(st.sampled_from(edges)) if at_an_edge else draw(instants))


async def draw_world(connection: AsyncConnection, drawn: Drawn) -> None:
    for table in (attachments, meters, rep_spans, premises, duns_grants, accounts, duns_numbers):
        await connection.execute(delete(table))
    who, facts = drawn.standing, drawn.facts
    kinds = {1: who.kind if who.company is not None else Kind.TDSP, 2: Kind.TDSP}
    for company_id, kind in kinds.items():
        status = who.company if company_id == 1 and who.company is not None else CompanyStatus.ACTIVE
        changed = update(companies).where(companies.c.id == company_id).values(kind=kind, status=status)
        await connection.execute(changed)
    person = {"status_since": BEGAN, "registered_at": BEGAN, "email": "x@example.com", "first_name": "A"}
    for account_id in (1, 2):
        row = {
            "id": account_id,
            "user_id": f"user-{account_id}",
            "user_key": f"user-{account_id}",
            "company_id": who.company_id if account_id == 1 else None,
            "status": who.account if account_id == 1 else AccountStatus.ACTIVE,
            "administrator": who.administrator and account_id == 1,
            "last_name": "B",
            **person,
        }
        await connection.execute(insert(accounts), row)
    for number, (duns, standing) in enumerate(who.duns.items(), start=1):
        row = {"id": number, "company_id": 1, "duns": duns, "status": standing}
        await connection.execute(insert(duns_numbers), {**row, "status_since": BEGAN, "added_at": BEGAN})
        if duns in who.granted:
            await connection.execute(insert(duns_grants), {"account_id": 1, "duns_id": number})
    await put_meter(connection, facts)


async def put_meter(connection: AsyncConnection, facts: MeterFacts) -> None:
    address = {"street_name": "Elm", "city": "Austin", "state": "TX", "zip": "78701"}
    premise = {"esi_id": esi(1), "tdsp_id": facts.tdsp_id, "status": "A", "time_zone": "America/Chicago"}
    await connection.execute(insert(premises), {**premise, **address})
    for span in facts.spans:
        row = {"esi_id": esi(1), "duns": span.duns, "from_at": span.from_at, "to_at": span.to_at}
        await connection.execute(insert(rep_spans), row)
    if facts.customer_id is not None:
        row = {"esi_id": esi(1), "account_id": facts.customer_id, "attached_at": BEGAN}
        await connection.execute(insert(attachments), row)
    installed = {"number": "M1", "esi_id": esi(1), "installed_at": BEGAN}
    times = {"provisioned_at": facts.provisioned_at, "removed_at": facts.removed_at}
    await connection.execute(insert(meters), {**installed, **times})


def looking(standing: Standing) -> Viewer:
    """A viewer as a session long opened would still hold it: the SQL must not believe it."""
    return Viewer(
        account_id=standing.account_id,
        user_id="user-1",
        name="A B",
        email="x@example.com",
        language="en",
        kind=standing.kind,
        company_id=standing.company_id,
        company=None,
        administrator=True,
        energy_data=True,
        home_devices=True,
        duns=frozenset(Duns(duns) for duns in ALL_DUNS),
    )


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(drawn=markets())
async def test_predicate_and_sql_agree_over_random_markets(database: Database, drawn: Drawn) -> None:
    await database.write(lambda connection: draw_world(connection, drawn))
    who = looking(drawn.standing)
    async with database.reading() as connection:
        found = await find_meter(connection, who, esi(1), drawn.at)
        listed = (await connection.execute(visible_meters(who, drawn.at))).all()
        of_rep = (await connection.execute(meters_of_rep(1, drawn.at))).all()
        seeing = (await connection.execute(select(companies_seeing([esi(1), esi(2)], drawn.at)))).all()
    expected = can_see(drawn.standing, drawn.facts, drawn.at)
    at_the_helm = replace(drawn.standing, account=AccountStatus.ACTIVE, administrator=True)
    assert len(of_rep) == int(drawn.standing.kind is Kind.REP and can_see(at_the_helm, drawn.facts, drawn.at))
    if drawn.standing.kind is not Kind.CUSTOMER:  # company 1 is a bystander then
        told = [tuple(row) for row in seeing if row.company_id == 1]
        assert told == [(1, esi(1))] * can_see(at_the_helm, drawn.facts, drawn.at)
    assert (found is not None) == expected
    assert len(listed) == int(expected)


def test_only_the_visibility_module_makes_a_visible_meter() -> None:
    root = Path(portal.__file__).parent
    makers = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "VisibleMeter"
    }
    assert makers == {"visibility.py"}
