"""What is known of a premise and of the meter on its wall: the fields of the guide's figures 29 and 30."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId, MeterNumber
from portal.companies.tables import companies
from portal.market.tables import premises
from portal.meters.tables import meters
from portal.visibility import VisibleMeter

AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiseInformation:
    """The 20 fields of a premise (PMI-03); None is not known. utility is the TDSP, status A (active) or I (not)."""

    utility: str
    esi_id: EsiId
    service_voltage: str | None
    status: str
    time_zone: str
    house_number: str | None
    house_fraction: str | None
    leading_directional: str | None
    street_name: str
    street_type: str | None
    trailing_directional: str | None
    unit: str | None
    city: str
    state: str
    zip: str
    zip_4: str | None
    read_cycle: str | None
    load_profile: str | None
    rate_class: str | None
    ams_profile_from: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterInformation:
    """The 26 fields of a meter (PMI-04); None is not known.

    number is the manufacturer's, utility_number the TDSP's; provisioned_at is since when it sends usage; status E
    (energized) or D (de-energized).
    """

    utility: str
    esi_id: EsiId
    number: MeterNumber
    utility_number: str | None
    multiplier: Decimal | None
    channels: int | None
    manufacturer: str | None
    tested_on: date | None
    meter_class: str | None
    installed_at: datetime
    provisioned_at: datetime | None
    technology: str | None
    instrument_rated: bool | None
    ct_ratio: str | None
    pt_ratio: str | None
    esi_firmware: str | None
    han_protocol: str | None
    smart_energy_profile: str | None
    interval_minutes: int | None
    generation_capable: bool | None
    generation_channel: str | None
    remote_disconnect: bool | None
    status: str | None
    phases: int | None
    model: str | None
    updated_at: datetime | None


Information = TypeVar("Information", PremiseInformation, MeterInformation)

_OF_COMPANY = premises.join(companies, companies.c.id == premises.c.tdsp_id)


def _select(kind: type[Any], table: Any, joined: Any, id_: Any) -> Select[Any]:
    columns = [table.c[field.name] for field in fields(kind) if field.name != "utility"]
    wanted = id_.in_(bindparam("wanted", expanding=True))
    return select(companies.c.name.label("utility"), *columns).select_from(joined).where(wanted)


_PREMISES = _select(PremiseInformation, premises, _OF_COMPANY, premises.c.esi_id)
_METERS = _select(MeterInformation, meters, meters.join(_OF_COMPANY, premises.c.esi_id == meters.c.esi_id), meters.c.id)


async def premise_information(connection: AsyncConnection, of: Sequence[VisibleMeter]) -> list[PremiseInformation]:
    """The premises of some visible meters, in their order."""
    wanted = [meter.esi_id for meter in of]
    found = {each.esi_id: each for each in await _found(connection, PremiseInformation, _PREMISES, wanted)}
    return [found[esi_id] for esi_id in wanted]


async def meter_information(connection: AsyncConnection, of: Sequence[VisibleMeter]) -> list[MeterInformation]:
    """Some visible meters, in their order."""
    found = {each.esi_id: each for each in await _found(connection, MeterInformation, _METERS, [m.id for m in of])}
    return [found[meter.esi_id] for meter in of]


async def _found(
    connection: AsyncConnection, kind: type[Information], statement: Select[Any], wanted: Sequence[Any]
) -> list[Information]:
    rows: list[Information] = []
    for start in range(0, len(wanted), AT_ONCE):
        some = await connection.execute(statement, {"wanted": list(wanted[start : start + AT_ONCE])})
        rows += [kind(**row) for row in some.mappings()]
    return rows
