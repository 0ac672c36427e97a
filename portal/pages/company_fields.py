"""The fields of a company, as its registration and its profile show them (guide 2.1 steps 4 to 18, 5.5)."""

import re
from collections.abc import Mapping
from dataclasses import replace

from portal.companies.kinds import NUMBERED, Kind
from portal.companies.logo import MOST_BYTES
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.registration.company_form import MOST_NUMBERS, CompanyFields
from portal.registration.fields import MOST_TEXT
from portal.registration.places import CANADIAN, COUNTRIES, DEFAULT_COUNTRY, DEFAULT_STATE, STATES

MOST_NUMBERS_TEXT = 1000
TOO_MANY_NUMBERS = f"Enter at most {MOST_NUMBERS} DUNS numbers at once."
TEXTS = tuple(name for name in CompanyFields.model_fields if name != "privacy_seal")
DEFAULTS = {"state": DEFAULT_STATE, "country": DEFAULT_COUNTRY}
LOGO_TYPES = "image/png,image/jpeg,image/gif"

NAME = Field(
    name="name",
    label="Company Name",
    required=True,
    hint="The name on your customers' bills: they look for you by it.",
    tip="Colleagues and customers find your company by this name.",
    most=120,
    fill="organization",
)
PLACE = (
    Field(
        name="address_1",
        label="Address 1",
        required=True,
        tip="The primary address of your company.",
        most=120,
        fill="address-line1",
    ),
    Field(name="address_2", label="Address 2", tip="A second line of the address.", most=120, fill="address-line2"),
    Field(
        name="city",
        label="City",
        required=True,
        tip="The city of your company's address.",
        most=60,
        fill="address-level2",
    ),
    Field(
        name="state",
        label="State",
        kind=FieldKind.SELECT,
        required=True,
        tip="The state of your company's address.",
        fill="address-level1",
        choices=(
            *(Choice(code, words) for code, words in STATES.items()),
            *(Choice(code, f"{words} (Canada)") for code, words in CANADIAN.items()),
        ),
    ),
    Field(
        name="zip",
        label="Zip Code",
        required=True,
        tip="Five digits, or nine as 78701-1234.",
        most=10,
        fill="postal-code",
    ),
    Field(
        name="country",
        label="Country",
        kind=FieldKind.SELECT,
        required=True,
        tip="The country of your company's address.",
        fill="country-name",
        choices=tuple(Choice(name, name) for name in COUNTRIES),
    ),
)
PHONE = Field(
    name="phone",
    label="Phone",
    kind=FieldKind.PHONE,
    required=True,
    tip="The phone number at which your company is best reached.",
    most=30,
    fill="tel",
)
EMAIL = Field(
    name="email",
    label="Account Email Address",
    kind=FieldKind.EMAIL,
    required=True,
    hint="All notices to your administrators go there: a shared mailbox serves best.",
    tip="Such as the notice that somebody waits for approval.",
    most=254,
    fill="email",
)
EMAIL_AGAIN = Field(
    name="email_again",
    label="Re-enter Email Address",
    kind=FieldKind.EMAIL,
    required=True,
    missing="Enter the same email address again",
    tip="This entry must exactly match the previous entry for Email Address.",
    most=254,
    fill="email",
)
WEB = (
    Field(
        name="url",
        label="Company URL",
        kind=FieldKind.URL,
        tip="It is shown in mail to your customers, and leads them to your company's website.",
        most=300,
        fill="url",
    ),
    Field(
        name="privacy_policy_url",
        label="Privacy Policy URL",
        kind=FieldKind.URL,
        tip="It is shown in mail to your customers, and leads them to your privacy and security policy.",
        most=300,
    ),
)
LOGO = Field(
    name="logo",
    label="Upload Company Logo",
    kind=FieldKind.FILE,
    hint="PNG, JPEG or GIF, smaller than 20 KB",
    tip="It is shown on agreements, and on mail about them.",
    most=MOST_BYTES,
    accept=LOGO_TYPES,
)
SEAL = Field(
    name="privacy_seal",
    label="Our company is certified to use the Trusted Smart Grid Privacy Seal",
    kind=FieldKind.CHECKBOX,
    tip="The seal is then shown on agreements, and on mail about them.",
)


def numbers_field(kind: Kind, name: str = "duns", label: str = "DUNS Number") -> Field:
    """The field in which a company of a kind enters its DUNS numbers."""
    return Field(
        name=name,
        label=label,
        kind=FieldKind.TEXTAREA,
        required=kind in NUMBERED and name == "duns",
        hint="9 or 13 digits. Several: one on each line.",
        tip="The number issued by Dun & Bradstreet under which you do business in the Texas market.",
        most=MOST_NUMBERS_TEXT,
        rows=2,
        literal=True,
    )


def company_fields(kind: Kind) -> tuple[Field, ...]:
    """The fields of a company that registers, in the guide's order."""
    return (NAME, *PLACE, PHONE, EMAIL, EMAIL_AGAIN, numbers_field(kind), *WEB, LOGO, SEAL)


def numbers_in(text: str) -> list[str]:
    """The numbers of a text, with commas, blanks or lines between them."""
    return [part for part in re.split(r"[\s,;]+", text) if part]


def with_few_numbers(form: Form, name: str) -> Form:
    """A form as it was read, with a fault if a field holds more numbers than are taken at once."""
    too_many = len(numbers_in(form[name])) > MOST_NUMBERS
    return form.refused({name: TOO_MANY_NUMBERS}) if too_many else form


def words_of(form: Form) -> dict[str, object]:
    """What the domain's form of a company takes, from a page's form; what is at fault by itself is left out."""
    return {name: form.sound(name) for name in TEXTS} | {"privacy_seal": bool(form["privacy_seal"])}


def carried(values: Mapping[str, str]) -> dict[str, str]:
    """Values that travelled hidden in a page, fit to be judged again: whoever changed them spoils only his own."""
    return {name: value if _is_fit(name, value) else "" for name, value in values.items()}


def _is_fit(name: str, value: str) -> bool:
    most = MOST_NUMBERS_TEXT if name == "duns" else MOST_TEXT
    return len(value) <= most and value.replace("\r", "").replace("\n", "").isprintable()


def again_if_changed(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Fields of a profile: its email address is entered again only where it changes (CPR-02)."""
    again = replace(EMAIL_AGAIN, required=False, hint="Only if you change the address")
    return tuple(again if each is EMAIL_AGAIN else each for each in fields)
