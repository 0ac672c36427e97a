"""Sealed install codes: they open where they should and nowhere else, and OpenSSL's own HPKE agrees byte for byte."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadConfig
from gateway.han.sealing import BadSeal, Place, private_key, public_text, seal, unseal
from gateway.han.sealing import _octets as octets_of
from gateway.han.sealing import _text as text_of
from gateway.identifiers import Eui64, GatewayId, RequestId
from gateway.keys import BadKey, InstallCode

PRIVATE, EPHEMERAL = bytes(range(32)), bytes(range(64, 96))
CODE = InstallCode.checked(bytes.fromhex("83fed3407a939723a5c639b26916d505"))
PLACE = Place(
    gateway=GatewayId("gw-1"),
    device=Eui64("000D6F0007000003"),
    request=RequestId("0195d3f1-1234-7abc-8def-0123456789ab"),
)
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
secrets = st.binary(min_size=32, max_size=32)
codes = st.sampled_from([6, 8, 12, 16]).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@given(private=secrets, ephemeral=secrets, code=codes)
def test_a_sealed_code_opens_at_its_place(private: bytes, ephemeral: bytes, code: bytes) -> None:
    whole = InstallCode.checked(code)
    assert unseal(seal(whole, public_text(private), PLACE, ephemeral), private, PLACE) == whole


def test_another_implementation_of_hpke_opens_ours_and_we_open_its() -> None:
    own = X25519PrivateKey.from_private_bytes(PRIVATE)
    ours = octets_of(seal(CODE, public_text(PRIVATE), PLACE, EPHEMERAL))
    assert SUITE.decrypt(ours, own, PLACE.info) == CODE.reveal()
    public = X25519PublicKey.from_public_bytes(octets_of(public_text(PRIVATE)))
    theirs = SUITE.encrypt(CODE.reveal(), public, PLACE.info)
    assert unseal(text_of(theirs), PRIVATE, PLACE) == CODE


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, gateway=GatewayId("gw-2")),
        replace(PLACE, device=Eui64("000D6F0007000004")),
        replace(PLACE, request=RequestId("0195d3f1-1234-7abc-8def-0123456789ac")),
    ],
    ids=["gateway", "device", "request"],
)
def test_a_sealed_code_cannot_be_moved(elsewhere: Place) -> None:
    sealed = seal(CODE, public_text(PRIVATE), PLACE, EPHEMERAL)
    with pytest.raises(BadSeal, match="not made for"):
        unseal(sealed, PRIVATE, elsewhere)


def test_another_gateways_key_does_not_open_it() -> None:
    sealed = seal(CODE, public_text(PRIVATE), PLACE, EPHEMERAL)
    with pytest.raises(BadSeal):
        unseal(sealed, bytes(reversed(PRIVATE)), PLACE)


def test_any_changed_bit_is_noticed() -> None:
    sealed = octets_of(seal(CODE, public_text(PRIVATE), PLACE, EPHEMERAL))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1 << place % 8
        with pytest.raises(BadSeal):
            unseal(text_of(bytes(changed)), PRIVATE, PLACE)


@given(st.text(max_size=80))
def test_anything_else_is_refused_as_a_seal_and_as_a_key(text: str) -> None:
    with pytest.raises(BadSeal):
        unseal(text, PRIVATE, PLACE)
    if len(text) != 43:
        with pytest.raises(BadSeal):
            seal(CODE, text, PLACE, EPHEMERAL)


def test_a_sealed_text_that_is_no_install_code_is_told_without_its_digits() -> None:
    public = X25519PublicKey.from_public_bytes(octets_of(public_text(PRIVATE)))
    wrong = SUITE.encrypt(b"\x01" * 18, public, PLACE.info)
    with pytest.raises(BadKey) as told:
        unseal(text_of(wrong), PRIVATE, PLACE)
    assert "01" not in str(told.value)


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "sealing.key"
    assert private_key(path, PRIVATE) == PRIVATE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert private_key(path, EPHEMERAL) == PRIVATE


def test_a_key_file_that_cannot_be_trusted_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    path.write_bytes(PRIVATE)
    path.chmod(0o640)
    with pytest.raises(BadConfig, match="read by others"):
        private_key(path, EPHEMERAL)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(BadConfig, match="5 bytes instead of 32"):
        private_key(path, EPHEMERAL)
    with pytest.raises(BadConfig, match="cannot be used"):
        private_key(Path(os.devnull) / "sealing.key", EPHEMERAL)
