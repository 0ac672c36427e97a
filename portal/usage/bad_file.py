"""Why a file was refused: the line, the column and the cause, in words for whoever must mend it."""

from gateway.errors import BadInput


class BadFile(BadInput):
    """A file that cannot be loaded; nothing of it was kept.

    line counts from 1, the header included; column is the header's name for it, empty where the whole line is meant.
    """

    def __init__(self, line: int, column: str, cause: str) -> None:
        super().__init__(f"line {line}, {column}: {cause}" if column else f"line {line}: {cause}")
        self.line = line
        self.column = column
        self.cause = cause


class BadField(Exception):
    """A field that says no, before it is known where its line stands: column, cause, and which of the rows at hand."""

    def __init__(self, column: str, cause: str, row: int = 0) -> None:
        super().__init__(cause)
        self.column = column
        self.row = row
