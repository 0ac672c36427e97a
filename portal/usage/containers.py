"""What holds the bytes to load: a plain file, a gzip file, or a zip archive, whose members are files of their own.

Told by their first bytes, never by their names. Archives are unpacked as they are read, in bounded memory; one that
unpacks to too much, is encrypted, is damaged or holds another archive is refused.
"""

import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import BadInput
from portal.usage.load_settings import LoadSettings
from portal.usage.pieces import Read, read_from

PIECE = 1 << 20
"""Bytes read at once."""
UNMEASURED = 1 << 20
"""Bytes that may be unpacked whatever the ratio."""
GZIP, ZIP, ZIP_EMPTY = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
STRANGE = {
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\0": "an xz file",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"-----BEGIN PGP": "encrypted with PGP",
}
"""What is seen in practice and not read here."""
KNOWN_BY = 32
"""Bytes at a file's beginning that tell what it is."""
END_OF_ZIP, LONGEST_COMMENT, DIRECTORY_ENTRY = 22, 65_535, 1024

Told = Callable[[int], None]
"""Hears of bytes that were read."""


class Bytes(Protocol):
    """What a source's bytes are read from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        ...

    def readinto(self, into: memoryview, /) -> int:
        """The next bytes, into memory; how many they are."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go on elsewhere."""
        ...

    def tell(self) -> int:
        """Where the next bytes stand."""
        ...


Opener = Callable[[], AbstractContextManager[Bytes]]
"""Opens the bytes of a source anew, at their beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file to load: label names it to people, name is kept with it; opened begins its bytes anew.

    Reading tells what opened was given of the bytes read, size of them in all. It may raise OSError and BadInput.
    """

    label: str
    name: str
    size: int
    opened: Callable[[Told], AbstractContextManager[Read]]

    def pieces(self, told: Told) -> Iterator[bytes]:
        """All its bytes, some PIECE at once."""
        with self.opened(told) as read, memoryview(bytearray(PIECE)) as memory:
            while count := read(memory):
                yield bytes(memory[:count])


def parts(opened: Opener, label: str, name: str, limits: LoadSettings) -> Sequence[Part]:
    """The files that a source holds, one unless it is a zip archive. Raises OSError and BadInput."""
    with opened() as file:
        head = file.read(KNOWN_BY)
        if head.startswith((ZIP, ZIP_EMPTY)):
            members = _members(file, limits)
            return [_member(opened, member, label, name, limits) for member in members]
        file.seek(0, 2)
        size = file.tell()
    strange = next((words for sign, words in STRANGE.items() if head.startswith(sign)), None)
    if strange:
        raise BadInput(f"it is {strange}; plain files, gzip and zip are read")
    if head.startswith(GZIP):
        return [Part(label=label, name=name, size=size, opened=lambda told: poured(_gzip(opened, told, limits)))]
    return [Part(label=label, name=name, size=size, opened=lambda told: _plain(opened, told))]


@contextmanager
def _plain(opened: Opener, told: Told) -> Iterator[Read]:
    with opened() as file:

        def read(into: memoryview) -> int:
            count = file.readinto(into)
            told(count)
            return count

        yield read


@contextmanager
def poured(pieces: Generator[bytes, None, None]) -> Iterator[Read]:
    """What comes in pieces, to be read; the generator is closed behind it."""
    with closing(pieces):
        yield read_from(pieces)


def _gzip(opened: Opener, told: Told, limits: LoadSettings) -> Generator[bytes, None, None]:
    """The bytes of all members of a gzip file, one after the other."""
    taken, measure = 0, _Measure(limits)

    def packed() -> Iterator[bytes]:
        nonlocal taken
        with opened() as file:
            while piece := file.read(PIECE):
                told(len(piece))
                taken += len(piece)
                yield piece

    for piece in _unpacked(packed()):
        measure.add(piece, taken)
        yield piece


def _unpacked(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Bytes of gzip members to what they hold, at most PIECE at once."""
    member, begun = zlib.decompressobj(31), False
    for rest in packed:
        piece = b""
        while rest or len(piece) == PIECE:  # a whole piece may have left more inside
            if member.eof:
                rest = rest.lstrip(b"\0") if begun else rest  # noqa: PLW2901  # padding, as gzip itself allows
                if not rest:
                    break
                member = zlib.decompressobj(31)
            try:
                piece = member.decompress(rest, PIECE)
            except zlib.error as error:
                raise BadInput(f"the gzip file is damaged ({error})") from None
            rest, begun = member.unconsumed_tail or member.unused_data, True  # noqa: PLW2901
            if piece:
                yield piece
    if not member.eof:
        raise BadInput("the gzip file is cut off: it ends before its end")


class _Measure:
    """Watches what is unpacked: how much, how dense, and that it is not an archive again."""

    def __init__(self, limits: LoadSettings) -> None:
        self._limits = limits
        self._out = 0
        self._head = b""

    def add(self, piece: bytes, taken: int) -> None:
        """More was unpacked from so many bytes. Raises BadInput."""
        if len(self._head) < KNOWN_BY:
            self._head += piece[:KNOWN_BY]
            if self._head.startswith((GZIP, ZIP, ZIP_EMPTY, *STRANGE)):
                raise BadInput("it is an archive within an archive; unpack it first")
        self._out += len(piece)
        _check_size(self._out, taken, self._limits)


def _check_size(unpacked: int, packed: int, limits: LoadSettings) -> None:
    if unpacked > limits.most_unpacked_bytes:
        raise BadInput(
            f"it unpacks to more than {limits.most_unpacked_bytes:,} bytes (portal.load.most_unpacked_bytes)"
        )
    if unpacked > UNMEASURED and unpacked > limits.most_ratio * packed:
        raise BadInput(f"it unpacks to more than {limits.most_ratio} times its size (portal.load.most_ratio)")


def _members(file: Bytes, limits: LoadSettings) -> list[zipfile.ZipInfo]:
    """The files of a zip archive in its directory's order. Raises BadInput for what shall not be unpacked."""
    _check_directory(file, limits)
    with _zip_faults(), zipfile.ZipFile(file) as archive:
        found = archive.infolist()
    if any(not member.filename or member.header_offset < 0 for member in found):
        raise BadInput("the zip archive is damaged (its directory leads nowhere)")
    members = [member for member in found if not member.is_dir()]
    if not members:
        raise BadInput("the zip archive is empty")
    for member in members:
        if not member.filename.isprintable():
            raise BadInput(f"the zip archive holds a file with a name that cannot be shown, {member.filename[:40]!r}")
        if member.flag_bits & 1:
            raise BadInput(f"{member.filename[:80]} in the zip archive is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(f"{member.filename[:80]} in the zip archive is neither stored nor deflated")
        _check_size(member.file_size, member.compress_size, limits)
    _check_size(sum(member.file_size for member in members), sum(member.compress_size for member in members), limits)
    return members


def _check_directory(file: Bytes, limits: LoadSettings) -> None:
    """Refuse an archive whose directory would not be small, before it is read into memory as a whole."""
    start = max(0, file.seek(0, 2) - END_OF_ZIP - LONGEST_COMMENT)
    file.seek(start)
    tail = file.read(END_OF_ZIP + LONGEST_COMMENT)
    at = tail.rfind(ZIP_EMPTY)
    if at < 0 or len(tail) - at < END_OF_ZIP:
        raise BadInput("the zip archive is cut off: it has no directory")
    count, size = int.from_bytes(tail[at + 10 : at + 12], "little"), int.from_bytes(tail[at + 12 : at + 16], "little")
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":  # a zip64 archive: the record before says more
        file.seek(max(0, start + at - 20 - 56))
        wide = file.read(56)
        count, size = int.from_bytes(wide[32:40], "little"), int.from_bytes(wide[40:48], "little")
    if count > limits.most_members or size > limits.most_members * DIRECTORY_ENTRY:
        raise BadInput(f"the zip archive holds more than {limits.most_members:,} files (portal.load.most_members)")


def _member(opened: Opener, member: zipfile.ZipInfo, label: str, name: str, limits: LoadSettings) -> Part:
    def pieces(told: Told) -> Generator[bytes, None, None]:
        measure = _Measure(limits)
        with opened() as file, _zip_faults(), zipfile.ZipFile(file) as archive, archive.open(member) as unpacked:
            while piece := unpacked.read(PIECE):
                measure.add(piece, member.compress_size)
                told(len(piece))
                yield piece
            if unpacked.tell() != member.file_size:
                raise zipfile.BadZipFile("a file in it has not the size that its directory says")

    inside = member.filename
    return Part(
        label=f"{label}/{inside}",
        name=f"{name}/{inside}",
        size=member.file_size,
        opened=lambda told: poured(pieces(told)),
    )


@contextmanager
def _zip_faults() -> Iterator[None]:
    """What the zip library raises for a bad archive, as a refusal."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise BadInput(f"the zip archive is damaged ({error or 'it is cut off'})") from None
