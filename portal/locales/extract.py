"""Collects every text for customers into messages.pot: `python -m portal.locales.extract`, or `make texts`."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from portal.locales.catalogues import FOLDER

PORTAL = Path(__file__).parents[1]
TEMPLATE = FOLDER / "messages.pot"
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**.html": {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
"""Of a template, a trans block is found as gettext or, with its plural, as ngettext."""


def texts() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Every marked text with the file that it stands in, in the order of files and lines."""
    found = extract_from_dir(PORTAL, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS)
    for name, _line, message, _comments, _context in sorted(found, key=lambda each: (each[0], each[1])):
        yield f"portal/{name}", message


def template() -> bytes:
    """The whole of messages.pot: without dates and lines, so that it changes only when a text does."""
    catalog = Catalog(project="metergate", version="1", charset="utf-8")
    for name, message in texts():
        catalog.add(message, locations=[(name, None)])  # type: ignore[list-item]  # a place without a line is a file
    written = BytesIO()
    write_po(written, catalog, width=120, omit_header=True, include_lineno=False, sort_output=True)
    return HEADER + written.getvalue()


HEADER = b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def main() -> None:
    """Write it."""
    TEMPLATE.write_bytes(template())


if __name__ == "__main__":
    main()
