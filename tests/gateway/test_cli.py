"""The command line speaks in sentences: trouble is one line and exit code 1, and an unknown word is answered."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
import typer

from gateway.cli import build
from gateway.errors import BadInput
from gateway.wiring import commands

NAMES = (
    "broker",
    "demo",
    "doctor",
    "files",
    "files-access",
    "gateway",
    "gateways",
    "han",
    "keys",
    "lab",
    "load",
    "mail",
    "manual",
    "market",
    "meters",
    "portal",
    "reports",
    "seal",
    "vee",
)


async def said(*words: str) -> tuple[int | None, str, str]:
    """The exit code of a metergate command, its output and its errors."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", *words, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gateway", "--config", "nowhere.toml"), "no configuration nowhere.toml"),
        (("portal", "--config", "demo.toml", "--set", "bus.use=mqtt:Nothing"), "'mqtt:Nothing' cannot be used"),
        (("gateway", "--config", "demo.toml", "--set", "gateway.colour=blue"), "[gateway] colour: "),
        (("nonsense",), "there is no command 'nonsense'"),
    ],
)
async def test_trouble_is_one_sentence_and_exit_code_1(words: tuple[str, ...], sentence: str) -> None:
    code, out, err = await said(*words)
    assert (code, out) == (1, "")
    assert err.startswith("metergate: ")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_an_unknown_command_is_answered_with_all_there_are() -> None:
    with pytest.raises(BadInput) as refused:
        build("nonsense")
    assert str(refused.value) == f"there is no command 'nonsense'; there are {', '.join(NAMES)}"


def test_every_command_that_is_registered_is_known_here() -> None:
    assert tuple(name for name, _ in commands()) == NAMES


@pytest.mark.parametrize("wanted", ["gateway", "lab"])
def test_one_command_is_built_without_the_others(wanted: str) -> None:
    app = build(wanted)
    names = [command.name for command in app.registered_commands] + [group.name for group in app.registered_groups]
    assert names == [wanted]


@pytest.mark.parametrize("wanted", [None, "--help"])
def test_help_is_about_every_command(wanted: str | None) -> None:
    app: typer.Typer = build(wanted)
    names = [command.name for command in app.registered_commands] + [group.name for group in app.registered_groups]
    assert sorted(map(str, names)) == sorted(NAMES)


async def test_the_manual_is_the_page_in_the_documents() -> None:
    code, out, _ = await said("manual")
    page = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
    assert (code, out) == (0, page.read_text(encoding="utf-8"))
