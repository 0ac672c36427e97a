"""Looking at both markets: what is said of everybody, and what everybody sees by every way to a meter."""

from dataclasses import dataclass
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns, EsiId
from gateway.questions import Question
from portal import visibility
from portal.accounts.tables import duns_grants
from portal.companies.kinds import Kind
from portal.companies.status import DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.market.spans import Span
from portal.market.tables import premises, rep_spans
from portal.meters.tables import attachments, meters
from portal.viewer import ACCOUNTS, Viewer, viewer_of
from portal.visibility import MeterFacts, Standing
from tests.portal.market_model.naive import Naive
from tests.portal.market_model.stage import Stage

_COMPANIES = Question(select(companies.c.id, companies.c.kind, companies.c.status))
_NUMBERS = Question(select(duns_numbers.c.id, duns_numbers.c.company_id, duns_numbers.c.duns, duns_numbers.c.status))
_PEOPLE = Question(ACCOUNTS)
_GRANTS = Question(select(duns_grants))
_ATTACHED = Question(select(attachments))
_SPANS = Question(select(rep_spans))
_METERS = Question(
    select(meters.c.esi_id, meters.c.installed_at, meters.c.provisioned_at, meters.c.removed_at, premises.c.tdsp_id)
    .join(premises, premises.c.esi_id == meters.c.esi_id)
    .order_by(meters.c.installed_at)
)
"""Asked without the cost of building them anew, thousands of times."""


class Differs(AssertionError):
    """The two markets are not the same."""


@dataclass
class Looked:
    """What was compared, counted, so that a look that sees nothing is found out."""

    statuses: int = 0
    viewers: int = 0
    seen: int = 0
    pairs: int = 0
    pages: int = 0


async def compare_statuses(stage: Stage, naive: Naive, looked: Looked) -> list[Any]:
    """Everybody's status is the same in both, and who may come in; returns the rows of the accounts."""
    ask = stage.database.ask
    real = {row.id: (row.kind.value, row.status.value) for row in await ask(_COMPANIES)}
    equal("companies", real, {key: (each.kind, each.status) for key, each in naive.companies.items()})
    numbers = {row.id: (row.company_id, str(row.duns), row.status.value) for row in await ask(_NUMBERS)}
    standing = {key: (each.company, each.duns, each.status) for key, each in naive.numbers.items()}
    equal("numbers", numbers, standing)
    rows = await ask(_PEOPLE)
    people = {row.id: (row.company_id, row.status.value, row.administrator) for row in rows}
    equal("accounts", people, {key: (w.company, w.status, w.administrator) for key, w in naive.accounts.items()})
    equal("grants", {(row.account_id, row.duns_id) for row in await ask(_GRANTS)}, naive.granted)
    attached = {str(row.esi_id): (row.account_id, row.attached_at) for row in await ask(_ATTACHED)}
    equal("attachments", attached, naive.attached)
    entered = {row.id: viewer_of(row) for row in rows}
    entering = {key: who.duns if isinstance(who, Viewer) else None for key, who in entered.items()}
    equal(
        "who may enter, with which numbers",
        entering,
        {key: naive.active_duns(key) if naive.may_enter(key) else None for key in naive.accounts},
    )
    looked.statuses += len(real) + len(numbers) + len(people)
    return rows


async def compare_sight(
    stage: Stage, naive: Naive, rows: list[Any], statements: dict[Kind, Question], looked: Looked
) -> dict[int, dict[str, str]]:
    """Everybody sees the same by the statement and by the predicate; returns what everybody sees.

    statements keeps each kind's select from one look to the next.
    """
    now = naive.now
    facts = await facts_of(stage)
    sight, scenes = {}, naive.scenes()
    for row in rows:
        expected = sight[row.id] = naive.sees(row.id, scenes)
        who = believing(row)
        if who.kind not in statements:
            statements[who.kind] = Question(visibility.visible_meters(who, now))
        listed = await stage.database.ask(statements[who.kind], viewer_account=who.account_id, visible_at=now)
        found = sorted((str(meter.esi_id), str(meter.number)) for meter in listed)
        equal(f"meters of {row.user_id}", found, sorted(expected.items()))
        looked.seen += len(listed)
        standing = standing_of(naive, row)
        by_rule = {esi for esi, fact in facts.items() if visibility.can_see(standing, fact, now)}
        equal(f"predicate for {row.user_id}", by_rule, set(expected))
    looked.viewers += len(rows)
    return sight


async def compare_asking(
    stage: Stage, naive: Naive, rows: list[Any], sight: dict[int, dict[str, str]], dice: Random, looked: Looked
) -> None:
    """Some who look for some meters find them, or find nothing, whichever way they ask."""
    wanted = [*naive.premises, "10443720000000099"]
    async with stage.database.reading() as connection:
        await _compare_staff(connection, naive, rows)
        for row in dice.sample(rows, 1):
            esi_id = EsiId(dice.choice(wanted))
            expected = sight[row.id].get(esi_id)
            who = believing(row)
            found = await visibility.find_meter(connection, who, esi_id, naive.now)
            asked = await visibility.ask_meter(stage.database, who, esi_id, naive.now)
            listed = await connection.execute(visibility.visible_meters(who, naive.now))
            several = {str(meter.esi_id): str(meter.number) for meter in map(visibility.mint, listed)}
            equal(f"found by {row.user_id}", None if found is None else str(found.number), expected)
            equal(f"asked by {row.user_id}", None if asked is None else str(asked.number), expected)
            equal(f"several for {row.user_id}", several, sight[row.id])
            looked.pairs += 1
            # Whoever says that he is of another kind than he is sees nothing by it.
            lie = dice.choice([kind for kind in Kind if kind is not who.kind])
            lied = await visibility.find_meter(connection, believing(row, lie), esi_id, naive.now)
            equal(f"{row.user_id} as {lie}", lied, None)


async def _compare_staff(connection: AsyncConnection, naive: Naive, rows: list[Any]) -> None:
    """Whoever belongs to a company sees nothing by an attachment, even if he says that he is a customer."""
    staff = {row.id: row for row in rows if row.company_id is not None}
    for esi_id, (account_id, _) in naive.attached.items():
        if account_id in staff:
            lying = believing(staff[account_id], Kind.CUSTOMER)
            found = await visibility.find_meter(connection, lying, EsiId(esi_id), naive.now)
            equal(f"{lying.user_id} as a customer", found, None)


def equal(what: str, real: Any, model: Any) -> None:
    """Both are the same."""
    if real != model:
        raise Differs(f"{what}:\n  real  {real}\n  model {model}")


def believing(row: Any, kind: Kind | None = None) -> Viewer:
    """A viewer as a session of long ago would hold him: who he is is right, and nothing of what he may."""
    return Viewer(
        account_id=row.id,
        user_id=row.user_id,
        name="A B",
        email="a@example.com",
        language="en",
        kind=kind or row.kind or Kind.CUSTOMER,
        company_id=row.company_id,
        company=row.company,
        administrator=True,
        energy_data=True,
        home_devices=True,
        duns=frozenset(map(Duns, ("111111111", "1111111112222", "333333333", "666666666"))),
    )


def standing_of(naive: Naive, row: Any) -> Standing:
    """What the predicate asks of an account."""
    own = {key: number for key, number in naive.numbers.items() if number.company == row.company_id}
    # A number that was revoked and came back stands twice; the one that stands counts.
    ordered = sorted(own.items(), key=lambda item: item[1].status != "revoked")
    return Standing(
        account_id=row.id,
        account=row.status,
        kind=row.kind or Kind.CUSTOMER,
        company_id=row.company_id,
        company=row.company_status,
        administrator=row.administrator,
        duns={Duns(number.duns): DunsStatus(number.status) for _, number in ordered},
        granted=frozenset(
            Duns(number.duns)
            for key, number in own.items()
            if number.status != "revoked" and (row.id, key) in naive.granted
        ),
    )


async def facts_of(stage: Stage) -> dict[str, MeterFacts]:
    """What the predicate asks of the meter of each premise (of one that was taken down if none hangs there)."""
    ask = stage.database.ask
    spans: dict[str, list[Span]] = {}
    for row in await ask(_SPANS):
        spans.setdefault(row.esi_id, []).append(Span(duns=row.duns, from_at=row.from_at, to_at=row.to_at))
    holders = {row.esi_id: row.account_id for row in await ask(_ATTACHED)}
    last: dict[EsiId, Any] = {}
    for row in await ask(_METERS):
        if row.esi_id not in last or row.removed_at is None:
            last[row.esi_id] = row
    return {
        str(esi_id): MeterFacts(
            tdsp_id=row.tdsp_id,
            spans=spans.get(esi_id, ()),
            customer_id=holders.get(esi_id),
            provisioned_at=row.provisioned_at,
            removed_at=row.removed_at,
        )
        for esi_id, row in last.items()
    }
