"""Bytes of a text file to lines, with memory for one piece of it only, however long the file or its lines are."""

from collections.abc import Iterable, Iterator

from portal.usage.bad_file import BadFile

LONGEST_LINE = 256
BYTES_EACH = 4
"""More bytes no character has."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def lines(pieces: Iterable[bytes], columns: tuple[str, ...], longest: int = LONGEST_LINE) -> Iterator[list[str]]:
    r"""Lists of lines without their ends (\n or \r\n), one list for each piece; columns names a fault's place.

    Raises BadFile for NUL, for bytes that are not UTF-8, and for a line of more than longest characters.
    """
    rest, number = b"", 1
    for piece in pieces:
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        if len(rest) > BYTES_EACH * longest:
            raise too_long(number + (whole + newline).count(b"\n"), longest)
        if newline:
            found = decode(whole, number, columns, longest)
            yield found
            number += len(found)
    if rest:
        yield decode(rest, number, columns, longest)


def too_long(number: int, longest: int = LONGEST_LINE) -> BadFile:
    """The refusal of a line that is longer than any may be."""
    return BadFile(number, "", f"is longer than {longest} characters")


def decode(block: bytes, number: int, columns: tuple[str, ...], longest: int = LONGEST_LINE) -> list[str]:
    """The lines of a block that ends where a line ends; number is that of its first. Raises BadFile as lines does."""
    if number == 1:
        block = block.removeprefix(BYTE_ORDER_MARK)
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        cause = f"holds the byte 0x{block[error.start]:02X}, which is not UTF-8"
        raise _fault(block, error.start, number, columns, cause) from None
    if "\0" in text:
        raise _fault(block, block.index(b"\0"), number, columns, "holds a NUL byte: the file is damaged")
    found = [line.removesuffix("\r") for line in text.split("\n")] if "\r" in text else text.split("\n")
    if max(map(len, found)) > longest:
        raise too_long(number + next(row for row, line in enumerate(found) if len(line) > longest), longest)
    return found


def _fault(block: bytes, offset: int, number: int, columns: tuple[str, ...], cause: str) -> BadFile:
    """A refusal at a byte of a block, its line and column found by counting; without columns, the line alone."""
    start = block.rfind(b"\n", 0, offset) + 1
    column = min(block.count(b",", start, offset), len(columns) - 1)
    return BadFile(number + block.count(b"\n", 0, offset), columns[column] if columns else "", cause)
