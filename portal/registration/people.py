"""Writing a person who registers into the accounts, Pending."""

from typing import Any

from sqlalchemy import Row, insert, select

from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.accounts.user_ids import user_key
from portal.acting import Act
from portal.audit.log import Actor, ActorKind
from portal.registration.person_form import Person


def registering(person: Person) -> Actor:
    """Somebody who registers, as an actor: he has no account yet."""
    return Actor(kind=ActorKind.ACCOUNT, words=f"{person.user_id}, registering")


async def is_taken(act: Act, user_id: str) -> bool:
    """Whether somebody has a user id already, in any case and status."""
    chosen = select(accounts.c.id).where(accounts.c.user_key == user_key(user_id))
    return (await act.connection.execute(chosen)).first() is not None


async def add_person(act: Act, person: Person, company_id: int | None, *, administrator: bool) -> Row[Any]:
    """The Pending account of somebody who accepted the terms, a customer if without company; returns its row."""
    values = {
        "user_id": person.user_id,
        "user_key": user_key(person.user_id),
        "company_id": company_id,
        "status": AccountStatus.PENDING,
        "status_since": act.now,
        "registered_at": act.now,
        "administrator": administrator,
        "email": person.email,
        "first_name": person.first_name,
        "middle_initial": person.middle_initial,
        "last_name": person.last_name,
        "suffix": person.suffix,
        "phone": person.phone,
        "terms_accepted_at": act.now,
    }
    row: Row[Any] = (await act.connection.execute(insert(accounts).values(values).returning(accounts))).one()
    return row
