"""Letters to customers, in their language, and about their meters to REPs and TDSPs (pure; guide 10.2, MAIL-11)."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from portal.accounts.credentials import LIFE, Credential, CredentialKind, link_of
from portal.accounts.status_letters import comments
from portal.customers.pairs import COMPANIES, RELEASES, meter_page
from portal.locales.catalogues import CATALOGUES
from portal.mail.letters import Letter
from portal.mail.wording import Link, Part, Quoted, worded


def letter_of_registration(row: Row[Any], credential: Credential, address: str) -> Letter:
    """A customer registered, and how to sign in for the first time (B.1: the way in goes to the mail address)."""
    _ = CATALOGUES.of(row.language).gettext
    parts: list[Part] = [
        _("Welcome, {name}. Your account {user_id} is registered.").format(
            name=f"{row.first_name} {row.last_name}", user_id=row.user_id
        ),
        *_ways_in(row.language, credential, address),
        _(
            "Sign in within {days} days: after that the account is deleted, and you would have to register again."
        ).format(days=LIFE.days),
        _("If you did not register, you need not do anything."),
    ]
    return _worded(row, _("Your account is registered"), parts)


def letter_of_expired_customer(row: Row[Any]) -> Letter:
    """A customer did not sign in in time (ACC-05)."""
    _ = CATALOGUES.of(row.language).gettext
    words = _(
        "Nobody signed in to your account {user_id} within {days} days, so it was deleted, and a meter that was "
        "attached to it is free again. To get access, register again."
    )
    return _worded(row, _("Your account has expired"), [words.format(user_id=row.user_id, days=LIFE.days)])


def letter_of_loss(holder: Row[Any], meter: Any, address: str) -> Letter:
    """To the customer whom the TDSP took a meter away from (MAIL-11, CUS-05); meter has esi_id, number and address."""
    _ = CATALOGUES.of(holder.language).gettext
    parts: list[Part] = [
        _(
            "The meter {number} at {place} (ESI ID {esi_id}) was removed from your account {user_id} by the utility "
            "that owns it, at the request of the electricity company that serves the address. You cannot see its usage "
            "any more."
        ).format(number=meter.number, place=meter.place, esi_id=meter.esi_id, user_id=holder.user_id),
        _("If this is your meter, call your electricity company (REP): once that is settled you can add it again."),
        Link(_("Find your electricity company"), f"{address}{COMPANIES}"),
    ]
    return _worded(holder, _("A meter was removed from your account"), parts)


def letters_of_asked_release(to: Iterable[str], meter: Any, company: str, comment: str, address: str) -> list[Letter]:
    """To a TDSP's administrators: a REP asks for a meter's release."""
    parts: list[Part] = [
        (
            f"{company}, the REP of record, asks that the meter {meter.number} at {meter.place} (ESI ID {meter.esi_id})"
            " be released from the customer account that holds it."
        ),
        *comments(comment),
        Link("Requests for release", f"{address}{RELEASES}"),
    ]
    return [worded(each, f"A request to release meter {meter.number}", parts) for each in to]


def letters_of_answer(
    to: Iterable[str], meter: Any, tdsp: str, comment: str | None, address: str, *, released: bool
) -> list[Letter]:
    """To the REP that asked: the meter was released, or the request was declined."""
    what = "released" if released else "not released"
    words = f"{tdsp} has {what} the meter {meter.number} at {meter.place} (ESI ID {meter.esi_id})."
    after = "Your customer can attach it now." if released else "It stays attached to the account that holds it."
    page = Link("The meter", f"{address}{meter_page(meter.esi_id)}")
    parts: list[Part] = [f"{words} {after}", *comments(comment), page]
    return [worded(each, f"Meter {meter.number} was {what}", parts) for each in to]


def _ways_in(language: str, credential: Credential, address: str) -> list[Part]:
    """How to sign in with a first credential."""
    _ = CATALOGUES.of(language).gettext
    if credential.kind is CredentialKind.LINK:
        return [_("Set your password here:"), Link(_("Set your password"), link_of(credential, address))]
    return [
        _("Your temporary password is:"),
        Quoted(credential.secret),
        _("You will be asked to choose a password of your own when you sign in."),
        Link(_("Sign in"), address),
    ]


def _worded(row: Row[Any], subject: str, parts: list[Part] | list[str]) -> Letter:
    return worded(row.email, subject, parts, language=CATALOGUES.known(row.language))
