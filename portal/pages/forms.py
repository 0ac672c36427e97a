"""Forms of the pages: a route declares the fields, reads what was sent, and shows it again with what is wrong.

A form is a value. `read` gives one that holds what a browser sent and which fields are faulty by themselves; a route
adds what its rules find (`refused`) and hands the form to its template, where templates/form.html shows it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

MOST_CHARACTERS = 200
MOST_FAULTY = 1000
"""Of what was too long this much is shown again."""


class FieldKind(StrEnum):
    """What a field is; those up to `date` are the types of an HTML input."""

    TEXT = "text"
    PASSWORD = "password"  # noqa: S105  # a type of input
    EMAIL = "email"
    PHONE = "tel"
    URL = "url"
    DATE = "date"
    SEARCH = "search"
    SELECT = "select"
    TEXTAREA = "textarea"
    CHECKBOX = "checkbox"
    CHECKBOXES = "checkboxes"
    RADIO = "radio"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a field's choices; note says more about it in small words."""

    value: str
    words: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. hint is always seen, tip shows on the info mark (NAV-06), missing is said when it was left blank.

    most is the greatest length in characters, of a file in bytes. A literal field holds a code or a name of which no
    letter may be changed: no capitals by themselves, no spelling marks. fill is the autocomplete word of HTML. What is
    typed once is a secret that is seen while it is typed, and never again.
    """

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    hint: str = ""
    tip: str = ""
    missing: str = ""
    most: int = MOST_CHARACTERS
    fill: str = ""
    literal: bool = False
    digits: bool = False
    once: bool = False
    rows: int = 4
    accept: str = ""
    choices: tuple[Choice, ...] = ()

    def translated(self, translate: Callable[[str], str]) -> Self:
        """With its words in somebody's language; an empty text is none, and stays so."""

        def said(text: str) -> str:
            return translate(text) if text else text

        return replace(
            self,
            label=said(self.label),
            hint=said(self.hint),
            tip=said(self.tip),
            missing=said(self.missing),
            choices=tuple(Choice(each.value, said(each.words), said(each.note)) for each in self.choices),
        )

    @property
    def is_secret(self) -> bool:
        """Whether what was typed is never shown again."""
        return self.once or self.kind in (FieldKind.PASSWORD, FieldKind.FILE)

    @property
    def is_group(self) -> bool:
        """Whether it is several inputs under one legend."""
        return self.kind in (FieldKind.RADIO, FieldKind.CHECKBOXES)

    @property
    def when_missing(self) -> str:
        """What is said when it was left blank."""
        verb = "Choose" if self.choices or self.kind in (FieldKind.FILE, FieldKind.SELECT) else "Enter"
        return self.missing or f"{verb} {_lower(self.label)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file that came with a form; what its name and type say is the sender's word only."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Fields with their values and faults; hidden are further fields that travel along, unseen and unchecked."""

    action: str
    button: str
    fields: Sequence[Field]
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    chosen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    files: Mapping[str, SentFile] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)
    danger: bool = False

    def __getitem__(self, name: str) -> str:
        """What stands in a field, without blanks around it (a password as it is); empty if nothing does."""
        return self.values.get(name, "")

    def shown(self, name: str) -> str:
        """What a page may show in a field: never a secret."""
        return "" if self.field(name).is_secret else self[name]

    def field(self, name: str) -> Field:
        """The field of a name."""
        return next(each for each in self.fields if each.name == name)

    @property
    def is_multipart(self) -> bool:
        """Whether a file can come with it."""
        return any(each.kind is FieldKind.FILE for each in self.fields)

    @property
    def has_required(self) -> bool:
        """Whether any field must be filled in."""
        return any(each.required for each in self.fields)

    def filled(self, values: Mapping[str, str], chosen: Mapping[str, Iterable[str]] | None = None) -> Self:
        """With values to begin with."""
        ticked = {name: frozenset(words) for name, words in (chosen or {}).items()}
        return replace(self, values={**self.values, **values}, chosen={**self.chosen, **ticked})

    def refused(self, faults: Mapping[str, str]) -> Self:
        """With what a rule found wrong, by field, behind what was found before; a field keeps its first fault."""
        return replace(self, faults={**self.faults, **{k: v for k, v in faults.items() if k not in self.faults}})

    def judged(self, faults: Mapping[str, str]) -> Self:
        """With the faults that the domain's rules found, in the order of the fields.

        A field keeps what is wrong with it by itself, but where it was left blank the rules have the words.
        """
        own = {name: words for name, words in self.faults.items() if name not in faults or self[name]}
        found = {**faults, **own}
        ordered = {each.name: found.pop(each.name) for each in self.fields if each.name in found}
        return replace(self, faults={**ordered, **found})

    def sound(self, name: str) -> str:
        """What stands in a field, for rules that take short printable lines: nothing if the field is at fault."""
        return "" if name in self.faults else self[name]

    def translated(self, translate: Callable[[str], str]) -> Self:
        """With every text that the form itself brings in somebody's language; what was typed stays as it is."""
        fields = tuple(each.translated(translate) for each in self.fields)
        faults = {name: translate(words) for name, words in self.faults.items()}
        return replace(self, button=translate(self.button), fields=fields, faults=faults)

    async def read(self, request: Request) -> Self:
        """What a browser sent, with the faults that fields have by themselves: left blank, too long, no such choice."""
        async with request.form() as sent:
            return await self._filled_by(sent)

    async def of_address(self, request: Request) -> Self:
        """What an address asks for, of a form that is sent by GET."""
        asked: list[tuple[str, str | UploadFile]] = list(request.query_params.multi_items())
        return await self._filled_by(FormData(asked))

    async def _filled_by(self, sent: FormData) -> Self:
        values = {each.name: _text(sent, each) for each in self.fields if each.kind not in _NOT_TEXT}
        chosen = {
            each.name: frozenset(value for value in sent.getlist(each.name) if isinstance(value, str))
            for each in self.fields
            if each.kind is FieldKind.CHECKBOXES
        }
        files = {each.name: await _file(sent, each) for each in self.fields if each.kind is FieldKind.FILE}
        hidden = {name: value for name in self.hidden if isinstance(value := sent.get(name), str)}
        read = replace(
            self,
            values=values,
            chosen=chosen,
            files={name: file for name, file in files.items() if file is not None},
            hidden={**self.hidden, **hidden},
        )
        faults = {each.name: words for each in self.fields if (words := read._fault(each))}
        return replace(read, faults=faults)

    def _fault(self, one: Field) -> str:
        """What is wrong with a field by itself; empty if nothing is."""
        allowed = {choice.value for choice in one.choices}
        if one.kind is FieldKind.CHECKBOXES:
            ticked = self.chosen[one.name]
            return one.when_missing if (one.required and not ticked) or not ticked <= allowed else ""
        if one.kind is FieldKind.FILE:
            file = self.files.get(one.name)
            if file is None:
                return one.when_missing if one.required else ""
            return f"{one.label}: choose a file of at most {one.most:,} bytes" if len(file.content) > one.most else ""
        value = self[one.name]
        if not value:
            return one.when_missing if one.required else ""
        if one.kind in (FieldKind.SELECT, FieldKind.RADIO) and value not in allowed:
            return one.when_missing
        if len(value) > one.most:
            return f"{one.label}: use at most {one.most} characters"
        line = value.replace("\n", "") if one.kind is FieldKind.TEXTAREA else value
        if one.kind is not FieldKind.PASSWORD and not line.isprintable():
            return f"{one.label}: use letters, digits and signs only"
        return ""


_NOT_TEXT = (FieldKind.FILE, FieldKind.CHECKBOXES)


def _text(sent: FormData, one: Field) -> str:
    value = sent.get(one.name)
    if not isinstance(value, str):
        return ""
    if one.kind is FieldKind.PASSWORD:
        return value
    return value.replace("\r\n", "\n").strip()[: one.most + MOST_FAULTY]


async def _file(sent: FormData, one: Field) -> SentFile | None:
    """A file that was chosen, read no further than is needed to see that it is too large."""
    value = sent.get(one.name)
    if not isinstance(value, UploadFile) or not value.filename:
        return None
    content = await value.read(one.most + 1)
    return SentFile(name=value.filename, media_type=value.content_type or "", content=content)


def _lower(label: str) -> str:
    """A label inside a sentence: its first letter small, unless the word is an acronym."""
    first = label.split(" ", 1)[0]
    return label if first.isupper() and len(first) > 1 else label[:1].lower() + label[1:]
