"""The customers' texts: the kept catalogue is what the sources have, and a translation of it reaches page and form."""

from pathlib import Path

import pytest

from portal.locales.catalogues import CATALOGUES, FOLDER, Catalogues
from portal.locales.extract import TEMPLATE, template, texts
from portal.pages.customer_fields import ADD_METER, IMPORT_METERS, REGISTRATION, RULE_WORDS
from portal.pages.forms import Form
from portal.pages.render import Renderer
from portal.pages.static_files import StaticFiles

SPANISH = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "ESI ID"
msgstr "Número ESI"

msgid "Enter your first name."
msgstr "Escriba su nombre."

msgid "There is a problem"
msgstr "Hay un problema"
"""


@pytest.fixture
def spanish(tmp_path: Path) -> Catalogues:
    """A catalogue of a few texts."""
    (tmp_path / "es.po").write_text(SPANISH, encoding="utf-8")
    return Catalogues(tmp_path)


def test_the_kept_catalogue_is_what_the_sources_have() -> None:
    """If this fails: make texts."""
    assert template() == TEMPLATE.read_bytes()
    assert TEMPLATE.parent == FOLDER


def test_everything_that_a_customers_form_says_is_in_the_catalogue() -> None:
    marked = {each for _, message in texts() for each in ([message] if isinstance(message, str) else message)}
    said = set(RULE_WORDS)
    for form in (REGISTRATION, ADD_METER, IMPORT_METERS):
        said.add(form.button)
        for field in form.fields:
            said |= {field.label, field.hint, field.tip, field.missing}
            said |= {words for each in field.choices for words in (each.words, each.note)}
    assert said - marked - {"", "English", "Español"} == set()


def test_a_language_without_a_catalogue_is_english(spanish: Catalogues) -> None:
    assert CATALOGUES.known("es") == "en"
    assert (spanish.known("es"), spanish.known("fr")) == ("es", "en")
    assert spanish.of("fr").gettext("ESI ID") == "ESI ID"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("fr, es", "es"),
        ("en-US,es", "en"),
        ("", "en"),
        ("*", "en"),
        (",;=" * 99, "en"),
    ],
)
def test_a_guest_gets_the_first_language_that_there_is(spanish: Catalogues, accepted: str, language: str) -> None:
    assert spanish.wanted(accepted) == language


def test_a_translation_reaches_fields_faults_and_templates_and_leaves_what_was_typed(spanish: Catalogues) -> None:
    form: Form = REGISTRATION.filled({"last_name": "ESI ID"}).refused({"first_name": "Enter your first name."})
    said = form.translated(spanish.of("es").gettext)
    assert (said.field("esi_id").label, said["last_name"], said.field("email").label) == (
        *("Número ESI", "ESI ID", "Email address"),
    )
    assert dict(said.faults) == {"first_name": "Escriba su nombre."}
    renderer = Renderer(StaticFiles(), spanish)
    words = '{% from "form.html" import problems %}{{ problems(form) }}'
    assert "Hay un problema" in renderer.template_of(words, "es").render(form=said)
    assert "There is a problem" in renderer.template_of(words).render(form=said)
