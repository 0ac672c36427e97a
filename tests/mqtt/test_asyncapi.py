"""docs/asyncapi.json is what the table of topics says, and its references hold."""

import json
from pathlib import Path
from typing import Any

from mqtt.asyncapi import document, text
from mqtt.topics import TABLE

COMMITTED = Path(__file__).parents[2] / "docs" / "asyncapi.json"


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in references(inner)]
    return [found for inner in value for found in references(inner)] if isinstance(value, list) else []


def test_the_committed_document_is_the_generated_one() -> None:
    assert COMMITTED.read_text() == text(), "write mqtt.asyncapi.text() to docs/asyncapi.json"


def test_every_reference_leads_somewhere() -> None:
    api = document()
    assert references(api)
    for reference in references(api):
        here: Any = api
        for part in reference.removeprefix("#/").split("/"):
            here = here[part]
        assert here


def test_every_message_has_an_operation_and_a_payload() -> None:
    api = json.loads(text())
    assert set(api["components"]["messages"]) == {kind.name for kind in TABLE} | {"MarketNotices"}
    assert len(api["operations"]) == len(TABLE) + 1
