"""What a new password must be, by preset (pure; guide 6.1, PER-03; NIST SP 800-63B-4 for today's rules)."""

from enum import StrEnum

from portal.accounts.presets import Preset
from portal.accounts.user_ids import user_key
from portal.accounts.well_known_passwords import is_well_known

SMT_LENGTHS = (6, 24)
MODERN_LENGTHS = (15, 128)
WITH_SECOND_FACTOR = 8
"""Today's least length where a second factor is asked for as well."""


class PasswordFault(StrEnum):
    """Why a password is not taken."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    USER_ID = "user_id"
    PREVIOUS = "previous"
    WELL_KNOWN = "well_known"


def lengths(preset: Preset, *, second_factor: bool) -> tuple[int, int]:
    """The least and the greatest number of characters."""
    if preset is Preset.SMT:
        return SMT_LENGTHS
    return (WITH_SECOND_FACTOR if second_factor else MODERN_LENGTHS[0]), MODERN_LENGTHS[1]


def password_fault(
    preset: Preset, password: str, user_id: str, *, is_previous: bool, second_factor: bool
) -> PasswordFault | None:
    """What is wrong with a new password, None if nothing is; no sort of character is ever asked for."""
    least, most = lengths(preset, second_factor=second_factor)
    if len(password) < least:
        return PasswordFault.TOO_SHORT
    if len(password) > most:
        return PasswordFault.TOO_LONG
    if user_key(password) == user_key(user_id):
        return PasswordFault.USER_ID
    if is_previous:
        return PasswordFault.PREVIOUS
    if preset is Preset.MODERN and is_well_known(password):
        return PasswordFault.WELL_KNOWN
    return None


def words_of(fault: PasswordFault, preset: Preset, *, second_factor: bool) -> str:
    """What is said about a password that is not taken."""
    least, most = lengths(preset, second_factor=second_factor)
    if fault in (PasswordFault.TOO_SHORT, PasswordFault.TOO_LONG):
        return f"Your password must be between {least} and {most} characters"
    return {
        PasswordFault.USER_ID: "Your password cannot be the same as your User ID",
        PasswordFault.PREVIOUS: "Your new password cannot be the same as your previous password",
        PasswordFault.WELL_KNOWN: "This password is among those that are guessed first; choose one of your own, such "
        "as a few words that do not belong together",
    }[fault]


def rule_words(preset: Preset, *, second_factor: bool) -> str:
    """The rules in one sentence, for beside the field."""
    least, most = lengths(preset, second_factor=second_factor)
    if preset is Preset.SMT:
        return f"{least} to {most} characters, case sensitive; not your User ID, not your previous password"
    return f"{least} to {most} characters; spaces are welcome. Not your User ID, not your previous password"
