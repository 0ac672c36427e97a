"""The fields of a person who registers (guide 2.1 steps 20 to 28, 2.2 steps 8 to 16, figure 48)."""

from portal.pages.forms import Field, FieldKind, Form
from portal.registration.person_form import PersonForm

TEXTS = tuple(name for name in PersonForm.model_fields if name != "terms")

NAME_FIELDS = (
    Field(
        name="first_name",
        label="First Name",
        required=True,
        missing="You must provide your first name.",
        tip="You must provide your first name.",
        most=60,
        fill="given-name",
    ),
    Field(
        name="middle_initial",
        label="Middle Initial",
        tip="The first letter of your middle name, if you like.",
        most=1,
        fill="additional-name",
    ),
    Field(
        name="last_name",
        label="Last Name",
        required=True,
        missing="You must provide your last name.",
        tip="You must provide your last name.",
        most=60,
        fill="family-name",
    ),
    Field(name="suffix", label="Suffix", tip="Such as Jr, Sr or III.", most=10, fill="honorific-suffix"),
    Field(
        name="phone",
        label="Phone",
        kind=FieldKind.PHONE,
        tip="The phone number at which you are best reached.",
        most=30,
        fill="tel",
    ),
)
"""Names and phone, for whoever registers and for the owner of a profile."""

PERSON_FIELDS = (
    *NAME_FIELDS,
    Field(
        name="email",
        label="Email Address",
        kind=FieldKind.EMAIL,
        required=True,
        hint="Once you are approved, your way to sign in is sent there.",
        tip="Administrators also get copies of what is sent to the company's address.",
        most=254,
        fill="email",
    ),
    Field(
        name="email_again",
        label="Re-enter Email Address",
        kind=FieldKind.EMAIL,
        required=True,
        missing="Enter the same email address again",
        tip="This entry must exactly match the previous entry for Email Address.",
        most=254,
        fill="email",
    ),
    Field(
        name="user_id",
        label="User ID",
        required=True,
        hint="5 to 100 characters, without / ' or \"",
        tip="The name with which you will sign in. Capital and small letters are the same.",
        most=100,
        fill="username",
        literal=True,
    ),
    Field(
        name="terms",
        label="I accept the Terms and Conditions",
        kind=FieldKind.CHECKBOX,
        required=True,
        tip="You must agree to the stated Terms and Conditions in order to have access.",
    ),
)


def person_of(form: Form) -> PersonForm:
    """What the domain's form of a person takes, from a page's form; what is at fault by itself is left out."""
    return PersonForm(**{name: form.sound(name) for name in TEXTS}, terms=bool(form["terms"]))


def part_of(faults: dict[str, str] | None, part: str) -> dict[str, str]:
    """Of faults named `part.field` those of one part, by field."""
    begin = f"{part}."
    return {name.removeprefix(begin): words for name, words in (faults or {}).items() if name.startswith(begin)}
