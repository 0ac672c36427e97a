"""Asking for agreements, and answering them, as the tests do."""

from itertools import count
from typing import Any

from portal.acting import actor_of
from portal.agreements.changing import (
    CUSTOMER,
    NewAgreement,
    answer_agreement,
    make_agreement,
    resend_agreement,
    terminate_agreement,
)
from portal.agreements.machine import AgreementAction, AgreementKind
from portal.agreements.shown import Agreement, list_agreements
from tests.portal.people.stand import Office
from tests.portal.world import esi, viewer

HOME = "home@example.com"
ENERGY, DEVICE, SERVICES = AgreementKind


def new(number: int = 1, **more: Any) -> NewAgreement:
    """What is asked for, without faults but for the fields given."""
    return NewAgreement(
        **{"esi_id": esi(number), "kind": DEVICE, "months": 12, "email": HOME, "language": "en", **more}
    )


_SECRETS = count()


async def ask(office: Office, user_id: str = "rep.admin", *, secret: str = "", number: int = 1, **more: Any) -> Any:
    """What becomes of somebody's question."""
    who, secret = await viewer(office.database, user_id), secret or f"secret {next(_SECRETS)}"
    return await office.acting.run(actor_of(who), lambda act: make_agreement(act, who, new(number, **more), secret))


async def asked(office: Office, user_id: str = "rep.admin", **more: Any) -> Agreement:
    """A question that waits for its answer."""
    found = await ask(office, user_id, **more)
    assert isinstance(found, Agreement), found
    return found


async def resend(office: Office, agreement_id: int, secret: str, user_id: str = "rep.admin") -> Any:
    """What becomes of sending it again."""
    who = await viewer(office.database, user_id)
    return await office.acting.run(actor_of(who), lambda act: resend_agreement(act, who, agreement_id, secret))


async def end(office: Office, agreement_id: int, user_id: str = "rep.admin") -> Any:
    """What becomes of the company's end."""
    who = await viewer(office.database, user_id)
    return await office.acting.run(actor_of(who), lambda act: terminate_agreement(act, who, agreement_id))


async def answer(office: Office, secret: str, action: AgreementAction = AgreementAction.ACCEPT) -> Any:
    """What becomes of the customer's word."""
    return await office.acting.run(CUSTOMER, lambda act: answer_agreement(act, secret, action))


async def agreed(office: Office, **more: Any) -> Agreement:
    """An agreement that the customer accepted."""
    found = await asked(office, secret="the link", **more)
    assert await answer(office, "the link") == "active"
    return found


async def seen(office: Office, user_id: str = "rep.admin") -> list[Agreement]:
    """The agreements that somebody sees."""
    who = await viewer(office.database, user_id)
    async with office.database.reading() as connection:
        return (await list_agreements(connection, who, office.clock.now())).agreements
