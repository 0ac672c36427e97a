"""`metergate han` and `metergate meters` against a portal over HTTP, a gateway and a home network behind it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SystemDice
from gateway.errors import BadInput
from gateway.han.execution import STILL_HAS_KEY
from gateway.han.words import NEXT_STEP, Cause
from gateway.links import Backoff, keep
from gateway.ports import Assignment
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway
from mqtt.memory import MemoryBroker, MemoryBus
from portal.app import build_app
from portal.commands import gateways, han, meters
from portal.commands.client import PASSWORD_ENV, Api, PortalSaidNo
from portal.context import Portal
from portal.http_server import http_server, listen
from tests.gateway.fakes import DictionaryDriver, shelves
from tests.gateway.homes import DEVICE, SEALING, SECOND, DictionaryHome
from tests.portal.conftest import running
from tests.portal.world import CHEAP, GATEWAY, GUIDES, PASSWORD, esi, meter, settle

LABEL = "83FED3407A939723A5C639B26916D505C3B5"
METER = meter(1).number
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def home() -> DictionaryHome:
    return DictionaryHome(SystemClock(), step_s=0.01)


@pytest.fixture
async def run(tmp_path: Path, home: DictionaryHome, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """Runs a command line in a thread of its own, as a process would; everything that it talks to is in this one."""
    clock, dice = SystemClock(), SystemDice()
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    async with AsyncExitStack() as exits:
        database = Database.open(f"sqlite:///{tmp_path}/portal.db")
        exits.push_async_callback(database.close)
        await settle(database, clock.now())
        broker = MemoryBroker(clock, dice)
        bus = MemoryBus(broker, None, clock, dice)
        portal = Portal.over(database, bus, clock, dice, GUIDES, passwords=CHEAP)
        await exits.enter_async_context(running(portal))
        kept = await exits.enter_async_context(shelves(tmp_path))
        gateway = Gateway(
            settings=GatewaySettings(id=GATEWAY, database="", assignments=Path("none")),
            limits=ReadLimits(),
            journal=kept.journal,
            devices=kept.devices,
            meters=kept.meters,
            collected=kept.collected,
            bus=MemoryBus(broker, GATEWAY, clock, dice),
            drivers={"desk": DictionaryDriver(clock, home=home)},
            assignments={METER: Assignment(meter=METER, driver="desk", address="1")},
            clock=clock,
            boot_id="boot",
            sealing=SEALING,
        )
        stop, place = asyncio.Event(), listen("127.0.0.1", 0)
        server = http_server(build_app(portal))
        lives = [
            asyncio.create_task(keep("the bus", lambda: bus.run(portal.desk.handle, portal.greet), clock, Backoff())),
            asyncio.create_task(gateway.run(stop)),
            asyncio.create_task(server.serve([place])),
        ]
        await server.listening.wait()
        where = f"http://127.0.0.1:{place.getsockname()[1]}"

        async def command(app: typer.Typer, *words: str, user: str = "wires.admin", typed: str = "") -> Result:
            line = [*words, "--user", user, "--portal", where]
            return await asyncio.to_thread(CliRunner().invoke, app, line, input=typed)

        yield command
        stop.set()
        server.should_exit = True
        lives[0].cancel()
        await asyncio.gather(*lives, return_exceptions=True)


async def test_a_join_is_shown_stage_by_stage_and_the_device_can_be_asked(run: Run) -> None:
    joined = await run(han.app, "join", METER, "00:0d:6f:00:07:a0:b1:c2", typed=LABEL + "\n")
    assert joined.exit_code == 0, joined.output
    stages = re.findall(r"^ +[\d.]+ s  (.+)$", joined.stdout, re.MULTILINE)
    assert stages == [
        "requested", "validated", "key installed", "window open", "joined", "announced", "interviewed",
        "key establishing", "registered", "active",
    ]  # fmt: skip
    assert LABEL not in joined.output
    assert (await run(han.app, "ping", esi(1), DEVICE)).stdout == "10 ms\n"
    assert re.search(r"^manufacturer +Acme$", (await run(han.app, "info", METER, DEVICE)).stdout, re.MULTILINE)
    listed = await run(han.app, "devices", METER)
    assert listed.stdout == f"{DEVICE}  active            in home display  Acme Display\n"
    shown = (await run(han.app, "timeline", METER, DEVICE)).stdout
    assert "     0.0 s  requested\n" in shown
    assert shown.rstrip().endswith("s  active")
    assert (await run(han.app, "rekey", METER, DEVICE)).exit_code == 0
    removed = await run(han.app, "remove", METER, DEVICE)
    assert re.findall(r"s  (\w+)$", removed.stdout, re.MULTILINE) == ["removing", "removed"]


async def test_a_failure_is_said_with_its_cause_and_the_next_step(run: Run, home: DictionaryHome) -> None:
    del home.outside[DEVICE]
    failed = await run(han.app, "join", METER, DEVICE, "--window-s", "1", typed=LABEL + "\n")
    assert failed.exit_code == 1
    assert "window expired: Nothing was heard for 1 s.\n" in failed.stdout
    assert f"Next: {NEXT_STEP[Cause.WINDOW_EXPIRED]}\n" in failed.stdout
    assert f"Next: {NEXT_STEP[Cause.WINDOW_EXPIRED]}" in (await run(han.app, "timeline", METER, DEVICE)).stdout


async def test_notices_are_given_with_their_event_and_taken_back(run: Run, home: DictionaryHome) -> None:
    await run(han.app, "join", METER, DEVICE, typed=LABEL + "\n")
    told = await run(han.app, "text", METER, "Conserve", "--confirm", "--minutes", "60")
    assert told.exit_code == 0, told.output
    event = re.fullmatch(r"event (\d+)\n", told.stdout)
    assert event
    await run(han.app, "price", METER, "0.1234", "--label", "PEAK")
    await run(han.app, "load-control", METER, "30", "hvac", "pool_pump", "--cooling-offset", "20", "--device", DEVICE)
    await run(han.app, "cancel", METER, "text", "--event", event[1])
    assert (await run(han.app, "cancel", METER, "load-control", "--device", DEVICE)).exit_code == 0
    kinds = [notice.kind for _, notice in home.told]
    assert kinds == ["text", "price", "load_control", "cancel_text", "cancel_all_load_control"]
    price = home.told[1][1]
    assert (getattr(price, "price", None), getattr(price, "digits", None)) == (1234, 4)


async def test_a_removal_that_is_not_acknowledged_leads_to_a_new_network_key(run: Run, home: DictionaryHome) -> None:
    await run(han.app, "join", METER, DEVICE, typed=LABEL + "\n")
    home.deaf.add(DEVICE)
    assert (await run(han.app, "remove", METER, DEVICE)).stdout.endswith(f"{STILL_HAS_KEY}\n")
    assert (await run(gateways.app, "list")).stdout.startswith(f"{GATEWAY}  online  desk ")
    rotated = await run(gateways.app, "rotate-key", GATEWAY)
    assert rotated.stdout == "The network key in use has the sequence number 1.\n"
    refused = await run(gateways.app, "rotate-key", GATEWAY, "--driver", "attic")
    assert refused.exit_code == 1
    assert "no home network: Driver attic" in refused.stdout
    assert "managed by the meter's TDSP" in str(
        (await run(gateways.app, "rotate-key", GATEWAY, user="rep.admin")).exception
    )


async def test_a_meter_is_withdrawn_and_assigned_again(run: Run) -> None:
    assert (await run(meters.app, "show", METER)).stdout == f"served by {GATEWAY}\n"
    assert (await run(meters.app, "withdraw", METER)).stdout == "served by no gateway\n"
    assigned = await run(meters.app, "assign", METER, GATEWAY, "desk", SECOND, "--join", typed=LABEL + "\n")
    assert assigned.stdout.endswith(f"s  active\nserved by {GATEWAY} through desk at {SECOND}\n")
    refused = await run(meters.app, "assign", METER, GATEWAY, "radio", "7")
    assert refused.exit_code == 1
    assert "bad command: The gateway has no driver 'radio'" in refused.stdout


@pytest.mark.parametrize(
    ("words", "user", "typed", "said"),
    [
        (("join", METER, DEVICE), "wires.admin", LABEL[:-1] + "6", "checksum does not match"),
        (("ping", METER, DEVICE), "wires.admin", "", "There is nothing here for you|This meter has no device"),
        (("devices", METER), "rep.admin", "", "no active In-Home Device agreement for this meter. Ask the customer"),
        (("devices", METER), "gulf.admin", "", f"there is no meter {METER} for you"),
        (("devices", esi(99)), "wires.admin", "", "There is nothing here for you."),
        (("text", METER, ""), "wires.admin", "", "body.text: "),
    ],
)
async def test_what_the_portal_refuses_is_said_in_its_words(
    run: Run, words: tuple[str, ...], user: str, typed: str, said: str
) -> None:
    refused = await run(han.app, *words, user=user, typed=typed)
    assert refused.exit_code == 1
    assert isinstance(refused.exception, PortalSaidNo)
    assert re.search(said, str(refused.exception))


async def test_a_portal_that_is_not_there_is_said_in_words() -> None:
    with pytest.raises(BadInput, match="must begin with http"):
        Api.at("ftp://portal", None)
    api = Api.at("http://127.0.0.1:9", None)
    with pytest.raises(PortalSaidNo, match="does not answer"):
        await asyncio.to_thread(api.get, "/me")


async def test_an_address_of_the_wrong_form_is_refused_before_anything_is_asked(run: Run) -> None:
    refused = await run(han.app, "ping", METER, "00:0D")
    assert isinstance(refused.exception, BadInput)
    assert "EUI-64" in str(refused.exception)
