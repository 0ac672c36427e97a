"""The form of a company, at registration and in its profile: its fields, and all their faults at once (pure)."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateway.identifiers import Duns
from portal.companies.kinds import NUMBERED, Kind
from portal.registration.fields import (
    Line,
    email_fault,
    needed,
    optional,
    phone_fault,
    read_duns,
    url_fault,
    zip_fault,
)
from portal.registration.places import COUNTRIES, DEFAULT_COUNTRY, DEFAULT_STATE, states_of

MOST_NUMBERS = 50


class CompanyFields(BaseModel):
    """What a company says of itself (guide 2.1 steps 4 to 18, 5.5), as it was entered."""

    model_config = ConfigDict(extra="forbid")

    name: Line = ""
    address_1: Line = ""
    address_2: Line = ""
    city: Line = ""
    state: Annotated[Line, Field(description="Two letters, as the postal service writes them.")] = DEFAULT_STATE
    zip: Line = ""
    country: Line = DEFAULT_COUNTRY
    phone: Line = ""
    email: Annotated[Line, Field(description="Where all notices to the company's administrators go.")] = ""
    email_again: Annotated[Line, Field(description="The same again, exactly.")] = ""
    url: Annotated[Line, Field(description="http or https; shown in mail to customers.")] = ""
    privacy_policy_url: Line = ""
    privacy_seal: Annotated[bool, Field(description="Whether the company says that it holds the privacy seal.")] = False


class CompanyForm(CompanyFields):
    """A company that registers."""

    duns: Annotated[
        list[Line], Field(max_length=MOST_NUMBERS, description="9 or 13 digits each; a REP or TDSP has at least one.")
    ] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyWords:
    """A company's own words without faults; what was left empty is None."""

    name: str
    address_1: str
    address_2: str | None
    city: str
    state: str
    zip: str
    country: str
    phone: str
    email: str
    url: str | None
    privacy_policy_url: str | None
    privacy_seal: bool


def check_fields(form: CompanyFields, email_before: str | None = None) -> CompanyWords | dict[str, str]:
    """A company's words, or the faults by field. An email address that stays need not be entered again (CPR-02)."""
    email, again = email_fault(form.email, None if form.email == email_before else form.email_again)
    found = {
        "name": needed(form.name, 120, "your company's name"),
        "address_1": needed(form.address_1, 120, "the first line of the address"),
        "address_2": optional(form.address_2, 120),
        "city": needed(form.city, 60, "the city"),
        "state": None if form.state in states_of(form.country) else "Select a state from the list.",
        "zip": zip_fault(form.zip, american=form.country == DEFAULT_COUNTRY),
        "country": None if form.country in COUNTRIES else "Select a country from the list.",
        "phone": phone_fault(form.phone, required=True),
        "email": email,
        "email_again": again,
        "url": url_fault(form.url),
        "privacy_policy_url": url_fault(form.privacy_policy_url),
    }
    faults = {field: words for field, words in found.items() if words}
    if faults:
        return faults
    return CompanyWords(
        name=form.name,
        address_1=form.address_1,
        address_2=form.address_2 or None,
        city=form.city,
        state=form.state,
        zip=form.zip,
        country=form.country,
        phone=form.phone,
        email=form.email,
        url=form.url or None,
        privacy_policy_url=form.privacy_policy_url or None,
        privacy_seal=form.privacy_seal,
    )


def check_company(form: CompanyForm, kind: Kind) -> tuple[CompanyWords, list[Duns]] | dict[str, str]:
    """A new company's words and DUNS numbers, or the faults by field."""
    words = check_fields(CompanyFields(**form.model_dump(exclude={"duns"})))
    numbers, fault = read_duns(form.duns)
    if fault is None and not numbers and kind in NUMBERED:
        fault = "Enter at least one DUNS number, of 9 or 13 digits."
    if isinstance(words, dict) or fault is not None:
        faults = words if isinstance(words, dict) else {}
        return faults | ({} if fault is None else {"duns": fault})
    return words, numbers
