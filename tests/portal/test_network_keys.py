"""A network's key changed over the API: by the TDSP whose gateway it is, and the migration that made room for it."""

import asyncio
from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect, text

from gateway.han.messages import RotateNetworkKey
from gateway.messages import CommandEnded, Mark, OutcomeStatus
from gateway.ports import Delivery
from portal.context import Portal
from tests.clock import HandClock
from tests.portal.conftest import SignIn
from tests.portal.test_device_api import accepted, sent
from tests.portal.test_device_listener import born
from tests.portal.wire import WireBus
from tests.portal.world import GATEWAY, MIGRATIONS

PLACE = f"/gateways/{GATEWAY}/network-key"


async def test_a_change_is_sent_followed_and_over(
    signed_in: SignIn, bus: WireBus, portal: Portal, clock: HandClock
) -> None:
    await born(portal)
    wires = await signed_in("wires.admin")
    place = await accepted(await wires.post(PLACE, json={"driver": "zigbee"}))
    message = await sent(bus)
    assert isinstance(message, RotateNetworkKey)
    assert (message.driver, message.deadline_at - message.requested_at) == ("zigbee", timedelta(seconds=180))
    waiting = asyncio.create_task(wires.get(place, params={"wait": 20}))
    ended = CommandEnded(
        id=message.id,
        meter=None,
        device=None,
        status=OutcomeStatus.DONE,
        cause=None,
        detail="The network key in use has the sequence number 1.",
        next_step=None,
        info=None,
        round_trip_ms=None,
        successes=None,
        ended_at=clock.now(),
        mark=Mark(journal="j", seq=1),
    )
    await portal.desk.handle([Delivery(gateway=GATEWAY, message=ended)])
    assert (await waiting).status_code == 200
    shown = (await wires.get(place)).json()
    assert (shown["status"], shown["kind"], shown["meter"], shown["esi_id"]) == ("done", "rotate_key", None, None)
    assert "sequence number 1" in shown["detail"]


async def test_nobody_else_changes_or_sees_it(signed_in: SignIn, portal: Portal) -> None:
    await born(portal)
    wires = await signed_in("wires.admin")
    place = await accepted(await wires.post(PLACE, json={}))
    missing = await wires.post("/gateways/gw-of-nobody/network-key", json={})
    assert missing.json()["type"] == "urn:metergate:problem:no-such-gateway"
    assert (await wires.post(PLACE, json={"key": "00"})).status_code == 422
    rep = await signed_in("rep.admin")
    assert (await rep.post(PLACE, json={})).status_code == 403
    for user in ("rep.admin", "gulf.admin"):
        assert (await (await signed_in(user)).get(place)).status_code == 404


def test_what_waits_to_be_sent_outlives_the_migration(tmp_path: Path) -> None:
    """SQLite makes han_commands anew, and its outbox hangs on it."""
    at = "2026-07-01 00:00:00"
    engine = create_engine(f"sqlite:///{tmp_path}/portal.db")
    with engine.connect() as connection:
        migrate(connection, "v0003")
        connection.execute(text(f"INSERT INTO meters (id, number, esi_id, installed_at) VALUES (1, 'M', '1', '{at}')"))
        connection.execute(
            text(
                "INSERT INTO han_commands (id, kind, meter_id, meter, esi_id, gateway, status, asked_at) "
                f"VALUES ('c', 'ping', 1, 'M', '1', 'gw', 'queued', '{at}')"
            )
        )
        connection.execute(text("INSERT INTO han_outbox (command_id, message, body) VALUES ('c', 'PingDevice', '{}')"))
        connection.commit()
        indexes = _indexes(connection)
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys = on")
        migrate(connection, "head")
        assert connection.execute(text("SELECT command_id, message FROM han_outbox")).all() == [("c", "PingDevice")]
        assert _indexes(connection) == indexes
        nullable = {each["name"]: each["nullable"] for each in inspect(connection).get_columns("han_commands")}
        assert nullable["meter_id"]
        assert not nullable["gateway"]


def migrate(connection: Connection, revision: str) -> None:
    """To a revision."""
    alembic = Config()
    alembic.set_main_option("script_location", str(MIGRATIONS))
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, revision)


def _indexes(connection: Connection) -> set[str]:
    """The table's indexes as they were written, conditions included."""
    found = connection.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'han_commands' AND sql IS NOT NULL")
    )
    return {" ".join(sql.lower().replace("(", " ( ").replace(")", " ) ").split()) for (sql,) in found}
