"""A world to begin with, as frozen values, and putting it into the database; doing so again changes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns, EsiId, GatewayId, MeterNumber
from portal.accounts.passwords import Passwords
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts, duns_grants
from portal.accounts.user_ids import user_key
from portal.agreements.machine import AgreementKind, AgreementStatus, ends_after
from portal.agreements.tables import agreements
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.gateways.tables import gateways
from portal.market.spans import Span
from portal.market.tables import premises, rep_spans
from portal.meters.tables import attachments, meters


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedDuns:
    """A company's DUNS number, and ERCOT's name for it where that differs."""

    duns: Duns
    ercot_name: str | None = None
    status: DunsStatus = DunsStatus.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedCompany:
    """A company, known by its name."""

    name: str
    kind: Kind
    email: str
    duns: tuple[SeedDuns, ...] = ()
    status: CompanyStatus = CompanyStatus.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedAccount:
    """A person, known by the user id; company None is a customer. duns are granted one by one."""

    user_id: str
    password: str
    first_name: str
    last_name: str
    email: str
    company: str | None = None
    administrator: bool = False
    energy_data: bool = False
    home_devices: bool = False
    duns: tuple[Duns, ...] = ()
    language: str = "en"
    status: AccountStatus = AccountStatus.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedGateway:
    """A gateway and the TDSP that owns it."""

    id: GatewayId
    tdsp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPremise:
    """A premise with its address, its REPs of record and the customer (user id) who attached its meter."""

    esi_id: EsiId
    tdsp: str
    house_number: str
    street_name: str
    city: str
    zip: str
    street_type: str | None = None
    unit: str | None = None
    state: str = "TX"
    load_profile: str | None = None
    spans: tuple[Span, ...] = ()
    customer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedMeter:
    """A meter on the wall of a premise, and the gateway that reaches it."""

    number: MeterNumber
    esi_id: EsiId
    gateway: GatewayId | None
    installed_at: datetime
    provisioned_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedAgreement:
    """An In-Home Device agreement that a customer accepted; no link opens it, so that only the company can end it."""

    company: str
    esi_id: EsiId
    email: str
    months: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedWorld:
    """Everything that a portal starts with."""

    companies: Sequence[SeedCompany] = ()
    accounts: Sequence[SeedAccount] = ()
    gateways: Sequence[SeedGateway] = ()
    premises: Sequence[SeedPremise] = ()
    meters: Sequence[SeedMeter] = ()
    agreements: Sequence[SeedAgreement] = ()


async def seed(connection: AsyncConnection, world: SeedWorld, passwords: Passwords, now: datetime) -> None:
    """Put into the database what of a world is not there yet; what is there stays as it is."""
    await _seed_companies(connection, world.companies, now)
    owners = await _keys(connection, companies.c.name, companies.c.id)
    await _seed_accounts(connection, world.accounts, owners, passwords, now)
    people = await _keys(connection, accounts.c.user_key, accounts.c.id)
    await _add(connection, gateways, gateways.c.id, [{"id": g.id, "tdsp_id": owners[g.tdsp]} for g in world.gateways])
    await _seed_premises(connection, world.premises, owners, people, now)
    await _add(connection, meters, meters.c.number, [_meter_row(meter, now) for meter in world.meters])
    numbers = {meter.esi_id: meter.number for meter in world.meters}
    agreed = [_agreement_row(each, numbers[each.esi_id], owners[each.company], now) for each in world.agreements]
    await _add(connection, agreements, agreements.c.link_key, agreed)


async def _seed_companies(connection: AsyncConnection, wanted: Sequence[SeedCompany], now: datetime) -> None:
    since = {"status_since": now}
    rows = [
        {"kind": c.kind, "name": c.name, "email": c.email, "status": c.status, "registered_at": now, **since}
        for c in wanted
    ]
    await _add(connection, companies, companies.c.name, rows)
    owners = await _keys(connection, companies.c.name, companies.c.id)
    numbers = [
        {
            "company_id": owners[company.name],
            "duns": number.duns,
            "ercot_name": number.ercot_name,
            "status": number.status,
            "added_at": now,
            **since,
        }
        for company in wanted
        for number in company.duns
    ]
    await _add(connection, duns_numbers, duns_numbers.c.duns, numbers)


async def _seed_accounts(
    connection: AsyncConnection,
    wanted: Sequence[SeedAccount],
    owners: Mapping[str, int],
    passwords: Passwords,
    now: datetime,
) -> None:
    there = await _keys(connection, accounts.c.user_key, accounts.c.id)
    fresh = [account for account in wanted if user_key(account.user_id) not in there]
    rows = [
        {
            "user_id": account.user_id,
            "user_key": user_key(account.user_id),
            "company_id": None if account.company is None else owners[account.company],
            "status": account.status,
            "status_since": now,
            "registered_at": now,
            "administrator": account.administrator,
            "energy_data": account.energy_data,
            "home_devices": account.home_devices,
            "email": account.email,
            "first_name": account.first_name,
            "last_name": account.last_name,
            "language": account.language,
            "password_hash": await passwords.hash(account.password),
        }
        for account in fresh
    ]
    await _add(connection, accounts, accounts.c.user_key, rows)
    people = await _keys(connection, accounts.c.user_key, accounts.c.id)
    numbers = await _keys(connection, duns_numbers.c.duns, duns_numbers.c.id)
    grants = [
        {"account_id": people[user_key(account.user_id)], "duns_id": numbers[duns]}
        for account in fresh
        for duns in account.duns
    ]
    if grants:
        await connection.execute(insert(duns_grants), grants)


async def _seed_premises(
    connection: AsyncConnection,
    wanted: Sequence[SeedPremise],
    owners: Mapping[str, int],
    people: Mapping[str, int],
    now: datetime,
) -> None:
    there = await _keys(connection, premises.c.esi_id, premises.c.esi_id)
    fresh = [premise for premise in wanted if premise.esi_id not in there]
    rows = [
        {
            "esi_id": premise.esi_id,
            "tdsp_id": owners[premise.tdsp],
            "house_number": premise.house_number,
            "street_name": premise.street_name,
            "street_type": premise.street_type,
            "unit": premise.unit,
            "city": premise.city,
            "state": premise.state,
            "zip": premise.zip,
            "load_profile": premise.load_profile,
            "status": "A",
            "time_zone": "America/Chicago",
        }
        for premise in fresh
    ]
    spans = [
        {"esi_id": premise.esi_id, "duns": span.duns, "from_at": span.from_at, "to_at": span.to_at}
        for premise in fresh
        for span in premise.spans
    ]
    attached = [
        {"esi_id": premise.esi_id, "account_id": people[user_key(premise.customer)], "attached_at": now}
        for premise in fresh
        if premise.customer is not None
    ]
    for table, new in ((premises, rows), (rep_spans, spans), (attachments, attached)):
        if new:
            await connection.execute(insert(table), new)


def _meter_row(meter: SeedMeter, now: datetime) -> dict[str, Any]:
    return {
        "number": meter.number,
        "esi_id": meter.esi_id,
        "gateway": meter.gateway,
        "installed_at": meter.installed_at,
        "provisioned_at": meter.provisioned_at,
        "updated_at": now,
    }


def _agreement_row(agreement: SeedAgreement, number: MeterNumber, company_id: int, now: datetime) -> dict[str, Any]:
    kind = AgreementKind.HOME_DEVICE
    return {
        "company_id": company_id,
        "esi_id": agreement.esi_id,
        "number": number,
        "kind": kind,
        "months": agreement.months,
        "email": agreement.email,
        "language": "en",
        "status": AgreementStatus.ACTIVE,
        "status_since": now,
        "made_at": now,
        "accepted_at": now,
        "due_at": ends_after(now, agreement.months),
        "letters": 1,
        "link_key": f"seeded {company_id} {agreement.esi_id} {kind}",  # no digest, so that no secret has it
    }


async def _keys(connection: AsyncConnection, key: Column[Any], value: Column[Any]) -> dict[Any, Any]:
    return {row[0]: row[1] for row in await connection.execute(select(key, value))}


async def _add(connection: AsyncConnection, table: Table, key: Column[Any], rows: Iterable[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet."""
    there = set((await connection.scalars(select(key))).all())
    fresh = [row for row in rows if row[key.name] not in there]
    if fresh:
        await connection.execute(insert(table), fresh)
