"""Identifiers are checked where text comes in and stay text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.errors import BadIdentifier
from gateway.identifiers import Duns, EsiId, Eui64, GatewayId, Identifier, MeterNumber, RequestId


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (EsiId, "10443720001234567"),
        (EsiId, "1008901000000000000017"),
        (MeterNumber, "900000116"),
        (MeterNumber, "I12345"),
        (Duns, "957877905"),
        (Duns, "1039940674000"),
        (Eui64, "00124B0001020304"),
        (GatewayId, "gw-demo"),
        (RequestId, "0190b5f0-0000-7000-8000-000000000000"),
    ],
)
def test_a_well_formed_identifier_is_its_text(kind: type[Identifier], text: str) -> None:
    assert kind(text) == text
    assert TypeAdapter(kind).validate_json(f'"{text}"') == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (EsiId, "1.04437E+16"),
        (EsiId, "1044372000123456"),
        (EsiId, "104437200012345678"),
        (EsiId, "10443720001234567\n"),
        (EsiId, "١0443720001234567"),
        (MeterNumber, ""),
        (MeterNumber, "9" * 21),
        (MeterNumber, "a/b"),
        (Duns, "12345678"),
        (Eui64, "00124b0001020304"),
        (GatewayId, "gw/+"),
        (GatewayId, "#"),
        (RequestId, "0190B5F0-0000-7000-8000-000000000000"),
    ],
)
def test_an_ill_formed_identifier_is_refused_with_its_form(kind: type[Identifier], text: str) -> None:
    with pytest.raises(BadIdentifier, match=kind.form.split(":")[0]):
        kind(text)


@given(st.text(max_size=30))
def test_pydantic_and_the_class_refuse_the_same_text(text: str) -> None:
    adapter = TypeAdapter(EsiId)
    try:
        EsiId(text)
    except BadIdentifier:
        with pytest.raises(ValidationError):
            adapter.validate_python(text)
    else:
        assert isinstance(adapter.validate_python(text), EsiId)
