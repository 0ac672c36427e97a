"""The account list of Manage Users: what an address asks for, and in which order it is shown (pure; ADM-14, ADM-15)."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from urllib.parse import urlencode

from portal.accounts.status import AccountStatus
from portal.administration.account_list import AccountLine, AccountSearch
from portal.administration.profile import ProfileDuns
from portal.pages.company_fields import carried
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.meter_list import natural
from portal.pages.navigation import USERS
from portal.wildcards import MOST

WILDCARD = "The whole of it, or two characters with one asterisk: abc* begins so, *abc ends so, a*bc does both."


class Column(StrEnum):
    """A column of the list, as it stands in the address."""

    NAME = "name"
    USER_ID = "user_id"
    EMAIL = "email"
    ROLE = "role"
    STATUS = "status"
    LAST_LOGIN = "last_login"


HEADINGS = {
    Column.NAME: "Name",
    Column.USER_ID: "User ID",
    Column.EMAIL: "Email",
    Column.ROLE: "Role",
    Column.STATUS: "Account Status",
    Column.LAST_LOGIN: "Last sign-in",
}
KEPT = ("first_name", "last_name", "email", "user_id", "duns", "status", "letter", "all")
"""What an address keeps when its order changes, and when one comes back from a change."""


def criteria(numbers: Sequence[ProfileDuns]) -> Form:
    """The search's fields; numbers are the company's."""
    texts = (
        ("first_name", "First Name"),
        ("last_name", "Last Name"),
        ("email", "Email Address"),
        ("user_id", "User ID"),
    )
    return Form(
        action=USERS.href,
        button="Search",
        fields=(
            *(Field(name=name, label=label, most=MOST, fill="off", literal=True) for name, label in texts),
            Field(
                name="duns",
                label="DUNS Number",
                kind=FieldKind.CHECKBOXES,
                hint="Accounts that have access to any of these",
                choices=tuple(Choice(each.duns, each.duns) for each in numbers),
            ),
            Field(
                name="status",
                label="Account Status",
                kind=FieldKind.SELECT,
                choices=tuple(Choice(each, each.value.capitalize()) for each in AccountStatus),
            ),
            Field(name="letter", label="Letter", most=1),
        ),
    )


def search_of(form: Form) -> AccountSearch:
    """What the domain's search takes; what is at fault by itself is left out."""
    texts = carried({name: form.sound(name) for name in ("first_name", "last_name", "email", "user_id", "letter")})
    status = form.sound("status")
    numbers = [] if "duns" in form.faults else sorted(form.chosen.get("duns", ()))
    return AccountSearch(**texts, duns=numbers, status=AccountStatus(status) if status else None)


def ordered(lines: Iterable[AccountLine], column: Column, *, descending: bool) -> list[AccountLine]:
    """Accounts by one column as people sort; those that never signed in come last, equal ones by name."""
    by_name = sorted(lines, key=lambda line: (natural(line.last_name), natural(line.first_name), line.id))
    if column is Column.LAST_LOGIN:
        seen = [line for line in by_name if line.last_login_at is not None]
        never = [line for line in by_name if line.last_login_at is None]
        return sorted(seen, key=lambda line: str(line.last_login_at), reverse=descending) + never
    if column is Column.NAME:
        return by_name[::-1] if descending else by_name
    return sorted(by_name, key=lambda line: natural(_text(line, column)), reverse=descending)


def links(parameters: Sequence[tuple[str, str]], column: Column, *, descending: bool) -> dict[Column, str]:
    """For each column the address that sorts by it, or turns its order round."""
    kept = [(name, value) for name, value in parameters if name in KEPT]
    turned = "asc" if descending else "desc"
    return {
        each: "?" + urlencode([*kept, ("sort", each), ("order", turned if each is column else "asc")])
        for each in Column
    }


def here(parameters: Sequence[tuple[str, str]]) -> str:
    """The list's own address with what it asks for, without what was done."""
    kept = [(name, value) for name, value in parameters if name in (*KEPT, "sort", "order") and value]
    return f"{USERS.href}?{urlencode(kept)}" if kept else USERS.href


def _text(line: AccountLine, column: Column) -> str:
    if column is Column.ROLE:
        return "administrator" if line.administrator else "user"
    return str(getattr(line, column))
