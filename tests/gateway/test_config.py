"""Configuration: what is wrong is named, what is secret stays out of sight."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from gateway.config import Secret, find, load, settings
from gateway.errors import BadConfig


@settings
class Lamp:
    """A table for these tests."""

    watts: Annotated[int, Field(description="Power.", ge=1)] = 60
    key: Annotated[Secret | None, Field(description="Its key.")] = None


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lamp.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_missing_table_gives_the_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")).section("lamp", Lamp) == Lamp(watts=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[lamp]\nwats = 5", "wats: .*[Uu]nexpected"),
        ("[lamp]\nwatts = 0", "watts: .*greater than or equal to 1"),
        ('[lamp]\nkey = "in the open"', "key"),
        ("[lamp", "lamp.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_the_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        load(written(tmp_path, text)).section("lamp", Lamp)


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[lamp]\nwatts = 5")
    assert load(path, ["lamp.watts=7"]).section("lamp", Lamp).watts == 7


def test_the_data_folder_stands_in_every_text(tmp_path: Path) -> None:
    path = written(tmp_path, 'data = "here"\n[lamp]\nkey = { file = "{data}/key" }')
    assert load(path).section("lamp", Lamp).key == Secret(file=Path("here/key"))
    moved = load(path, ["data=there"])
    assert moved.section("lamp", Lamp).key == Secret(file=Path("there/key"))
    assert moved.data == Path("there")


def test_a_secret_is_read_from_its_place_and_never_shown(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text("hunter2\n", encoding="utf-8")
    secret = Secret(file=place)
    assert secret.reveal() == "hunter2"
    assert "hunter2" not in repr(secret)
    with pytest.raises(BadConfig, match="cannot be read"):
        Secret(file=tmp_path / "nowhere").reveal()
    with pytest.raises(BadConfig, match="METERGATE_NOT_SET"):
        Secret(env="METERGATE_NOT_SET").reveal()


def test_our_own_configurations_are_found_by_bare_name() -> None:
    assert find("demo.toml").name == "demo.toml"
    with pytest.raises(BadConfig, match=r"nothing\.toml"):
        find("nothing.toml")


@pytest.mark.parametrize("line", ["nonsense", "=1", "lamp.=1", ".watts=1"])
def test_a_setting_that_sets_nothing_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadConfig, match=r"table\.key=value"):
        load(written(tmp_path, ""), [line])
