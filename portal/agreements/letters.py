"""The letter that asks a customer for an agreement, in the company's name and the customer's language (MAIL-13)."""

from typing import Any
from urllib.parse import quote

from portal.agreements.machine import AgreementKind
from portal.locales.catalogues import AGREEMENT_TEXTS, N_, day_in_words
from portal.mail.letters import MOST_SUBJECT, Letter
from portal.mail.wording import Link, Part, Picture, worded

AGREEMENTS = "/agreements"
KIND_NAMES = {
    AgreementKind.ENERGY_DATA: N_("Energy Data agreement"),
    AgreementKind.HOME_DEVICE: N_("In-Home Device agreement"),
    AgreementKind.DEVICE_SERVICES: N_("In-Home Device Services agreement"),
}
KIND_MEANS = {
    AgreementKind.ENERGY_DATA: N_("The company may see the energy that your meter measures."),
    AgreementKind.HOME_DEVICE: N_("The company may connect a device in your home to your meter, and remove it."),
    AgreementKind.DEVICE_SERVICES: N_(
        "The company may connect devices in your home to your meter, remove them, and send them messages, prices and "
        "requests to use less."
    ),
}
SEALED = N_("This company carries the TRUSTe privacy seal.")


def place_of_link(secret: str, address: str = "") -> str:
    """Where the customer answers. Opening it changes nothing, since mail scanners open links too."""
    return f"{address}{AGREEMENTS}/{quote(secret, safe='')}"


def letter_of_agreement(agreement: Any, secret: str, address: str) -> Letter:
    """Ask a customer for an agreement. Raises BadInput.

    agreement has kind, months, esi_id, number, place, email, language, open_until, and the company as company, url,
    privacy_policy_url, privacy_seal and has_logo.
    """
    language = AGREEMENT_TEXTS.known(agreement.language)
    texts = AGREEMENT_TEXTS.of(language)
    _ = texts.gettext
    kind, link = _(KIND_NAMES[agreement.kind]), place_of_link(secret, address)
    parts: list[Part] = [Picture(agreement.company, f"{link}/logo")] if agreement.has_logo else []
    parts += [
        _("{company} asks for your consent: {kind}.").format(company=agreement.company, kind=kind),
        _(KIND_MEANS[agreement.kind]),
        _("Meter {number} at {place}, ESI ID {esi_id}.").format(
            number=agreement.number, place=agreement.place, esi_id=agreement.esi_id
        ),
        texts.ngettext(
            "It holds for {months} month from your consent, and you can end it at any time by the same link.",
            "It holds for {months} months from your consent, and you can end it at any time by the same link.",
            agreement.months,
        ).format(months=agreement.months),
        _("Please answer before {day}. You need no account, and nothing happens if you do not answer.").format(
            day=day_in_words(agreement.open_until, language)
        ),
        Link(_("Read and answer"), link),
    ]
    if agreement.url:
        parts.append(Link(agreement.company, agreement.url))
    if agreement.privacy_policy_url:
        parts.append(Link(_("Privacy policy"), agreement.privacy_policy_url))
    if agreement.privacy_seal:
        parts.append(_(SEALED))
    subject = _("{company} asks for your consent").format(company=agreement.company)[:MOST_SUBJECT]
    return worded(agreement.email, subject, parts, signed=agreement.company, language=language)
