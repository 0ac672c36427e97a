"""The forms with which a TDSP's administrator tells a meter exchange, a change of REP of record, or a whole file.

Pure: from a form that was filled in to the notice that it tells, or to the form with what is wrong.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from gateway.clock import CENTRAL
from gateway.identifiers import Duns, EsiId, MeterNumber
from gateway.market_notices import MarketNotice, RepChange
from portal.market.openings import ONE
from portal.pages.forms import Choice, Field, FieldKind, Form

NOTICES = "/fleet/notices"
MOST_FILE = 2_000_000
_ESI_ID = Field(
    name="esi_id",
    label="ESI ID",
    required=True,
    hint="17 or 22 digits, as it stands in your records",
    tip="The premise that the notice is about. It has to be one of yours.",
    most=22,
    literal=True,
    digits=True,
)
_DATE = Field(
    name="date",
    label="Effective date",
    kind=FieldKind.DATE,
    required=True,
    hint="Past dates are brought about at once, later ones at their instant",
    tip="The Central date from which on the notice holds.",
    most=10,
)
_TIME = Field(
    name="time",
    label="Effective time",
    hint="Central time, such as 14:30; left blank, it is midnight",
    tip="In the repeated hour of November the first of the two is meant.",
    most=5,
    literal=True,
)
CHANGE_WORDS: Mapping[RepChange, str] = {
    RepChange.SWITCH: "Switch",
    RepChange.MOVE_IN: "Move-in",
    RepChange.MOVE_OUT: "Move-out",
    RepChange.MASS_TRANSITION: "Mass transition",
}
EXCHANGE = Form(
    action=f"{NOTICES}/exchange",
    button="Tell the exchange",
    fields=(
        _ESI_ID,
        Field(
            name="meter",
            label="Meter that was removed",
            required=True,
            missing="Enter the number of the meter that was removed",
            tip="The number of the smart meter that hung on the wall until then.",
            most=20,
            literal=True,
        ),
        Field(
            name="new_meter",
            label="Meter that was hung",
            hint="Left blank: a conventional meter, which no portal reads",
            tip="The number of the smart meter that hangs there from then on. The ESI ID keeps its history.",
            most=20,
            literal=True,
        ),
        _DATE,
        _TIME,
    ),
)
REP_CHANGE = Form(
    action=f"{NOTICES}/rep-of-record",
    button="Tell the change",
    fields=(
        _ESI_ID,
        Field(
            name="change",
            label="What happened",
            kind=FieldKind.SELECT,
            required=True,
            missing="Choose what happened",
            tip="After a move-out nobody is REP of record. Each of them ends at once what the former one could see.",
            choices=tuple(Choice(each.value, words) for each, words in CHANGE_WORDS.items()),
        ),
        Field(
            name="rep_duns",
            label="DUNS number of the new REP",
            hint="9 or 13 digits; left blank for a move-out",
            tip="The number under which the new REP of record is registered.",
            most=13,
            literal=True,
            digits=True,
        ),
        _DATE,
        _TIME,
    ),
)
FILE = Form(
    action=f"{NOTICES}/file",
    button="Load the file",
    fields=(
        Field(
            name="file",
            label="Feed file",
            kind=FieldKind.FILE,
            required=True,
            missing="Choose a CSV file",
            hint="CSV with a header, one notice a row, at most 2 MB; larger files: metergate market load",
            tip="The columns are described in the help. A row that came before is recognised by its id.",
            most=MOST_FILE,
            accept=".csv,text/csv",
        ),
    ),
)
KINDS = {"exchange": "meter_exchanged", "rep-of-record": "rep_of_record_changed"}
_IDENTIFIERS = {"esi_id": EsiId, "meter": MeterNumber, "new_meter": MeterNumber, "rep_duns": Duns}
_WRONG = {
    "esi_id": "ESI ID: use 17 or 22 digits",
    "meter": "Meter that was removed: use 1 to 20 letters, digits or hyphens",
    "new_meter": "Meter that was hung: use 1 to 20 letters, digits or hyphens",
    "rep_duns": "DUNS number of the new REP: use 9 or 13 digits",
}
NO_TIME = "Effective time: use hours and minutes, such as 14:30"
NO_SUCH_TIME = "Effective time: clocks go from 02:00 to 03:00 on that day, so this time does not exist"
YEARS = range(2000, 2200)
NO_YEAR = "Effective date: use a day from 2000 to 2199"
NO_DATE = "Effective date: use a date, such as 2026-05-11"
NEEDS_DUNS = "Enter the DUNS number of the new REP"
HAS_NO_DUNS = "DUNS number of the new REP: leave it blank for a move-out, which leaves no REP of record"


def notice_of(form: Form, kind: str) -> MarketNotice | Form:
    """The notice that a form tells, under the id that travels with it, or the form with what is wrong with it."""
    faults = dict[str, str]()
    effective_at = _instant(form, faults)
    body = {each.name: form[each.name] for each in form.fields if each not in (_DATE, _TIME)}
    told = {name: value for name, value in body.items() if value}
    for name, identifier in _IDENTIFIERS.items():
        if name in told and not identifier.pattern.fullmatch(told[name]):
            faults[name] = _WRONG[name]
    if kind == KINDS["rep-of-record"] and form["change"]:
        if form["change"] == RepChange.MOVE_OUT and form["rep_duns"]:
            faults["rep_duns"] = HAS_NO_DUNS
        elif form["change"] != RepChange.MOVE_OUT and not form["rep_duns"]:
            faults["rep_duns"] = NEEDS_DUNS
    if not form.faults and not faults and effective_at is not None:
        return ONE.validate_python({**told, "kind": kind, "id": form.hidden["id"], "effective_at": effective_at})
    return form.judged(faults)


def _instant(form: Form, faults: dict[str, str]) -> datetime | None:
    """The instant that date and time mean in Central time."""
    if not form["date"]:
        return None
    try:
        day = date.fromisoformat(form["date"])
    except ValueError:
        faults["date"] = NO_DATE
        return None
    if day.year not in YEARS:
        faults["date"] = NO_YEAR
        return None
    try:
        clock = time.fromisoformat(form["time"] or "00:00")
    except ValueError:
        faults["time"] = NO_TIME
        return None
    if clock.tzinfo is not None:
        faults["time"] = NO_TIME
        return None
    wall = datetime.combine(day, clock, CENTRAL)
    at = wall.astimezone(UTC)
    if at.astimezone(CENTRAL).replace(tzinfo=None) != wall.replace(tzinfo=None):
        faults["time"] = NO_SUCH_TIME
        return None
    return at
