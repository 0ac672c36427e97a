"""A customer's texts in his language: English is what the code says, a catalogue such as `es.po` takes its place.

A text is marked where it stands: by `_` where it is said at once, by `N_` where it is said later, in whatever language
the one who reads it has. `python -m portal.locales.extract` collects both into messages.pot.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from gateway.clock import central_date

FOLDER = Path(__file__).parent
ENGLISH = "en"
Translate = Callable[[str], str]
"""From a text in English to the same in somebody's language."""


def N_(text: str) -> str:  # noqa: N802  # gettext's own word for a text that is translated later
    """The text itself: it is only marked."""
    return text


class Catalogues:
    """The languages that there are, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        found = {path.stem: translations(path) for path in sorted(folder.glob("*.po"))}
        self._languages: Mapping[str, NullTranslations] = {ENGLISH: NullTranslations(), **found}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which texts can be had."""
        return tuple(self._languages)

    def known(self, language: str) -> str:
        """The language itself if there is a catalogue of it, or else English."""
        return language if language in self._languages else ENGLISH

    def of(self, language: str) -> NullTranslations:
        """The translations of a language, those of English if there are none."""
        return self._languages[self.known(language)]

    def wanted(self, accepted: str) -> str:
        """The language of somebody who is not known, by the header Accept-Language: the first that there is."""
        for each in accepted.split(",")[:10]:
            tag = each.partition(";")[0].strip().lower().partition("-")[0]
            if tag in self._languages:
                return tag
        return ENGLISH


def translations(path: Path) -> NullTranslations:
    """The translations of a catalogue, which is text that people edit."""
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=path.stem))
    compiled.seek(0)
    return GNUTranslations(compiled)


CATALOGUES = Catalogues()
"""The process's own."""
AGREEMENT_TEXTS = Catalogues(FOLDER / "agreements")
"""Of the letters and pages of agreements, whose readers have no account: they are whole in Spanish already, while the
pages of customers' accounts, which are one with these in nothing, are not."""


def day_in_words(instant: datetime, language: str) -> str:
    """The Central day of an instant as it is written in a language: `July 4, 2026`, `4 de julio de 2026`."""
    return format_date(central_date(instant), "long", locale=language)
