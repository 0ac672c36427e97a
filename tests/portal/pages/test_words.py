"""Numbers, instants, ages and stages as the pages write them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadIdentifier, FailureReason
from gateway.identifiers import EsiId, MeterNumber, RequestId
from gateway.read_policy import ReadLimits
from gateway.reads import Age, Freshness, MeterFlag
from portal.pages.formats import from_second, moment, span, thousandths, time_of_day, times
from portal.pages.meter_list import Column, natural, screen
from portal.pages.meter_search import MOST_VALUES, search_of
from portal.pages.read_card import Mark, allowance, announcement, card_of, stages, took_s
from portal.pages.reason_words import FLAGS, REASONS, age_in_words
from portal.pages.render import inside
from portal.reads.shown import OnDemandRead
from portal.reads.status import OPEN, ReadStatus

NOON = datetime(2026, 7, 1, 17, tzinfo=UTC)
READ = OnDemandRead(
    id=RequestId("019f1d5b-7c00-7000-8000-000000000001"),
    esi_id=EsiId("10443720000000001"),
    meter=MeterNumber("M00001"),
    status=ReadStatus.QUEUED,
    asked_at=NOON,
    deadline_at=NOON + timedelta(seconds=120),
    sent_at=None,
    accepted_at=None,
    on_air_at=None,
    ended_at=None,
    reason=None,
    detail=None,
    value=None,
    age=None,
    next_allowed_at=None,
    used_today=None,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "N/A"),
        (0, "0.000"),
        (1, "0.001"),
        (24_038_915, "24,038.915"),
        (-1500, "-1.500"),
        (2**63, "9,223,372,036,854,775.808"),
    ],
)
def test_energy_is_exact_to_the_watt_hour(value: int | None, text: str) -> None:
    assert thousandths(value) == text


@given(value=st.integers(-(2**63), 2**63))
def test_energy_as_text_reads_back(value: int) -> None:
    assert int(thousandths(value).replace(",", "").replace(".", "")) == value


def test_times_are_central_and_the_repeated_hour_says_which() -> None:
    assert moment(NOON) == "07/01/2026 12:00:00"
    assert moment(datetime(2026, 1, 1, 5, 59, 59, tzinfo=UTC)) == "12/31/2025 23:59:59"
    assert time_of_day(datetime(2026, 11, 1, 6, 30, tzinfo=UTC)) == "01:30:00 CDT"
    assert time_of_day(datetime(2026, 11, 1, 7, 30, tzinfo=UTC)) == "01:30:00 CST"
    assert moment(None) == "N/A"


def test_the_shown_second_is_never_before_the_instant() -> None:
    assert from_second(NOON) == NOON
    assert from_second(NOON + timedelta(microseconds=1)) == NOON + timedelta(seconds=1)


def test_spans_keep_a_readable_unit() -> None:
    assert [span(seconds) for seconds in (None, 5, 0.04, 1.44, 119, 120.0, 7300, 3 * 86400)] == [
        "N/A",
        "5 s",
        "0.04 s",
        "1.4 s",
        "119 s",
        "2 min",
        "2 h 01 min",
        "3 days",
    ]
    assert [times(count) for count in (1, 2, 24)] == ["once", "twice", "24 times"]


def test_every_reason_and_every_flag_has_its_words() -> None:
    assert set(REASONS) == set(FailureReason)
    assert set(FLAGS) == set(MeterFlag)


def test_an_age_says_what_is_known_and_what_is_not() -> None:
    assert age_in_words(Age(freshness=Freshness.FRESH, at_most_s=3)) == "at most 3 s old when it arrived"
    assert age_in_words(Age(freshness=Freshness.UNKNOWN, at_most_s=None)) == "the meter does not say how old"
    assert age_in_words(Age(freshness=Freshness.UNKNOWN, at_most_s=30)).endswith("renews its registers every 30 s")


@pytest.mark.parametrize(("place", "status"), list(enumerate(OPEN)))
def test_an_open_read_is_at_one_stage_with_those_before_it_done(place: int, status: ReadStatus) -> None:
    marks = [stage.mark for stage in stages(replace(READ, status=status))]
    assert marks == [Mark.DONE] * place + [Mark.NOW] + [Mark.AHEAD] * (4 - place)


def test_a_failure_shows_only_what_was_reached() -> None:
    failed = replace(
        READ, status=ReadStatus.FAILED, reason=FailureReason.EXPIRED, sent_at=NOON, ended_at=NOON + timedelta(seconds=9)
    )
    assert [stage.mark for stage in stages(failed)] == [Mark.DONE, Mark.DONE, Mark.AHEAD, Mark.AHEAD, Mark.BAD]
    assert took_s(failed) == 9.0
    assert announcement(failed).startswith("Error! On Demand Read request could not be fulfilled. Please try again")


def test_a_gateway_whose_clock_is_behind_gets_no_negative_times() -> None:
    early = replace(
        READ, status=ReadStatus.DONE, accepted_at=NOON - timedelta(seconds=5), ended_at=NOON - timedelta(seconds=1)
    )
    assert all(stage.after_s is None for stage in stages(early))
    assert took_s(early) is None


def test_a_gateways_refusal_does_not_say_try_again() -> None:
    refused = replace(READ, status=ReadStatus.REFUSED, reason=FailureReason.LIMIT, ended_at=NOON)
    assert announcement(refused).startswith("The gateway refused the read.")


def test_the_card_counts_down_to_the_next_allowed_second() -> None:
    accepted = NOON - timedelta(minutes=59, seconds=58, microseconds=1)
    card = card_of(None, allowance([accepted], NOON, ReadLimits()), NOON)
    assert card.next_allowed_at == NOON + timedelta(seconds=2)
    assert card.allowed_in_ms == 2000
    assert not allowance([], NOON, ReadLimits()).limited


def test_lists_sort_as_people_do() -> None:
    texts = ["4114 Elm St", "312 Elm St", "312 Ash Ave", "Ash Ave", "３１２ Elm"]
    assert sorted(texts, key=natural)[:3] == ["312 Ash Ave", "312 Elm St", "4114 Elm St"]


def test_thresholds_of_the_list() -> None:
    assert [str(screen(count)) for count in (0, 25, 26, 500, 501)] == [
        "list",
        "list",
        "search",
        "search",
        "search_only",
    ]


@given(text=st.text(max_size=60), by=st.sampled_from([Column.ESI_ID, Column.NUMBER]))
def test_any_search_text_is_identifiers_a_pattern_or_refused(text: str, by: Column) -> None:
    form = (EsiId if by is Column.ESI_ID else MeterNumber).pattern
    if form.fullmatch(text.strip()):
        assert search_of(by, text).values == (text.strip(),)
        return
    try:
        found = search_of(by, text)
    except BadIdentifier:
        return
    if found.pattern:
        assert found.pattern.count("*") == 1
        assert len(found.pattern) > 2
    else:
        assert 1 < len(text.split(",")) <= MOST_VALUES
        assert all(form.fullmatch(value) for value in found.values)


@given(path=st.text(max_size=40))
def test_a_return_address_never_leaves_the_site(path: str) -> None:
    safe = inside(path)
    assert safe.startswith("/")
    assert not safe.startswith(("//", "/\\"))
    assert safe.isprintable()
