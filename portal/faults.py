"""What is wrong with a form, field by field, and refusals of what people ask for their companies (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PeopleRefusal(StrEnum):
    """Why a change of people or companies is refused."""

    FORM = "form"
    NOT_FOR_YOU = "not_for_you"
    NOT_THERE = "not_there"
    NOT_NOW = "not_now"
    FIVE_ADMINISTRATORS = "five_administrators"
    LAST_ADMINISTRATOR = "last_administrator"
    CHANGED_MEANWHILE = "changed_meanwhile"
    TOO_OFTEN = "too_often"
    NO_SUCH_PAIR = "no_such_pair"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleRefused:
    """A refusal in words. faults tells by field what is wrong with a form; retry_in_s when to come again."""

    reason: PeopleRefusal
    words: str
    faults: Mapping[str, str] = field(default_factory=dict)
    retry_in_s: float | None = None


def bad_form(faults: Mapping[str, str]) -> PeopleRefused:
    """A form with faults, all of them at once."""
    return PeopleRefused(
        reason=PeopleRefusal.FORM, words="Some of the fields are not right: see each of them.", faults=faults
    )


NOT_FOR_YOU = PeopleRefused(reason=PeopleRefusal.NOT_FOR_YOU, words="You may not do this.")
NOT_THERE = PeopleRefused(
    reason=PeopleRefusal.NOT_THERE, words="There is no such thing here, or somebody has dealt with it already."
)
CHANGED_MEANWHILE = PeopleRefused(
    reason=PeopleRefusal.CHANGED_MEANWHILE,
    words="Somebody changed this while you had it open. Look at it again, and repeat your change if it is still right.",
)
FIVE_ADMINISTRATORS = PeopleRefused(
    reason=PeopleRefusal.FIVE_ADMINISTRATORS,
    words="A company has at most four administrators: this would be the fifth. Decline, or revoke another first.",
)
LAST_ADMINISTRATOR = PeopleRefused(
    reason=PeopleRefusal.LAST_ADMINISTRATOR,
    words="This is the company's only active administrator. Let another one be approved first, or ask the help desk.",
)


def not_now(words: str) -> PeopleRefused:
    """Something that its status does not allow."""
    return PeopleRefused(reason=PeopleRefusal.NOT_NOW, words=words)
