"""Which meters a gateway reaches, and how: a CSV file of meter, driver and address (pure but for reading it).

The file is what a gateway begins with. What it is told while it runs (AssignMeter, WithdrawMeter) stands in its journal
and wins over the file at every start, meter by meter: a meter that was withdrawn stays so though the file lists it.
"""

import csv
from collections.abc import Container, Iterable
from pathlib import Path

from gateway.errors import BadConfig, BadIdentifier
from gateway.identifiers import MeterNumber
from gateway.ports import Assignment

HEADER = ["meter", "driver", "address"]


def parse(lines: Iterable[str], where: str) -> dict[MeterNumber, Assignment]:
    """Assignments by meter number. Raises BadConfig naming the line that is wrong."""
    rows = csv.reader(lines)
    if next(rows, None) != HEADER:
        raise BadConfig(f"{where}: the first line must be {','.join(HEADER)}")
    assignments: dict[MeterNumber, Assignment] = {}
    for row in rows:
        try:
            number, driver, address = row
            meter = MeterNumber(number)
        except BadIdentifier as error:
            raise BadConfig(f"{where}, line {rows.line_num}: {error}") from None
        except ValueError:
            raise BadConfig(f"{where}, line {rows.line_num}: {len(row)} fields instead of 3") from None
        if meter in assignments:
            raise BadConfig(f"{where}, line {rows.line_num}: meter {meter} is assigned twice")
        assignments[meter] = Assignment(meter=meter, driver=driver, address=address)
    return assignments


def read(path: Path, drivers: Container[str]) -> dict[MeterNumber, Assignment]:
    """The assignments in a file, to drivers that are there. Raises BadConfig."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            meters = parse(lines, str(path))
    except OSError as error:
        raise BadConfig(f"assignments {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadConfig(f"assignments {path} are no CSV in UTF-8: {error}") from None
    homeless = sorted({meter.driver for meter in meters.values() if meter.driver not in drivers})
    if homeless:
        raise BadConfig(f"{path} names drivers that are not configured: {', '.join(homeless)}")
    return meters
