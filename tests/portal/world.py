"""A small world for the portal's tests: two REPs, a TDSP, ERCOT, a customer, and meters with their REPs of record."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

import portal
from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import Duns, EsiId, GatewayId, MeterNumber
from portal.accounts.passwords import Passwords
from portal.accounts.presets import Preset
from portal.accounts.tables import accounts
from portal.companies.kinds import Kind
from portal.han.who_may import ManagedMeter, manage
from portal.market.spans import Span
from portal.seed import SeedAccount, SeedCompany, SeedDuns, SeedGateway, SeedMeter, SeedPremise, SeedWorld, seed
from portal.settings import PortalSettings
from portal.viewer import Viewer, load_viewer
from portal.visibility import VisibleMeter, find_meter

MIGRATIONS = Path(portal.__file__).parent / "migrations"
BEGAN = datetime(2025, 1, 1, 6, tzinfo=UTC)
SWITCHED = datetime(2026, 6, 1, 5, tzinfo=UTC)

LONE_STAR = Duns("111111111")
LONE_STAR_SECOND = Duns("1111111112222")
BLUEBONNET = Duns("333333333")
WIRES = Duns("444444444")
OTHER_WIRES = Duns("555555555")
PASSWORD = "correct horse battery"
GATEWAY = GatewayId("gw-1")
OTHER_GATEWAY = GatewayId("gw-2")


def esi(number: int) -> EsiId:
    """The ESI ID of the world's premise of that number."""
    return EsiId(f"10443720{number:09d}")


def person(user_id: str, company: str | None = None, **more: object) -> SeedAccount:
    """An Active account whose names and mail follow from its user id."""
    return SeedAccount(
        user_id=user_id,
        password=PASSWORD,
        first_name=user_id.split(".")[0].title(),
        last_name="Doe",
        email=f"{user_id}@example.com",
        company=company,
        **more,  # type: ignore[arg-type]  # tests name the fields they set
    )


def premise(number: int, spans: tuple[Span, ...], tdsp: str = "Hill Country Wires", **more: object) -> SeedPremise:
    """A premise on Elm St whose house number is its number."""
    return SeedPremise(
        esi_id=esi(number),
        tdsp=tdsp,
        house_number=str(number),
        street_name="Elm",
        street_type="St",
        city="Austin",
        zip="78701",
        spans=spans,
        **more,  # type: ignore[arg-type]  # tests name the fields they set
    )


def meter(number: int, gateway: GatewayId | None = GATEWAY) -> SeedMeter:
    """The meter on the wall of the premise of that number."""
    return SeedMeter(
        number=MeterNumber(f"M{number:05d}"),
        esi_id=esi(number),
        gateway=gateway,
        installed_at=BEGAN,
        provisioned_at=BEGAN,
    )


def since(duns: Duns, at: datetime = BEGAN) -> tuple[Span, ...]:
    """One REP of record from an instant on."""
    return (Span(duns=duns, from_at=at),)


WORLD = SeedWorld(
    companies=(
        SeedCompany(
            name="Lone Star Power",
            kind=Kind.REP,
            email="desk@lonestar.example",
            duns=(SeedDuns(duns=LONE_STAR), SeedDuns(duns=LONE_STAR_SECOND, ercot_name="Lone Star Business")),
        ),
        SeedCompany(
            name="Bluebonnet Energy", kind=Kind.REP, email="desk@bluebonnet.example", duns=(SeedDuns(duns=BLUEBONNET),)
        ),
        SeedCompany(
            name="Hill Country Wires", kind=Kind.TDSP, email="desk@wires.example", duns=(SeedDuns(duns=WIRES),)
        ),
        SeedCompany(name="Gulf Wires", kind=Kind.TDSP, email="desk@gulf.example", duns=(SeedDuns(duns=OTHER_WIRES),)),
        SeedCompany(name="ERCOT", kind=Kind.ERCOT, email="desk@ercot.example"),
        SeedCompany(name="Kilowatt Coaches", kind=Kind.THIRD_PARTY, email="desk@coaches.example"),
    ),
    accounts=(
        person("rep.admin", "Lone Star Power", administrator=True),
        person("rep.user", "Lone Star Power", duns=(LONE_STAR,)),
        person("blue.admin", "Bluebonnet Energy", administrator=True),
        person("wires.admin", "Hill Country Wires", administrator=True),
        person("gulf.admin", "Gulf Wires", administrator=True),
        person("ercot.user", "ERCOT"),
        person("coach.user", "Kilowatt Coaches"),
        person("maria.customer", language="es"),
    ),
    gateways=(
        SeedGateway(id=GATEWAY, tdsp="Hill Country Wires"),
        SeedGateway(id=OTHER_GATEWAY, tdsp="Gulf Wires"),
    ),
    premises=(
        premise(1, since(LONE_STAR), customer="maria.customer"),
        premise(2, since(LONE_STAR_SECOND)),
        premise(3, since(BLUEBONNET)),
        premise(4, (Span(duns=LONE_STAR, from_at=BEGAN, to_at=SWITCHED), Span(duns=BLUEBONNET, from_at=SWITCHED))),
        premise(5, since(LONE_STAR)),
        premise(6, since(BLUEBONNET), tdsp="Gulf Wires"),
    ),
    meters=(meter(1), meter(2), meter(3), meter(4), meter(5, gateway=None), meter(6, gateway=OTHER_GATEWAY)),
)
"""Meter 4 went from Lone Star to Bluebonnet; meter 5 has no gateway; meter 6 hangs on the other TDSP's."""

GUIDES = PortalSettings(preset=Preset.SMT)
"""The guide's rules of signing in, in which administrators need no second factor."""
CHEAP = Passwords(SeededDice(1), memory_kib=64, passes=1)
"""Password hashes that cost a test nothing."""


async def settle(database: Database, now: datetime, world: SeedWorld = WORLD) -> None:
    """Migrate a database and put a world into it."""
    await database.migrate(MIGRATIONS)
    await database.write(lambda connection: seed(connection, world, CHEAP, now))


async def viewer(database: Database, user_id: str) -> Viewer:
    """The viewer behind a user id of the world."""
    async with database.reading() as connection:
        account_id = await connection.scalar(select(accounts.c.id).where(accounts.c.user_key == user_id))
        found = await load_viewer(connection, account_id or 0)
    assert isinstance(found, Viewer), found
    return found


async def visible(database: Database, who: Viewer, number: int, now: datetime) -> VisibleMeter:
    """The meter of that number, which the viewer must see."""
    async with database.reading() as connection:
        found = await find_meter(connection, who, esi(number), now)
    assert found is not None
    return found


async def managed(database: Database, who: Viewer, number: int, now: datetime) -> ManagedMeter:
    """The meter of that number, whose devices the viewer must be allowed to manage."""
    meter = await visible(database, who, number, now)
    async with database.reading() as connection:
        found = await manage(connection, who, meter, now)
    assert isinstance(found, ManagedMeter), found
    return found
