"""A letter from its paragraphs, as text and as HTML that says the same (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from portal.mail.letters import Attachment, Letter

STYLE = (
    "font:16px/1.5 'Segoe UI',Helvetica,Arial,sans-serif;color:#1c2226;max-width:36em;margin:24px auto;padding:0 16px"
)


@dataclass(frozen=True, slots=True)
class Link:
    """A line that leads somewhere: its words and its address."""

    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """What somebody wrote, or a value to be copied: set apart."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image for those who read HTML: its words and its address. Plain text goes without."""

    words: str
    href: str


Part = str | Link | Quoted | Picture


SIGNED = "metergate"


def worded(
    to: str,
    subject: str,
    parts: Sequence[Part],
    signed: str = SIGNED,
    attachments: tuple[Attachment, ...] = (),
    language: str = "en",
) -> Letter:
    """A letter of paragraphs, signed by whom it is from. Raises BadInput as Letter does."""
    read = [part for part in parts if not isinstance(part, Picture)]
    text = "\n\n".join([*map(_text, read), f"-- \n{signed}"]) + "\n"
    body = "\n".join(map(_html, parts))
    foot = f'<p style="color:#5b666d">{escape(signed)}</p>'
    head = f'<!doctype html>\n<html lang="{escape(language)}"><body style="{escape(STYLE)}">'
    html = f"{head}\n{body}\n{foot}\n</body></html>\n"
    return Letter(to=to, subject=subject, text=text, html=html, attachments=attachments)


def _text(part: str | Link | Quoted) -> str:
    if isinstance(part, Link):
        return f"{part.words}: {part.href}"
    if isinstance(part, Quoted):
        return "\n".join(f"    {line}" for line in part.text.splitlines())
    return part


def _html(part: Part) -> str:
    if isinstance(part, Picture):
        return f'<p><img src="{escape(part.href)}" alt="{escape(part.words)}" style="max-height:60px"></p>'
    if isinstance(part, Link):
        return f'<p><a href="{escape(part.href)}" style="color:#0b5c52">{escape(part.words)}</a></p>'
    if isinstance(part, Quoted):
        lines = "<br>".join(map(escape, part.text.splitlines()))
        return f'<p style="border-left:3px solid #e2dfd7;padding-left:12px">{lines}</p>'
    return f"<p>{escape(part)}</p>"
