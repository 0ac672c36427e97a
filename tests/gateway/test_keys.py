"""Install codes and link keys: the published vector, every way to mistype one, and that none of them shows itself."""

import pickle
import traceback
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import PydanticSerializationError

from gateway.errors import BadInput
from gateway.keys import BadKey, InstallCode, LinkKey, aes_mmo, crc_x25

CODE = "83FED3407A939723A5C639B26916D505C3B5"
KEY = bytes.fromhex("66b6900981e1ee3ca4206b6b861c02bb")
CODES = st.sampled_from((6, 8, 12, 16)).flatmap(lambda size: st.binary(min_size=size, max_size=size))


def test_the_published_code_gives_the_published_key() -> None:
    assert InstallCode.typed(CODE).link_key().reveal() == KEY


def test_aes_mmo_gives_the_specifications_digests() -> None:
    """Vectors of the ZigBee specification, annex C.5."""
    assert aes_mmo(bytes.fromhex("c0")).hex() == "ae3a102a28d43ee0d4a09e22788b206c"
    assert aes_mmo(bytes(range(0xC0, 0xD0))).hex() == "a7977e88bc0b61e8210827109a228f2d"


def test_aes_mmo_takes_messages_whose_length_needs_four_bytes() -> None:
    assert len({aes_mmo(bytes(size)) for size in (8190, 8191, 8192, 8193)}) == 4


def test_the_checksum_is_crc_16_x_25() -> None:
    assert crc_x25(b"123456789") == 0x906E


@pytest.mark.parametrize(
    "text",
    [
        "83FE D340 7A93 9723 A5C6 39B2 6916 D505 C3B5",
        "83fe-d340-7a93-9723-a5c6-39b2-6916-d505-c3b5",
        " 83:FE:D3:40:7A:93:97:23:A5:C6:39:B2:69:16:D5:05:C3:B5\n",
    ],
)
def test_separators_and_case_do_not_matter(text: str) -> None:
    assert InstallCode.typed(text) == InstallCode.typed(CODE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "16, 20, 28 or 36 digits, not 0"),
        (CODE[:-1], "not 35"),
        (CODE[:-4], "not 32 (its last 4 digits, the checksum, may be missing)"),
        (CODE.replace("3", "2", 1), "a digit is mistyped"),
        ("83FE O340" + CODE[8:], "character 6 is neither"),
        (CODE[:-4] + "B5C3", "does not match"),
    ],
)
def test_a_wrong_code_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(BadKey) as refused:
        InstallCode.typed(text)
    assert words in str(refused.value)


def test_a_refusal_does_not_repeat_the_code() -> None:
    wrong = CODE.replace("3", "2", 1)
    with pytest.raises(BadKey) as refused:
        InstallCode.typed(wrong)
    shown = "".join(traceback.format_exception(refused.value))
    assert wrong[:8] not in shown.upper()
    assert refused.value.__cause__ is None


@given(CODES)
def test_every_size_of_code_survives_its_text(code: bytes) -> None:
    whole = InstallCode.checked(code)
    assert InstallCode.typed(whole.reveal().hex()) == whole


@given(CODES, st.integers(min_value=0))
def test_no_flipped_bit_passes_the_checksum(code: bytes, place: int) -> None:
    octets = bytearray(InstallCode.checked(code).reveal())
    octets[place % len(octets)] ^= 1 << place % 8
    with pytest.raises(BadKey):
        InstallCode(bytes(octets))


@given(st.text(max_size=80))
def test_any_text_is_a_code_or_bad_input(text: str) -> None:
    try:
        InstallCode.typed(text)
    except BadInput:
        return
    assert len(text) >= 16


@dataclass
class Holder:
    key: Any


SECRETS = [InstallCode.typed(CODE), LinkKey(KEY)]


@pytest.mark.parametrize("secret", SECRETS, ids=["install code", "link key"])
def test_a_secret_never_shows_itself(secret: Any) -> None:
    for shown in (repr(secret), str(secret), f"{secret}", f"{Holder(secret)}", f"{[secret]}"):
        assert "hidden" in shown
        assert secret.reveal().hex() not in shown.lower()


@pytest.mark.parametrize("kind", [InstallCode, LinkKey])
def test_no_pydantic_schema_takes_a_secret(kind: type[Any]) -> None:
    @dataclass
    class Message:
        key: kind  # type: ignore[valid-type]

    loose = ConfigDict(arbitrary_types_allowed=True)
    for attempt in (lambda: TypeAdapter(kind), lambda: TypeAdapter(kind, config=loose), lambda: TypeAdapter(Message)):
        with pytest.raises((TypeError, PydanticSchemaGenerationError)):
            attempt()


@pytest.mark.parametrize("secret", SECRETS, ids=["install code", "link key"])
def test_no_serialiser_takes_a_secret(secret: Any) -> None:
    for value in (secret, [secret], {"key": secret}, Holder(secret)):
        with pytest.raises(PydanticSerializationError):
            TypeAdapter(Any).dump_json(value)
        with pytest.raises(PydanticSerializationError):
            TypeAdapter(Any).dump_python(value, mode="json")
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_key_equals_only_a_key_of_its_kind() -> None:
    assert LinkKey(KEY) == LinkKey(KEY)
    assert LinkKey(KEY) != LinkKey(bytes(16))
    assert LinkKey(KEY) != KEY
    assert len({LinkKey(KEY), LinkKey(KEY)}) == 1


def test_a_link_key_has_16_bytes() -> None:
    with pytest.raises(BadKey, match="16 bytes, not 15"):
        LinkKey(bytes(15))
