"""Notices as rows of a file: the same values as everywhere, and every fault by its line, its column and its cause."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.market_notices import MeterFields, PremiseFields, RepChange
from portal.market.csv_file import ALL, BadRow, Row, read
from tests.portal.market.words import created, installed, premise_changed, rep
from tests.portal.world import LONE_STAR, esi

AT = datetime(2026, 6, 30, 5, tzinfo=UTC)
HEAD = "kind,id,esi_id,effective_at"
ONE = f"{esi(1)},2026-06-30T00:00:00-05:00"


def only(text: str) -> Row | BadRow:
    (found,) = read(text.splitlines(keepends=True))
    return found


def said(text: str) -> str:
    return str(only(text))


def test_a_row_is_the_notice_that_the_api_would_take() -> None:
    for text, expected in (
        (
            f"{HEAD},street_name,city,state,zip,read_cycle\nesi_id_created,1,{ONE},Oak,Waco,TX,76701,07\n",
            created(AT, esi(1), house_number=None, read_cycle="07"),
        ),
        (
            f"{HEAD},meter,phases,generation_capable,multiplier\nmeter_installed,1,{ONE},M7,3,Y,1.5\n",
            installed(AT, "M7", esi(1), phases=3, generation_capable=True, multiplier=Decimal("1.5")),
        ),
        (
            f"{HEAD},change,rep_duns\nrep_of_record_changed,1,{ONE},switch,{LONE_STAR}\n",
            rep(AT, RepChange.SWITCH, LONE_STAR, esi(1)),
        ),
        (
            f"id,kind,effective_at,esi_id,cleared\n1,premise_changed,2026-06-30T05:00:00Z,{esi(1)},unit zip_4\n",
            premise_changed(AT, esi(1), ["unit", "zip_4"]),
        ),
    ):
        row = only(text)
        assert isinstance(row, Row), row
        object.__setattr__(expected, "id", "1")
        assert row.notice == expected
        assert row.line == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", f"line 1: the file is empty; its first line names its columns, among them {HEAD.replace(',', ', ')}"),
        ("kind,id,esi_id\n", "line 1: the column effective_at is missing"),
        (f"{HEAD},colour\n", "line 1: 'colour' is no column of a notice"),
        (f"{HEAD},id\n", "line 1: the column id is named twice"),
        (f"{HEAD}\nmeter_eaten,1,{ONE}\n", "line 2, kind: 'meter_eaten' is no kind of notice"),
        (f"{HEAD}\nmeter_installed,1\n", "line 2: the row has 2 columns, not 4"),
        (f"{HEAD},meter\nmeter_installed,1,{ONE},\n", "line 2, meter: a value is missing"),
        (f"{HEAD},meter\nesi_id_retired,1,{ONE},M7\n", "line 2, meter: esi_id_retired does not tell this"),
        (f"{HEAD},meter,phases\nmeter_changed,1,{ONE},M7,three\n", "line 2, phases: 'three' is not a whole number"),
        (
            f"{HEAD},meter,remote_disconnect\nmeter_changed,1,{ONE},M7,yes\n",
            "line 2, remote_disconnect: 'yes' is not Y or N",
        ),
        (
            f"{HEAD},change\nrep_of_record_changed,1,{ONE},switch\n",
            "line 2: rep_duns names the new REP of record, and is absent for a move_out",
        ),
        (
            f"{HEAD},cleared\npremise_changed,1,{ONE},street_name\n",
            "line 2: 'street_name' is no field that can be cleared",
        ),
    ],
)
def test_a_fault_is_named_by_line_column_and_cause(text: str, words: str) -> None:
    assert said(text) == words


def test_a_value_of_the_wrong_form_is_shown() -> None:
    assert said(f"{HEAD}\nesi_id_retired,1,1044372,2026-06-30T00:00:00Z\n").startswith("line 2, esi_id: '1044372': ")
    assert said(f"{HEAD}\nesi_id_retired,1,{esi(1)},2026-06-30\n").startswith("line 2, effective_at: '2026-06-30': ")


def test_rows_after_a_bad_one_are_read_and_empty_ones_passed_over() -> None:
    text = f"{HEAD}\nnothing,1,{ONE}\n,,,\nesi_id_retired,2,{ONE}\n"
    found = list(read(text.splitlines(keepends=True)))
    assert [(type(row), row.line) for row in found] == [(BadRow, 2), (Row, 4)]


def test_every_field_of_a_notice_has_its_column() -> None:
    assert set(ALL) >= {*PremiseFields.__dataclass_fields__, *MeterFields.__dataclass_fields__}


@given(st.lists(st.lists(st.sampled_from([*ALL, "meter_installed", "esi_id_created", "1", "Y", '"', str(esi(1))]))))
def test_any_other_file_is_told_apart_without_a_fault(cells: list[list[str]]) -> None:
    for row in read([",".join(line) + "\n" for line in [HEAD.split(","), *cells]]):
        assert isinstance(row, Row | BadRow)
