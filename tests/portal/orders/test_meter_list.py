"""Lists of meters: what is taken, and how each fault is told by row and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.orders.meter_list import BadList, By, MeterList, read_file, read_values

A, B, C = "10443720000000001", "10443720000000002", "1008901000000000000017"
DIGITS = st.text("0123456789", min_size=17, max_size=17) | st.text("0123456789", min_size=22, max_size=22)


def taken(text: str | bytes, by: By = By.ESI_ID, most: int = 10) -> MeterList:
    data = text.encode() if isinstance(text, str) else text
    found = read_file("meters.csv", data, by, most)
    assert isinstance(found, MeterList), found
    return found


def refused(text: str | bytes, by: By = By.ESI_ID, most: int = 10, name: str = "meters.csv") -> list[tuple[int, int]]:
    found = read_file(name, text.encode() if isinstance(text, str) else text, by, most)
    assert isinstance(found, BadList), found
    return [(each.row, each.column) for each in found.faults]


def words(text: str | bytes, by: By = By.ESI_ID, name: str = "meters.csv") -> str:
    found = read_file(name, text.encode() if isinstance(text, str) else text, by, 10)
    assert isinstance(found, BadList), found
    return found.words


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_rows_end_as_any_program_ends_them(ending: str) -> None:
    assert taken(ending.join([A, B, C])).values == (A, B, C)
    assert taken(ending.join([A, B, C, ""])).values == (A, B, C)


def test_what_spreadsheets_put_around_a_value_is_taken_off() -> None:
    assert taken(f'\ufeff\'{A}\n"{B}"\n  {C} \n').values == (A, B, C)


def test_a_value_that_comes_again_counts_once() -> None:
    assert taken(f"{A}\n{B}\n'{A}\n") == MeterList(by=By.ESI_ID, values=(A, B), repeated=1)


@given(st.lists(DIGITS, min_size=1, max_size=10, unique=True))
def test_every_list_of_esi_ids_is_taken_as_text_in_its_order(values: list[str]) -> None:
    assert taken("\n".join(values)).values == tuple(values)
    assert read_values(values, By.ESI_ID, 10) == taken("\n".join(values))


@given(st.binary(max_size=200), st.sampled_from(By))
def test_any_bytes_are_a_list_or_are_refused(data: bytes, by: By) -> None:
    found = read_file("meters.csv", data, by, 3)
    if isinstance(found, MeterList):
        assert 0 < len(found.values) <= 3
    else:
        assert found.faults
        assert found.words.startswith(f"Row {found.faults[0].row}, column {found.faults[0].column}: ")


def test_imp_01_only_a_csv_file_is_taken() -> None:
    """IMP-01: "CSV format and file type .csv; anything else refused"."""
    assert refused(A, name="meters.txt") == [(1, 1)]
    assert taken(A).values == (A,)
    assert isinstance(read_file("METERS.CSV", A.encode(), By.ESI_ID, 1), MeterList)
    assert "workbook" in words(b"PK\x03\x04\x14\x00")
    assert "not plain text" in words(A.encode("utf-16"))
    assert refused(f"{A}\n{B}".encode() + b"\xff") == [(2, 1)]


def test_imp_02_a_row_holds_one_value_and_a_list_one_kind() -> None:
    """IMP-02: "exactly one value per row, either all ESI IDs or all Meter Numbers ...; mixing refused"."""
    assert refused(f"{A}\n{B},900000116\n") == [(2, 2)]
    assert refused(f"{A}\n900000116\n") == [(2, 1)]
    assert "ESI IDs or meter numbers, not both" in words(f"{A}\n900000116\n")
    assert taken("900000116\nI-4711\n", By.METER_NUMBER).values == ("900000116", "I-4711")
    assert refused(f"900000116\n{A}\n{C}\n", By.METER_NUMBER) == [(2, 1), (3, 1)]


def test_imp_03_a_comma_at_the_end_of_a_row_rejects_the_file() -> None:
    """IMP-03: "Trailing comma on rows => file rejected"."""
    assert refused(f"{A},\n{B}\n") == [(1, 2)]
    assert refused(f"{A}\n{B}, ,\n") == [(2, 2)]
    assert "a comma at the end of the row" in words(f"{A},\n")


def test_imp_04_a_header_is_refused() -> None:
    """IMP-04: "No header, no other text"."""
    assert words(f"ESIID\n{A}\n") == "Row 1, column 1: 'ESIID' is a header, and the list has none."
    assert words("Meter\n1\n", By.METER_NUMBER) == "Row 1, column 1: 'Meter' is a header, and the list has none."
    assert refused(f"{A}\nthat was all\n") == [(2, 1)]
    assert refused(f"{A}\n\n{B}\n") == [(2, 1)]


def test_imp_05_more_than_100_meters_are_taken_up_to_the_limit() -> None:
    """IMP-05: "Import handles more than 100 meters"."""
    values = [f"{number:017}" for number in range(5_000)]
    assert taken("\n".join(values), most=5_000).values == tuple(values)
    assert refused("\n".join(values), most=4_999) == [(5_000, 1)]


@pytest.mark.parametrize("value", ["1.04437E+16", "1,04437E+16", "1.04437e16", "1E+21", "9.007E+08"])
@pytest.mark.parametrize("by", list(By))
def test_imp_10_a_number_that_excel_rounded_is_recognised(value: str, by: By) -> None:
    """IMP-10: "ESI IDs must survive as text (17+ digits, no exponent)"."""
    found = read_values([value], by, 10)
    assert isinstance(found, BadList)
    assert "is a number that Excel has rounded, and its last digits are lost" in found.words


def test_digits_that_are_lost_are_counted() -> None:
    assert "has 16 digits, and an ESI ID has 17 or 22" in words(A[:16])


def test_of_many_faults_the_first_are_told_and_the_others_counted() -> None:
    found = read_values(["x1!"] * 60, By.ESI_ID, 100)
    assert isinstance(found, BadList)
    assert (len(found.faults), found.more) == (50, 10)
    assert found.words.endswith("There are 59 more faults.")


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_an_empty_list_is_refused(text: str) -> None:
    assert "the list is empty" in words(text)
