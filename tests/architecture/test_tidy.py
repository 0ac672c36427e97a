"""Style as tests: sizes, banned calls, docstrings, dead files, no mocks."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "drivers", "mqtt", "portal", "simulators")
FILE_LINES = 500
FUNCTION_LINES = 70
GENERATED = {Path("portal/client/models.py"), Path("portal/client/calls.py")}
"""Written by `make client` and read by nobody: what they are made of is short."""

CLOCK_CALLS = re.compile(
    r"\b(?:datetime\.(?:now|utcnow|today)|date\.today|time\.(?:time|monotonic|perf_counter|sleep))\("
)
DICE_CALLS = re.compile(r"\b(?:random\.\w+|secrets\.\w+|uuid[124678]|uuid\.uuid[124678])\(")
MOCKS = re.compile(r"\b(?:Mock|MagicMock|AsyncMock|create_autospec)\b|\bmonkeypatch\.setattr\(|\bunittest\.mock\b")


@cache
def sources() -> dict[Path, str]:
    return {
        path.relative_to(ROOT): path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "versions" not in path.parts
    }


def test_sources() -> dict[Path, str]:
    return {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("*.py"))}


test_sources.__test__ = False  # type: ignore[attr-defined]  # a function for tests, not a test


def functions(path: Path, source: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def lines_matching(pattern: re.Pattern[str], texts: dict[Path, str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_is_over_500_lines() -> None:
    written = {path: source for path, source in sources().items() if path not in GENERATED}
    assert [str(path) for path, source in written.items() if source.count("\n") > FILE_LINES] == []


def test_no_function_is_over_70_lines() -> None:
    long = [
        name for path, source in sources().items() for name, size in functions(path, source) if size > FUNCTION_LINES
    ]
    assert long == []


def test_every_module_begins_with_a_sentence() -> None:
    bare = []
    for path, source in sources().items():
        docstring = ast.get_docstring(ast.parse(source)) or ""
        if source.strip() and not re.match(r"[A-Z`\"].*[.:]", docstring, re.DOTALL):
            bare.append(str(path))
    assert bare == []


def test_only_the_clock_reads_the_time() -> None:
    texts = {path: text for path, text in sources().items() if path != Path("gateway/clock.py")}
    assert lines_matching(CLOCK_CALLS, texts) == []


def test_only_the_dice_roll() -> None:
    texts = {path: text for path, text in sources().items() if path != Path("gateway/dice.py")}
    assert [line for line in lines_matching(DICE_CALLS, texts) if "random.Random" not in line] == []


def test_nothing_is_mocked() -> None:
    texts = {path: text for path, text in test_sources().items() if path.name != "test_tidy.py"}
    assert lines_matching(MOCKS, texts | sources()) == []


def test_tests_do_not_sleep_in_real_time() -> None:
    sleepers = re.compile(r"\btime\.sleep\(")
    texts = {path: text for path, text in test_sources().items() if path.name != "test_tidy.py"}
    assert lines_matching(sleepers, texts) == []


def test_no_file_is_dead() -> None:
    """A module is imported somewhere, or it is named in the project file, a configuration or a docstring of wiring."""
    everything = "\n".join((*sources().values(), *test_sources().values(), (ROOT / "pyproject.toml").read_text()))
    everything += "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "configs").glob("*.toml"))
    dead = []
    for path in sources():
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        parent, _, name = module.rpartition(".")
        named = re.compile(rf"\b{re.escape(module)}\b|from {re.escape(parent or '-')} import [^\n]*\b{name}\b")
        inside = re.compile(rf"from {re.escape(parent or '-')} import \([^)]*\b{name}\b")
        imported = named.search(everything) or inside.search(everything)
        if path.name not in {"env.py", "__init__.py", "__main__.py"} and not imported:
            dead.append(str(path))
    assert dead == []


@pytest.mark.parametrize("ending", ["utils", "helpers", "common", "base", "manager", "service"])
def test_no_file_is_named_for_nothing(ending: str) -> None:
    assert [str(path) for path in sources() if path.stem.split("_")[-1] == ending] == []


def test_the_licence_and_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "GPL-3.0-or-later"
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
