"""The fields that several pages about the own account share."""

from portal.accounts.password_rules import MODERN_LENGTHS, rule_words
from portal.accounts.presets import Preset
from portal.accounts.security_questions import LONGEST_ANSWER, QUESTIONS
from portal.pages.forms import Choice, Field, FieldKind

LONGEST_PASSWORD = 1024
"""What is read at most; the rules say what is taken."""
DIFFERS = "The two entries differ: enter the same password twice"

CURRENT_PASSWORD = Field(
    name="current_password",
    label="Current Password",
    kind=FieldKind.PASSWORD,
    required=True,
    missing="Enter your current password",
    tip="The password with which you sign in now.",
    fill="current-password",
    most=LONGEST_PASSWORD,
)
CODE = Field(
    name="code",
    label="Code",
    required=True,
    missing="Enter the code",
    hint="Six digits from your authenticator app, or one of your recovery codes",
    tip="A code is good for half a minute and works once. A recovery code works once and is then used up.",
    fill="one-time-code",
    literal=True,
    most=40,
)


def new_password_fields(preset: Preset, *, second_factor: bool) -> tuple[Field, Field]:
    """A new password, entered twice."""
    least, _ = MODERN_LENGTHS
    return (
        Field(
            name="new_password",
            label="New Password",
            kind=FieldKind.PASSWORD,
            required=True,
            missing="Enter your new password",
            hint=rule_words(preset, second_factor=second_factor),
            tip="Capital and small letters differ."
            if preset is Preset.SMT
            else f"Length makes a password strong: {least} characters are a few words that do not belong together.",
            fill="new-password",
            most=LONGEST_PASSWORD,
        ),
        Field(
            name="password_again",
            label="Re-enter New Password",
            kind=FieldKind.PASSWORD,
            required=True,
            missing="Enter your new password again",
            tip="This entry must exactly match the previous entry for New Password.",
            fill="new-password",
            most=LONGEST_PASSWORD,
        ),
    )


QUESTION_FIELDS = (
    Field(
        name="security_question",
        label="Security Question",
        kind=FieldKind.SELECT,
        required=True,
        missing="Choose a security question",
        tip="If you forget your password, you will be asked for the answer to it.",
        choices=tuple(Choice(key, words) for key, words in QUESTIONS.items()),
    ),
    Field(
        name="security_answer",
        label="Security Question Answer",
        required=True,
        missing="Enter an answer that you can remember",
        hint="The answer is not case sensitive",
        tip="Choose an answer that you can remember and that others cannot look up.",
        most=LONGEST_ANSWER,
        fill="off",
    ),
)


def differ(new: str, again: str) -> dict[str, str]:
    """The fault of two entries that are not the same."""
    return {} if new == again else {"password_again": DIFFERS}
