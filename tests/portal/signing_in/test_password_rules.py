"""The rules of passwords, for both presets (pure)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.password_rules import PasswordFault, lengths, password_fault, rule_words, words_of
from portal.accounts.presets import Preset
from portal.accounts.security_questions import QUESTIONS, is_question, plausible_question, same_answer
from portal.accounts.well_known_passwords import is_well_known


def fault(preset: Preset, password: str, *, second_factor: bool = False) -> PasswordFault | None:
    return password_fault(preset, password, "Rep.User.From.Texas", is_previous=False, second_factor=second_factor)


@pytest.mark.parametrize(
    ("preset", "second_factor", "least", "most"),
    [
        (Preset.SMT, False, 6, 24),
        (Preset.SMT, True, 6, 24),
        (Preset.MODERN, False, 15, 128),
        (Preset.MODERN, True, 8, 128),
    ],
)
def test_the_lengths_are_exact(preset: Preset, second_factor: bool, least: int, most: int) -> None:
    long = "qvxkjzwpmhbtfgdlcr" * 8
    assert lengths(preset, second_factor=second_factor) == (least, most)
    found = [fault(preset, long[:size], second_factor=second_factor) for size in (least - 1, least, most + 1)]
    assert found[0] is PasswordFault.TOO_SHORT
    assert found[1] is None
    assert found[2] is PasswordFault.TOO_LONG
    assert f"between {least} and {most}" in words_of(found[0], preset, second_factor=second_factor)
    assert str(least) in rule_words(preset, second_factor=second_factor)


@pytest.mark.parametrize("preset", list(Preset))
def test_neither_the_user_id_nor_the_previous_password_is_taken(preset: Preset) -> None:
    assert fault(preset, "rep.user.from.TEXAS") is PasswordFault.USER_ID
    right = "mauve otters recite"
    for is_previous, expected in ((True, PasswordFault.PREVIOUS), (False, None)):
        assert password_fault(preset, right, "rep.user", is_previous=is_previous, second_factor=False) is expected


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "Password123!",
        "P@ssw0rd2026",
        "passwordpassword",
        "qwertyuiop123456",
        "abcdefghijklmnop",
        "aaaaaaaaaaaaaaaa",
        "Summer2026Summer2026",
        "iloveyouiloveyou1",
        "123456789012345678",
        "letmeinletmein!!",
        "correct horse battery staple",
        "TexasLonghorns2026",
        "smartmetertexas1",
        "bigdaddy",
        "snickers",
    ],
)
def test_what_is_guessed_first_is_not_taken_today(password: str) -> None:
    assert is_well_known(password)
    assert fault(Preset.MODERN, password, second_factor=True) is PasswordFault.WELL_KNOWN
    assert fault(Preset.SMT, password) is not PasswordFault.WELL_KNOWN


@pytest.mark.parametrize("password", ["mauve otters recite algebra", "gqX2-kf8w-Zr5t-91b", "Zug um Zug nach Ulm 7"])
def test_a_password_of_ones_own_is_taken(password: str) -> None:
    assert fault(Preset.MODERN, password) is None


@given(password=st.text(min_size=15, max_size=128))
def test_the_rules_answer_for_any_text(password: str) -> None:
    assert fault(Preset.MODERN, password) in (None, PasswordFault.WELL_KNOWN)


@given(answer=st.text(max_size=60))
def test_an_answer_is_the_same_in_any_case_and_with_any_blanks(answer: str) -> None:
    assert same_answer(f"  {answer.upper().lower()} ") == same_answer(answer.upper().lower())
    assert same_answer(same_answer(answer)) == same_answer(answer) or answer != answer.lower()


def test_plausible_questions_follow_from_the_key_alone() -> None:
    ids = [f"user{number}" for number in range(200)]
    first, second = ([plausible_question(key, each) for each in ids] for key in (b"a", b"b"))
    assert first != second
    assert set(first) == set(QUESTIONS)
    assert all(map(is_question, first))
    assert not is_question("made_up")
