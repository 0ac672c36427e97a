"""What holds files: plain, gzip and zip are told by their bytes, and archives that would do harm are refused."""

import gzip
import io
import random
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from portal.usage.containers import PIECE, Part, parts
from portal.usage.load_settings import LoadSettings

LIMITS = LoadSettings()
NOISE = random.Random(7).randbytes(3 * PIECE + 12_345)


def parts_of(data: bytes, limits: LoadSettings = LIMITS) -> Sequence[Part]:
    """The files in some bytes."""
    return parts(lambda: nullcontext(io.BytesIO(data)), "x.zip", "x.zip", limits)


def bytes_of(part: Part) -> bytes:
    """What a part holds, if it tells how far it is as it promised to."""
    told: list[int] = []
    pieces = list(part.pieces(told.append))
    assert sum(told) == part.size
    assert max(map(len, pieces), default=0) <= PIECE
    return b"".join(pieces)


def read(data: bytes, limits: LoadSettings = LIMITS) -> list[bytes]:
    """What some bytes hold."""
    return [bytes_of(part) for part in parts_of(data, limits)]


def zipped(*members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize("data", [b"", b"0", b"ESIID,", NOISE])
def test_a_plain_file_is_read_as_it_is(data: bytes) -> None:
    assert read(data) == [data]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_gzip_members_are_one_file(members: list[bytes]) -> None:
    packed = b"".join(map(gzip.compress, (b"ESIID", *members)))
    assert read(packed) == read(packed + bytes(512)) == [b"".join((b"ESIID", *members))]


def test_a_large_gzip_file_comes_in_pieces() -> None:
    assert read(gzip.compress(NOISE)) == [NOISE]
    text = b"0.859,A," * 1_000_000
    assert read(gzip.compress(text), replace(LIMITS, most_ratio=2000)) == [text]


def test_the_members_of_a_zip_archive_are_files_of_their_own() -> None:
    data = zipped(("a.csv", b"one"), ("deep/", b""), ("deep/b.csv", NOISE))
    assert [(part.label, part.name) for part in parts_of(data)] == [
        ("x.zip/a.csv", "x.zip/a.csv"),
        ("x.zip/deep/b.csv", "x.zip/deep/b.csv"),
    ]
    assert read(data) == [b"one", NOISE]
    assert read(zipped(("a.csv", NOISE), compression=zipfile.ZIP_STORED)) == [NOISE]


def refusal_of(data: bytes, limits: LoadSettings = LIMITS) -> str:
    """Why some bytes are refused."""
    with pytest.raises(BadInput) as refusal:
        read(data, limits)
    return str(refusal.value)


def encrypted() -> bytes:
    """A zip archive whose only file says that it is encrypted, in both places."""
    data = bytearray(zipped(("a.csv", b"one")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(gzip.compress(b"x")), "an archive within an archive"),
        (gzip.compress(zipped(("a", b"x"))), "an archive within an archive"),
        (zipped(("a", gzip.compress(b"x"))), "an archive within an archive"),
        (zipped(("a", zipped(("b", b"x")))), "an archive within an archive"),
        (encrypted(), "a.csv in the zip archive is encrypted"),
        (zipped(("a.csv", b"x"), compression=zipfile.ZIP_BZIP2), "neither stored nor deflated"),
        (zipped(("a\n.csv", b"x")), "a name that cannot be shown"),
        (zipped(), "the zip archive is empty"),
        (zipped(("a.csv", b"x"))[:-30], "no directory"),
        (zipped(("a.csv", NOISE)).replace(NOISE[100:110], b"0123456789"), "damaged"),
        (gzip.compress(b"x" * 100)[:-1], "cut off"),
        (gzip.compress(NOISE)[:-9], "cut off"),
        (gzip.compress(b"x") + b"rubbish", "damaged"),
        (gzip.compress(b"x")[:10] + b"\xff" * 9, "damaged"),
        (b"BZh91AY", "a bzip2 file"),
        (b"-----BEGIN PGP MESSAGE-----", "encrypted with PGP"),
        (gzip.compress(bytes(PIECE + 1)), "more than 200 times its size"),
        (zipped(("a", bytes(PIECE + 1))), "more than 200 times its size"),
        (zipped(*((f"{n}", bytes(PIECE // 8)) for n in range(9))), "more than 200 times its size"),
    ],
    ids=map(str, range(1, 20)),
)
def test_an_archive_that_cannot_or_shall_not_be_unpacked_is_refused(data: bytes, words: str) -> None:
    assert words in refusal_of(data)


def test_an_archive_is_refused_that_unpacks_to_more_than_is_allowed() -> None:
    limits = replace(LIMITS, most_unpacked_bytes=1000, most_members=3)
    assert "more than 1,000 bytes" in refusal_of(gzip.compress(NOISE[:1001]), limits)
    assert "more than 1,000 bytes" in refusal_of(zipped(("a", NOISE[:500]), ("b", NOISE[:501])), limits)
    assert "more than 3 files" in refusal_of(zipped(*((name, b"") for name in "abcd")), limits)
    assert read(zipped(("a", NOISE[:1000])), limits) == [NOISE[:1000]]


def test_a_gzip_bomb_is_stopped_long_before_its_end() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(PIECE)) for _ in range(200)) + packer.flush()
    (part,) = parts_of(bomb)
    taken: list[int] = []
    with pytest.raises(BadInput, match="times its size"):
        taken.extend(map(len, part.pieces(lambda count: None)))
    assert sum(taken) <= 200 * len(bomb) < 200 * PIECE


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b\x08", b"PK\x03\x04", b"PK\x05\x06"]))
def test_any_bytes_are_read_or_refused_and_nothing_else(data: bytes, sign: bytes) -> None:
    try:
        read(sign + data)
    except BadInput as refusal:
        assert str(refusal)  # noqa: PT017  # whatever else is raised fails


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_zip_archive_with_damage_anywhere_is_read_or_refused_and_nothing_else(at: int, damage: bytes) -> None:
    data = bytearray(zipped(("a.csv", NOISE[:100]), ("b.csv", b"0.859,A," * 20)))
    data[at : at + len(damage)] = damage
    try:
        read(bytes(data))
    except BadInput as refusal:
        assert str(refusal)  # noqa: PT017  # whatever else is raised fails
