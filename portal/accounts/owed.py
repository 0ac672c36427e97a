"""What an account must do before any page is its own (pure; ACC-06, AMB-12, AMB-13, AMB-17)."""

from dataclasses import dataclass

from portal.accounts.presets import Preset
from portal.accounts.status import AccountStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Steps of a first sign-in that are still to be done, or of one after an unlocking."""

    password: bool
    question: bool
    second_factor: bool
    confirmation: bool

    def __bool__(self) -> bool:
        return self.password or self.question or self.second_factor or self.confirmation


NOTHING = Owed(password=False, question=False, second_factor=False, confirmation=False)


def owed(
    preset: Preset,
    status: AccountStatus,
    *,
    has_password: bool,
    must_change: bool,
    has_question: bool,
    administrator: bool,
    has_factor: bool,
) -> Owed:
    """What is owed: a password of one's own, with the guide's preset a security question, for today's administrators a
    second factor. confirmation is a first sign-in with nothing left to do but to be made (ACC-06).
    """
    password = must_change or not has_password
    begins = status is AccountStatus.APPROVED
    return Owed(
        password=password,
        question=preset is Preset.SMT and (begins or password) and not has_question,
        second_factor=preset is Preset.MODERN and administrator and not has_factor,
        confirmation=begins,
    )
