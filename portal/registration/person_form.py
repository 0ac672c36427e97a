"""The form of a person who registers: its fields, and all their faults at once (pure; guide 2.1 s20-28, 2.2 s8-16)."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from portal.accounts.user_ids import is_user_id
from portal.registration.fields import Line, email_fault, needed, optional, phone_fault

TAKEN = "This user ID is taken. Please choose another."


class PersonForm(BaseModel):
    """A person who registers, as it was entered."""

    model_config = ConfigDict(extra="forbid")

    first_name: Line = ""
    middle_initial: Line = ""
    last_name: Line = ""
    suffix: Annotated[Line, Field(description="Jr, Sr, III.")] = ""
    phone: Line = ""
    email: Annotated[Line, Field(description="Where the way to sign in is sent.")] = ""
    email_again: Annotated[Line, Field(description="The same again, exactly.")] = ""
    user_id: Annotated[Line, Field(description="5 to 100 characters without / ' or \"; case does not matter.")] = ""
    terms: Annotated[bool, Field(description="Whether the Terms and Conditions are accepted.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person without faults; what was left empty is None."""

    first_name: str
    middle_initial: str | None
    last_name: str
    suffix: str | None
    phone: str | None
    email: str
    user_id: str


def check_person(form: PersonForm) -> Person | dict[str, str]:
    """The person, or the faults by field."""
    email, again = email_fault(form.email, form.email_again)
    user_id = "Enter a user ID of 5 to 100 characters, without slashes (/), single (') or double (\") quote marks."
    found = {
        "first_name": needed(form.first_name, 60, "your first name"),
        "middle_initial": "Enter one letter." if len(form.middle_initial) > 1 else None,
        "last_name": needed(form.last_name, 60, "your last name"),
        "suffix": optional(form.suffix, 10),
        "phone": phone_fault(form.phone, required=False),
        "email": email,
        "email_again": again,
        "user_id": None if is_user_id(form.user_id) else user_id,
        "terms": None if form.terms else "Accept the Terms and Conditions to register.",
    }
    faults = {field: words for field, words in found.items() if words}
    if faults:
        return faults
    return Person(
        first_name=form.first_name,
        middle_initial=form.middle_initial or None,
        last_name=form.last_name,
        suffix=form.suffix or None,
        phone=form.phone or None,
        email=form.email,
        user_id=form.user_id,
    )
