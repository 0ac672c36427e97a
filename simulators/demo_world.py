"""The demo's world: a street of simulated meters, the companies that serve it, and the people who sign in."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.dice import Dice
from gateway.identifiers import Duns, GatewayId
from portal.companies.kinds import Kind
from portal.files.commands import new_password
from portal.market.spans import Span
from portal.seed import (
    SeedAccount,
    SeedAgreement,
    SeedCompany,
    SeedDuns,
    SeedGateway,
    SeedMeter,
    SeedPremise,
    SeedWorld,
)
from simulators.street import Premise

TDSP = "Caprock Wires"
BLUEBONNET = "Bluebonnet Power"
MESQUITE = "Mesquite Energy"
BLUEBONNET_DUNS = Duns("118802441")
MESQUITE_DUNS = Duns("1188024419001")
BLUEBONNET_METERS = 24
"""Enough for a list that shows at once; the rest of the street is Mesquite Energy's and needs a search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A gateway and the premises whose meters it reads; the first `bluebonnet` of them are Bluebonnet Power's."""

    gateway: GatewayId
    premises: Sequence[Premise]
    bluebonnet: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who signs in, and what the demo says of them."""

    user_id: str
    what: str
    company: str | None
    administrator: bool
    first_name: str
    last_name: str


PEOPLE = (
    Person(
        user_id="operator", what=f"TDSP operator, {TDSP}", company=TDSP, administrator=True,
        first_name="Ruth", last_name="Okafor",
    ),
    Person(
        user_id="dana", what=f"REP administrator, {BLUEBONNET}", company=BLUEBONNET, administrator=True,
        first_name="Dana", last_name="Whitfield",
    ),
    Person(
        user_id="miguel", what=f"REP user, {MESQUITE}", company=MESQUITE, administrator=False,
        first_name="Miguel", last_name="Arroyo",
    ),
    Person(
        user_id="pecan-lane", what="customer", company=None, administrator=False,
        first_name="Joy", last_name="Nguyen",
    ),
)  # fmt: skip


AGREED = 3
"""Homes of the street whose customers have agreed that their retailer adds devices; the others can be asked."""
FILES_USER = "bluebonnet"
"""The user name of Bluebonnet Power for its folder over FTPS and SFTP."""


def passwords(path: Path, dice: Dice) -> dict[str, str]:
    """Each person's password: made once for a data folder, kept in its file for the owner alone."""
    if not path.exists():
        made = {person.user_id: f"{person.user_id}-{int.from_bytes(dice.secret(4)) % 10_000:04d}" for person in PEOPLE}
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(made, indent=1), encoding="utf-8")
        new.replace(path)
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def files_password(path: Path, dice: Dice) -> str:
    """The password of that user name: made once for a data folder, kept in its file for the owner alone."""
    if not path.exists():
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(new_password(dice.secret(12)), encoding="utf-8")
        new.replace(path)
    return path.read_text(encoding="utf-8")


def world(reaches: Sequence[Reach], secrets: dict[str, str], now: datetime) -> SeedWorld:
    """Everything that the demo's portal starts with. The first premise of all has a customer who signs in."""
    since = now - timedelta(days=800)
    places = [
        (reach.gateway, BLUEBONNET_DUNS if index < reach.bluebonnet else MESQUITE_DUNS, premise)
        for reach in reaches
        for index, premise in enumerate(reach.premises)
    ]
    return SeedWorld(
        companies=[
            SeedCompany(
                name=TDSP, kind=Kind.TDSP, email="head-end@caprock.example", duns=(SeedDuns(duns=Duns("957870001")),)
            ),
            SeedCompany(
                name=BLUEBONNET, kind=Kind.REP, email="desk@bluebonnet.example", duns=(SeedDuns(duns=BLUEBONNET_DUNS),)
            ),
            SeedCompany(
                name=MESQUITE, kind=Kind.REP, email="desk@mesquite.example", duns=(SeedDuns(duns=MESQUITE_DUNS),)
            ),
        ],
        accounts=[_account(person, secrets[person.user_id]) for person in PEOPLE],
        gateways=[SeedGateway(id=reach.gateway, tdsp=TDSP) for reach in reaches],
        premises=[
            _premise(premise, duns, since, "pecan-lane" if index == 0 else None)
            for index, (_, duns, premise) in enumerate(places)
        ],
        meters=[
            SeedMeter(
                number=premise.meter, esi_id=premise.esi_id, gateway=gateway, installed_at=since, provisioned_at=since
            )
            for gateway, _, premise in places
        ],
        agreements=[
            SeedAgreement(
                company=BLUEBONNET if duns == BLUEBONNET_DUNS else MESQUITE,
                esi_id=premise.esi_id,
                email="pecan-lane@home.example",
            )
            for _, duns, premise in places[:AGREED]
        ],
    )


def _account(person: Person, password: str) -> SeedAccount:
    granted = {MESQUITE: (MESQUITE_DUNS,), BLUEBONNET: (BLUEBONNET_DUNS,)}
    return SeedAccount(
        user_id=person.user_id,
        password=password,
        first_name=person.first_name,
        last_name=person.last_name,
        email=f"{person.user_id}@{(person.company or 'home').split()[0].lower()}.example",
        company=person.company,
        administrator=person.administrator,
        energy_data=person.administrator,
        home_devices=person.administrator,
        duns=granted.get(person.company or "", ()),
    )


def _premise(premise: Premise, duns: Duns, since: datetime, customer: str | None) -> SeedPremise:
    number, _, rest = premise.address.partition(" ")
    name, _, kind = rest.rpartition(" ")
    return SeedPremise(
        esi_id=premise.esi_id,
        tdsp=TDSP,
        house_number=number,
        street_name=name,
        street_type=kind,
        city=premise.city,
        state=premise.state,
        zip=premise.zip,
        load_profile="RESHIWR_NCENT_IDR_WS_NOTOU",
        spans=(Span(duns=duns, from_at=since, to_at=None),),
        customer=customer,
    )
