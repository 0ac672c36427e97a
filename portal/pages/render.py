"""A page from its template: autoescaped, in the layout, under a policy without inline script or style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from portal.accounts.sessions import Entered
from portal.context import portal_of
from portal.locales.catalogues import CATALOGUES, ENGLISH, Catalogues, Translate
from portal.pages import formats
from portal.pages.navigation import ENTRIES, Place, Tab, place_of, tabs
from portal.pages.reason_words import age_in_words
from portal.pages.static_files import StaticFiles
from portal.viewer import Viewer

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("system", "light", "dark")
THEME_COOKIE = "theme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the layout says around a page's content; tab and place are empty where a page belongs to none."""

    title: str
    here: str
    path: str
    theme: str
    next_theme: str
    help_desk: str
    viewer: Viewer | None
    csrf: str
    tabs: Sequence[Tab]
    tab: str
    menu: Sequence[Place]
    place: str
    crumbs: Sequence[Place]
    help: str
    error: bool
    language: str = "en"


class Renderer:
    """Makes pages of templates; one per process."""

    def __init__(self, files: StaticFiles, catalogues: Catalogues = CATALOGUES) -> None:
        self._catalogues = catalogues
        self._templates = {language: self._environment(files, language) for language in catalogues.languages}

    def _environment(self, files: StaticFiles, language: str) -> Environment:
        """The templates of one language."""
        made = Environment(
            loader=FileSystemLoader(TEMPLATES),
            extensions=["jinja2.ext.i18n"],
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        made.globals["static"] = files.address
        made.globals["entries"] = ENTRIES
        made.filters |= {
            "thousandths": formats.thousandths,
            "day": formats.day,
            "moment": formats.moment,
            "time_of_day": formats.time_of_day,
            "span": formats.span,
            "iso": formats.iso,
            "times": formats.times,
            "age": age_in_words,
        }
        made.policies["ext.i18n.trimmed"] = True
        # The extension adds these to every environment that loads it; their types do not say so.
        made.install_gettext_translations(self._catalogues.of(language), newstyle=True)  # type: ignore[attr-defined]
        return made

    def language_of(self, request: Request, who: Entered | None) -> str:
        """The language of a person's own texts: the account's, or what a browser asks for; English if there is none."""
        if who is not None:
            return self._catalogues.known(who.viewer.language)
        return self._catalogues.wanted(request.headers.get("accept-language", ""))

    def translate(self, request: Request, who: Entered | None) -> Translate:
        """From texts in English to those of a person's language."""
        return self._catalogues.of(self.language_of(request, who)).gettext

    def page(
        self,
        request: Request,
        template: str,
        who: Entered | None,
        title: str,
        *,
        place: str = "",
        beneath: Sequence[Place] = (),
        help_at: str = "contact",
        status: int = 200,
        error: bool = False,
        text_language: str | None = None,
        **values: object,
    ) -> HTMLResponse:
        """A page; place is the menu's address that it belongs to, beneath the crumbs between that and its title.

        text_language is that of a page whose texts can be translated, which customers' own are.

        Whoever is not signed in sees the two entries instead of tabs; there place is the entry's address.
        """
        page = self._frame(request, who, title, place, beneath, help_at, error=error)
        page = replace(page, language=text_language or ENGLISH)
        templates = self._templates[text_language or ENGLISH]
        html = templates.get_template(template).render(page=page, **values)
        return HTMLResponse(html, status_code=status)

    def letter_page(
        self, template: str, language: str, *, status: int, headers: Mapping[str, str], **values: object
    ) -> HTMLResponse:
        """A page that is whole by itself, in one language and without the portal's layout."""
        html = self._templates[language].get_template(template).render(language=language, **values)
        return HTMLResponse(html, status_code=status, headers=dict(headers))

    def template_of(self, source: str, language: str = ENGLISH) -> Template:
        """A template that is written where it is used, with all that those of the folder have."""
        return self._templates[language].from_string(source)

    def _frame(
        self,
        request: Request,
        who: Entered | None,
        title: str,
        place: str,
        beneath: Sequence[Place],
        help_at: str,
        *,
        error: bool,
    ) -> Page:
        theme = theme_of(request)
        viewer = None if who is None else who.viewer
        found = None if viewer is None else place_of(viewer, place)
        crumbs = list(beneath)
        if found is not None:
            crumbs = [Place(found[0].words, found[0].href), found[1], *beneath]
        if not crumbs or crumbs[-1].words != title:
            crumbs.append(Place(title, request.url.path))
        query = f"?{request.url.query}" if request.url.query else ""
        return Page(
            title=title,
            here=request.url.path,
            path=request.url.path + query if request.method == "GET" else "/",
            theme=theme,
            next_theme=THEMES[(THEMES.index(theme) + 1) % len(THEMES)],
            help_desk=portal_of(request).settings.help_desk,
            viewer=viewer,
            csrf="" if who is None else who.session.csrf,
            tabs=() if viewer is None else tabs(viewer),
            tab="" if found is None else found[0].words,
            menu=() if found is None else found[0].menu,
            place=place,
            crumbs=crumbs,
            help=help_at,
            error=error,
        )


def theme_of(request: Request) -> str:
    """The colours that a person chose, `system` if none."""
    theme = request.cookies.get(THEME_COOKIE, THEMES[0])
    return theme if theme in THEMES else THEMES[0]


def inside(path: str) -> str:
    """An address on this site to send a browser to; anything else becomes the start page."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain else "/"


STATIC = StaticFiles()
PAGES = Renderer(STATIC)
"""The process's renderer: it holds templates and nothing of anybody's."""
