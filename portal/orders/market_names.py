"""What the files of orders are called where programs look for them: as the market knows reports of usage (pure)."""

import hashlib
from datetime import datetime
from typing import Protocol

from gateway.identifiers import Duns
from portal.files import names
from portal.reports.forms import ENDINGS, Format, Report

_BEGINNINGS = {
    Report.DAILY_USAGE: names.Report.INTERVAL,
    Report.DAILY_READS: names.Report.DAILY,
    Report.MONTHLY_USAGE: names.Report.MONTHLY,
}


class OrderedFile(Protocol):
    """A file of an order, or its row."""

    @property
    def report(self) -> Report: ...
    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...


def placed_name(file: OrderedFile, ended_at: datetime, duns: Duns | None) -> str:
    """What a file is called in its company's folder; it follows from the file and its order's end alone."""
    beginning = _BEGINNINGS.get(file.report)
    if beginning is None or duns is None:
        return file.name
    return names.placed(beginning, ended_at, _token(file, names.CSV_TOKEN_BYTES), duns, _ending(file).upper())


def mailed_name(file: OrderedFile, ended_at: datetime) -> str:
    """What a file is called that goes with a letter."""
    beginning, ending = _BEGINNINGS.get(file.report), _ending(file)
    if beginning is None:
        return file.name
    if ending == ENDINGS[Format.GREEN_BUTTON]:
        return names.mailed_green_button(ended_at, _token(file, names.GREEN_BUTTON_TOKEN_BYTES))
    return names.mailed_csv(beginning, ended_at, _token(file, names.CSV_TOKEN_BYTES), ending.upper())


def _ending(file: OrderedFile) -> str:
    return file.name.rpartition(".")[2]


def _token(file: OrderedFile, size: int) -> bytes:
    return hashlib.sha256(file.path.encode()).digest()[:size]
