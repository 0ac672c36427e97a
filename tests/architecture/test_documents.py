"""The documents say what the code says."""

import re
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import httpx
import pytest
import typer
from fastapi import FastAPI

from gateway import wiring
from gateway.cli import build
from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SystemDice
from gateway.errors import FailureReason
from gateway.manual import manual
from mqtt.memory import MemoryBroker, MemoryBus
from mqtt.topics import ROOT as TOPICS
from mqtt.topics import TABLE, Direction
from portal.app import full_app
from portal.context import Portal
from portal.errors import PROBLEMS
from portal.gateways.tables import IncidentKind
from portal.market.notices import NoticeRefusal
from portal.opening import MIGRATIONS
from portal.pages.reason_words import REASONS
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from simulators.faults import FaultKind
from simulators.lab import ncp
from simulators.zigbee.ezsp_frames import STACK_VERSIONS

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "configuration.md")
"""The pages that people wrote."""
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *GUIDES]
FOLDERS = "gateway|drivers|mqtt|portal|simulators|configs|tests|docs"
PICTURE_BYTES = 150_000
FILE_ENDINGS = (".db", ".log", ".csv", ".json", ".toml", ".md", ".py", ".pem", ".key")


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path) -> Iterator[tuple[str, str]]:
    """Every fenced block of a document: its language, its lines."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```", text_of(path), re.MULTILINE | re.DOTALL)


def spans(path: Path) -> list[str]:
    """The code in a document's sentences and tables."""
    prose = re.sub(r"^```.*?^```", "", text_of(path), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def code(path: Path) -> list[str]:
    """Every line of code in a document, in a sentence or in a block; a line that ends with a backslash goes on."""
    joined = "".join(block.replace("\\\n", " ") for _, block in blocks(path))
    return [*spans(path), *joined.splitlines()]


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The whole application, over an empty database."""
    clock, dice, database = SystemClock(), SystemDice(), Database.open(f"sqlite:///{tmp_path}/portal.db")
    await database.migrate(MIGRATIONS)
    store = await SqlIntervalStore.opened(database)
    bus = MemoryBus(MemoryBroker(clock, dice), None, clock, dice)
    yield full_app(Portal.over(database, bus, clock, dice), store, RegisterStore(database))
    await database.close()


def test_the_configuration_page_is_the_settings_classes() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == manual(), "run: metergate manual > docs/configuration.md"


def test_the_readme_leads_to_every_page() -> None:
    assert [
        page.name for page in (ROOT / "docs").glob("*.md") if f"(docs/{page.name})" not in text_of(DOCUMENTS[0])
    ] == []


def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)\)", text_of(document))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_path_named_exists(document: Path) -> None:
    named = re.findall(rf"\b((?:{FOLDERS})/[\w/.-]*\w)", "\n".join(spans(document)))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_pictures_are_small() -> None:
    heavy = [path.name for path in (ROOT / "docs" / "pictures").iterdir() if path.stat().st_size > PICTURE_BYTES]
    assert heavy == []


def test_every_make_target_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for line in code(document) for name in re.findall(r"\bmake ([a-z-]+)", line)}
    assert named <= targets


@cache
def command() -> Any:
    """The command line with everything that is registered."""
    return typer.main.get_command(build(None))


def wrong_words(words: list[str]) -> list[str]:
    """The sub-commands and options of a command line that do not exist."""
    here, path = command(), ["metergate"]
    while words and hasattr(here, "commands") and re.fullmatch(r"[a-z][a-z-]*", words[0]):
        path.append(words.pop(0))
        if path[-1] not in here.commands:
            return [" ".join(path)]
        here = here.commands[path[-1]]
    known = {option for parameter in here.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    return [f"{' '.join(path)} {option}" for option in sorted(options - known - {"--help"})]


def command_lines(document: Path) -> Iterator[list[str]]:
    for line in code(document):
        for rest in re.findall(r"(?:^|[$&;|]) *(?:\S*/)?metergate ([a-z-][^|;&>`]*)", line):
            yield rest.split()


def test_every_command_and_option_named_exists(document: Path) -> None:
    assert [wrong for words in command_lines(document) for wrong in wrong_words(words)] == []


def test_a_command_or_option_that_does_not_exist_is_found() -> None:
    assert wrong_words(["demo", "--set", "data=x"]) == []
    assert wrong_words(["lab", "ncp", "--meters=3", "--colour", "red"]) == ["metergate lab ncp --colour"]
    assert wrong_words(["lab", "stat"]) == ["metergate lab stat"]
    assert wrong_words(["rewind"]) == ["metergate rewind"]


ADDRESS = re.compile(r"(?<![a-z_])(/(?:api|commonapi)/[\w/{}.-]*[\w}])")


async def leads(app: FastAPI, path: str) -> bool:
    """Whether an application has something at a path: without a token it says so, rather than that nothing is there."""
    if path == "/api/v1":
        return True
    method = "GET" if path.startswith("/api/v1/") else "POST"
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as guest:
        return (await guest.request(method, path)).status_code != 404


async def test_every_address_named_is_the_portal_s(document: Path, app: FastAPI) -> None:
    named = {path for line in code(document) for path in ADDRESS.findall(line)}
    assert [path for path in sorted(named) if not await leads(app, path)] == []


async def test_an_address_that_does_not_exist_is_found(app: FastAPI) -> None:
    assert await leads(app, "/api/v1/reads/{read_id}")
    assert await leads(app, "/api/adhoc/intervalsynch")
    assert not await leads(app, "/api/usage/yearly")
    assert not await leads(app, "/api/v1/nothing")


async def test_every_operation_of_the_api_is_explained(app: FastAPI) -> None:
    page = "".join(map(text_of, GUIDES))
    assert [path for path in app.openapi()["paths"] if path.split("{")[0] not in page] == []


def is_topic(text: str) -> bool:
    """Whether a topic or filter is one that the table of topics has."""
    _, _, direction, *rest = text.split("/")
    if direction == "market":
        return len(rest) == 1
    channels = {kind.channel for kind in TABLE if kind.direction == direction} | {"#"}
    return direction in set(Direction) and (rest == ["#"] or (len(rest) == 2 and rest[1] in channels))


def test_every_topic_named_is_in_the_table(document: Path) -> None:
    named = [topic for line in code(document) for topic in re.findall(rf"{TOPICS}/[\w/{{}}%+#-]+", line)]
    assert [topic for topic in named if not is_topic(topic)] == []


@cache
def tables() -> dict[str, type]:
    return {entry.name: entry.load() for entry in wiring.settings()}


def is_key(name: str) -> bool:
    """Whether a dotted name is a table, or a key of one."""
    parts = name.split(".")
    at = next((n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in tables()), 0)
    kind: Any = tables().get(".".join(parts[:at]))
    for part in parts[at:]:
        if not is_dataclass(kind):
            return kind is dict
        if part not in {each.name for each in fields(kind)} | {"use"}:
            return False
        kind = str if part == "use" else _inner(get_type_hints(kind)[part])
    return at > 0


def _inner(hint: Any) -> Any:
    """What may stand below a field: its settings class if it has one, anything below a mapping, nothing below text."""
    classes: list[Any] = [one for one in (hint, *get_args(hint)) if is_dataclass(one)]
    return dict if get_origin(hint) in (dict, Mapping) else (classes or [str])[0]


def keys(document: Path) -> Iterator[str]:
    """The dotted keys that a document names: in sentences, after --set, and in its TOML."""
    roots = {name.partition(".")[0] for name in tables()}
    for span in spans(document):
        name = re.match(r"([a-z_]+(?:\.[a-z_]+)+)(?: = .*)?$", span)
        if name and name[1].partition(".")[0] in roots and not name[1].endswith(FILE_ENDINGS):
            yield name[1]
    for line in code(document):
        yield from re.findall(r"--set[ =](?!table\.)([a-z_]+\.[a-z_.]+)=", line)
    for language, block in blocks(document):
        if language == "toml":
            yield from flat("", tomllib.loads(block))


def flat(where: str, value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield where
        return
    for key, inner in value.items():
        yield from flat(f"{where}.{key}".lstrip("."), inner)


def test_every_configuration_key_named_exists(document: Path) -> None:
    assert [name for name in keys(document) if not is_key(name)] == []


def test_a_key_that_does_not_exist_is_found() -> None:
    assert all(
        map(is_key, ("drivers.zigbee.form", "gateway.credentials.password.file", "broker.users.gw-1", "bus.use"))
    )
    assert not any(map(is_key, ("gateway.colour", "garden.port", "portal.credentials.colour")))


def test_every_word_for_trouble_is_explained() -> None:
    retailer, operator, lab, programs = (
        text_of(ROOT / "docs" / f"{name}.md") for name in ("retailer", "operator", "laboratory", "programs")
    )
    assert [words for words in REASONS.values() if f"| {words} |" not in retailer] == []
    assert [kind for kind in IncidentKind if f"| `{kind}` |" not in operator] == []
    assert [reason for reason in NoticeRefusal if f"| `{reason}` |" not in operator] == []
    assert [kind for kind in FaultKind if f"| `{kind}` |" not in lab] == []
    assert [reason for reason in FailureReason if f"`{reason}`" not in programs] == []
    assert [kind for _, kind, _ in PROBLEMS.values() if kind != "forged-request" and f"`{kind}`" not in programs] == []


def test_the_laboratory_s_page_names_every_ezsp_version_and_option() -> None:
    page = text_of(ROOT / "docs" / "laboratory.md")
    *most, last = map(str, STACK_VERSIONS)
    assert f"{', '.join(most).replace('14,', '14 (the default),')} or {last}" in page
    options = {name.replace("_", "-") for name in get_type_hints(ncp)} - {"return"}
    assert [name for name in options if f"--{name}" not in page] == []
