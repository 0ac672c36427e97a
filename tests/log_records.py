"""A log handler that remembers the records whose text cannot be made: such a line would be lost when it is needed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

OURS = ("gateway", "drivers", "mqtt", "portal", "simulators")


class Formatting(logging.Handler):
    """Makes the text of every record, and keeps in words what went wrong; `faults` is empty when all is well."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Make the record's text, as any log would."""
        try:
            record.getMessage()
        except Exception as error:  # whatever its arguments raise when they are made into text
            where = f"{record.pathname}:{record.lineno}"
            self.faults.append(
                f"{where} logs {record.msg!r}, which cannot be formatted: {type(error).__name__}: {error}"
            )


@contextmanager
def watched() -> Iterator[Formatting]:
    """Look at every record until the end of the context: of our packages at any level, of others at theirs."""
    handler, root = Formatting(), logging.getLogger()
    loggers = [logging.getLogger(name) for name in OURS]
    levels = [logger.level for logger in loggers]
    root.addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        root.removeHandler(handler)
