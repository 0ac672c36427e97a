"""Profiles are checked when they are read, and what is wrong with one is said in words."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from drivers.modbus.planner import plan
from drivers.modbus.profile import Profile, Quantity, named, parse
from gateway.errors import BadConfig

FOLDER = Path(__file__).resolve().parents[3] / "configs" / "meters"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.toml"))

HEAD = """manufacturer = "M"
model = "1"
revision = "1"
source = "none"
"""
REGISTER = """
[[registers]]
quantity = "delivered_wh"
address = 10
type = "u32"
unit = "kWh"
"""


def profile(head: str = "", register: str = "") -> Profile:
    return parse(HEAD + head + REGISTER + register, "test.toml")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_profile_that_we_ship_loads_and_reads_delivered_energy(name: str) -> None:
    shipped = named(name)
    assert Quantity.DELIVERED_WH in {register.quantity for register in shipped.registers}
    assert plan(shipped).requests
    assert "[[registers]]" in (FOLDER / f"{name}.toml").read_text()


def test_the_example_explains_every_key() -> None:
    text = (FOLDER / "example.toml").read_text(encoding="utf-8")
    for key in [*Profile.__dataclass_fields__, *parse(text, "").registers[0].__dataclass_fields__]:
        assert f"{key} = " in text or f"[[{key}]]" in text, key


def test_scales_are_exact() -> None:
    register = profile(register="scale = 0.1").registers[0]
    assert (register.scale, register.factor) == (Decimal("0.1"), Fraction(100))


@pytest.mark.parametrize(
    ("head", "register", "words"),
    [
        ("most_registers = 126", "", "most_registers: Input should be less than or equal to 125"),
        ("most_registers = 1", "", "delivered_wh takes 2 registers and a request 1"),
        ("function = 6", "", "function"),
        ("colour = 1", "", "colour: Unexpected keyword argument"),
        ("address_base = 1\n", "", ""),
        ("", "scale = 0", "scale: Input should be greater than 0"),
        ("", "scale = nan", "scale"),
        ("", "absent = [0x100000000]", "an `absent` pattern does not fit u32"),
        ("", 'positive = "received"', "leave out `positive`"),
        ("", REGISTER, "delivered_wh stands there twice"),
        ("address_base = 1", "scale_register = 0", "there is no register 0"),
        ("", REGISTER.replace("delivered_wh", "demand_w"), "demand_w cannot be in kWh"),
        ("", REGISTER.replace("delivered_wh", "received_wh").replace("10", "65535"), "there is no register 65535"),
        (
            "",
            REGISTER.replace("delivered_wh", "received_wh").replace("u32", "f32") + "overflow_from = 1",
            "a float has no `overflow_from`",
        ),
        ("word_order = ", "", "Invalid value"),
    ],
)
def test_what_is_wrong_is_said(head: str, register: str, words: str) -> None:
    if not words:
        assert profile(head, register).registers
        return
    with pytest.raises(BadConfig) as caught:
        profile(head, register)
    assert words in str(caught.value)
    assert str(caught.value).startswith("test.toml")


def test_a_folder_of_ones_own_wins(tmp_path: Path) -> None:
    (tmp_path / "eastron-sdm630.toml").write_text(HEAD + REGISTER, encoding="utf-8")
    assert named("eastron-sdm630", tmp_path).manufacturer == "M"
    assert named("gavazzi-em24", tmp_path).manufacturer == "Carlo Gavazzi"


@pytest.mark.parametrize("name", ["", "../demo", "Example", "a" * 49, "no-such-meter", "x.toml"])
def test_a_name_that_is_none_finds_nothing(name: str) -> None:
    with pytest.raises(BadConfig):
        named(name)


def test_a_profile_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadConfig, match="cannot be read"):
        named("raw", tmp_path)
