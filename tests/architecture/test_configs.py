"""Every configuration that we ship loads, table by table, with the classes that read it."""

from pathlib import Path

import pytest

from gateway import config, wiring

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_table_is_read_by_its_settings_class(path: Path) -> None:
    known = {entry.name: entry.load() for entry in wiring.settings()}
    configuration = config.load(path)
    for name, table in configuration.tables.items():
        if name == "data":
            continue
        parts = {f"drivers.{key}": value for key, value in table.items()} if name == "drivers" else {name: table}
        for where, part in parts.items():
            options = {key: value for key, value in part.items() if key != "use"}
            kind = wiring.resolve(part["use"]).Settings if "use" in part else known[where]
            config.decode(options, kind, where)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_no_configuration_holds_a_secret(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition("=")
        if key.strip() in {"password", "secret"}:
            assert value.strip().startswith("{"), line
