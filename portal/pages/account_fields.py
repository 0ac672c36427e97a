"""The fields with which administrators say what an account may, in a request and in Edit User (guide 5.2 s5-9, 5.4)."""

from collections.abc import Iterable
from typing import Protocol

from gateway.errors import BadIdentifier
from gateway.identifiers import Duns
from portal.accounts.machine import AccountAction
from portal.administration.account_list import AccountSeen
from portal.approvals.account_queue import ONE_NUMBER, Permissions
from portal.companies.status import DunsStatus
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import PENDING, USERS
from portal.registration.fields import MOST_COMMENT

ACCESS = "access"
KEEP = "keep"
"""The choice of Web Portal Access that leaves the status as it is."""

ENERGY_DATA = Field(
    name="energy_data",
    label="3rd Party - Access to Energy Data",
    kind=FieldKind.CHECKBOX,
    hint="Create and manage Energy Data agreements, and use their reports. Without it they can only be read.",
    tip="Administrators have this by themselves.",
)
HOME_DEVICES = Field(
    name="home_devices",
    label="3rd Party - Access to In-Home Device Services",
    kind=FieldKind.CHECKBOX,
    hint="Create and manage In-Home Device agreements, add and remove devices. Without it they can only be read.",
    tip="Administrators have this by themselves.",
)
ACTION_WORDS = {
    AccountAction.SUSPEND: "Suspend",
    AccountAction.REINSTATE: "Reinstate",
    AccountAction.REVOKE: "Revoke, for good",
}


class Named(Protocol):
    """Whoever has an id and a name: an account of a list, or one that waits."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def user_id(self) -> str:
        """Its user ID."""

    @property
    def first_name(self) -> str:
        """The owner's."""

    @property
    def last_name(self) -> str:
        """The owner's."""


def names_of(people: Iterable[Named]) -> dict[int, str]:
    """The names of people by their ids, as boxes and messages write them."""
    return {each.id: f"{each.first_name} {each.last_name} ({each.user_id})" for each in people}


def request_form(account: AccountSeen) -> Form:
    """The form that answers one request; it begins without a number, since each is granted on purpose (ADM-08)."""
    access = Field(
        name=ACCESS,
        label="Access to the portal",
        kind=FieldKind.SELECT,
        required=True,
        missing="Choose Approve or Decline",
        tip="Approved, the account's owner gets mail with the way to sign in. Declined, the registration is deleted.",
        choices=(Choice("approve", "Approve"), Choice("decline", "Decline")),
    )
    comment = _comment("Mailed to the account's owner. Required if you decline.")
    return Form(
        action=f"{PENDING.href}/{account.id}",
        button="Save Account",
        fields=(*_granted(account), access, comment),
    )


def edit_form(account: AccountSeen) -> Form:
    """The form of Edit User, filled in with what the account may now; its choices follow from its status (ADM-19)."""
    access = Field(
        name=ACCESS,
        label="Web Portal Access",
        kind=FieldKind.SELECT,
        required=True,
        tip="What can be chosen depends on where the account stands.",
        choices=(
            Choice(KEEP, f"Leave it {account.status.value.capitalize()}"),
            *(Choice(action, ACTION_WORDS[action]) for action in account.actions),
        ),
    )
    comment = _comment("Mailed to the account's owner with the change. Required if you suspend or revoke.")
    form = Form(
        action=f"{USERS.href}/{account.id}",
        button="Save Account",
        fields=(*_granted(account), access, comment),
        hidden={"revision": str(account.revision)},
    )
    flags = {name: "yes" for name in ("energy_data", "home_devices") if getattr(account, name)}
    return form.filled({ACCESS: KEEP, **flags}, {"duns": [each.duns for each in account.duns if each.granted]})


def permissions_of(form: Form, account: AccountSeen) -> Permissions:
    """What was ticked. Administrators have no boxes, for they hold everything."""
    if account.administrator:
        return Permissions(duns=frozenset())
    return Permissions(
        duns=frozenset(_numbers(form.chosen.get("duns", ()))),
        energy_data=bool(form["energy_data"]),
        home_devices=bool(form["home_devices"]),
    )


def action_of(form: Form) -> AccountAction | None:
    """What Web Portal Access asks for."""
    return None if form[ACCESS] in ("", KEEP) else AccountAction(form[ACCESS])


def _granted(account: AccountSeen) -> tuple[Field, ...]:
    """The boxes of what a user may have; none for an administrator, none of DUNS where the company has none."""
    if account.administrator:
        return ()
    numbers = tuple(
        Choice(each.duns, each.duns, "" if each.status is DunsStatus.ACTIVE else each.status.value.capitalize())
        for each in account.duns
        if each.status is not DunsStatus.REVOKED
    )
    if not numbers:
        return ENERGY_DATA, HOME_DEVICES
    duns = Field(
        name="duns",
        label="DUNS Numbers",
        kind=FieldKind.CHECKBOXES,
        required=True,
        missing=ONE_NUMBER,
        tip="The user sees the meters whose REP of record is a number that you tick.",
        choices=numbers,
    )
    return duns, ENERGY_DATA, HOME_DEVICES


def _comment(hint: str) -> Field:
    return Field(name="comment", label="Comments", kind=FieldKind.TEXTAREA, hint=hint, most=MOST_COMMENT)


def _numbers(texts: Iterable[str]) -> Iterable[Duns]:
    for text in texts:
        try:
            yield Duns(text)
        except BadIdentifier:
            continue
