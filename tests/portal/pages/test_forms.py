"""The form layer: what a browser sent comes back with its faults, and never a password."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from hypothesis import given
from hypothesis import strategies as st

from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.render import PAGES

FORM = Form(
    action="/here",
    button="Save",
    hidden={"onward": "/"},
    fields=(
        Field(name="name", label="First Name", required=True, tip="You must provide your first name.", most=60),
        Field(name="secret", label="Password", kind=FieldKind.PASSWORD, required=True, hint="6 to 24 characters"),
        Field(name="state", label="State", kind=FieldKind.SELECT, choices=(Choice("TX", "Texas"),), required=True),
        Field(name="note", label="Comments", kind=FieldKind.TEXTAREA),
        Field(name="terms", label="I accept", kind=FieldKind.CHECKBOX, required=True, missing="Accept the terms"),
        Field(
            name="duns",
            label="DUNS numbers",
            kind=FieldKind.CHECKBOXES,
            choices=(Choice("1", "One"), Choice("2", "Two", "suspended")),
        ),
        Field(name="kind", label="Kind", kind=FieldKind.RADIO, choices=(Choice("a", "A"), Choice("b", "B"))),
        Field(name="logo", label="Logo", kind=FieldKind.FILE, most=10),
    ),
)
RIGHT = {"name": "Ann", "secret": " s p ", "state": "TX", "note": "a\r\nb", "terms": "yes", "kind": "b"}
Send = Callable[..., Awaitable[Form]]


@pytest.fixture
async def send() -> Send:
    """Sends fields to a page with the form, and gives what it read."""
    app, read = FastAPI(), list[Form]()

    @app.post("/here")
    async def here(request: Request) -> HTMLResponse:
        read.append(await FORM.read(request))
        return HTMLResponse("")

    async def send(fields: dict[str, object], file: bytes | None = None) -> Form:
        files = None if file is None else {"logo": ("logo.png", file, "image/png")}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal.test") as client:
            await client.post("/here", data=fields, files=files)
        return read.pop()

    return send


def shown(form: Form) -> str:
    template = PAGES.template_of(
        "{% from 'form.html' import problems, whole %}{{ problems(form) }}{{ whole(form, 't') }}"
    )
    return template.render(form=form)


async def test_a_right_form_has_no_faults_and_a_password_keeps_its_blanks(send: Send) -> None:
    read = await send(RIGHT | {"duns": ["1", "2"], "onward": "/help"}, b"0123456789")
    assert read.faults == {}
    assert (read["name"], read["secret"], read["note"]) == ("Ann", " s p ", "a\nb")
    assert read.chosen["duns"] == {"1", "2"}
    assert read.hidden == {"onward": "/help"}
    assert read.files["logo"].content == b"0123456789"


async def test_each_fault_that_a_field_has_by_itself_is_named(send: Send) -> None:
    wrong = {"name": "x" * 61, "state": "ZZ", "note": "bell\a", "kind": "c", "duns": ["3"]}
    read = await send(wrong, b"01234567890")
    assert dict(read.faults) == {
        "name": "First Name: use at most 60 characters",
        "secret": "Enter password",
        "state": "Choose state",
        "note": "Comments: use letters, digits and signs only",
        "terms": "Accept the terms",
        "duns": "Choose DUNS numbers",
        "kind": "Choose kind",
        "logo": "Logo: choose a file of at most 10 bytes",
    }


async def test_faults_lead_to_their_fields_and_passwords_never_come_back(send: Send) -> None:
    read = await send({"name": '<b>"Ann"', "secret": "swordfish"})
    page = shown(read.refused({"name": "No such name", "state": "not this one"}))
    assert '<a href="#name">No such name</a>' in page
    assert '<a href="#state">Choose state</a>' in page
    assert 'value="&lt;b&gt;&#34;Ann&#34;"' in page
    assert "swordfish" not in page
    assert "swordfish" not in repr(read)
    assert 'aria-describedby="secret-hint"' in page
    assert 'id="name-wrong">No such name<' in page
    assert page.count('name="csrf" value="t"') == 1


def test_nav_07_required_fields_carry_an_asterisk() -> None:
    """NAV-07: an asterisk marks the fields that must be filled in, and what it means is said."""
    page = shown(FORM)
    assert page.count('<span class="must" aria-hidden="true">*</span>') == 4 + 1
    assert "must be filled in" in page
    assert "must be filled in" not in shown(replace(FORM, fields=(Field(name="a", label="A"),)))


def test_nav_06_a_field_has_a_tool_tip_with_the_guides_words() -> None:
    """NAV-06: "You must provide your first name." (figure 48)"""
    page = shown(FORM)
    assert '<span class="bubble" role="tooltip" id="name-tip">You must provide your first name.</span>' in page
    assert 'aria-label="About First Name" aria-describedby="name-tip"' in page


@given(text=st.text(max_size=30))
def test_nothing_that_was_typed_becomes_markup(text: str) -> None:
    page = shown(FORM.filled({"name": text, "note": text}).refused({"name": text}))
    assert page.count("<input") == shown(FORM).count("<input")
    assert page.count("<textarea") == 1
