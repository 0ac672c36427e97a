"""The API's reference page, made from its OpenAPI document on the server: no script, nothing from elsewhere."""

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from portal.parts import Part

router = Part(include_in_schema=False)

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
code { font-family: ui-monospace, monospace; }
h2 code { font-size: 1.1rem; }
section { border-top: 1px solid; margin-top: 2rem; }
table { border-collapse: collapse; }
td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
"""


@router.get("/docs")
async def reference_page(request: Request) -> HTMLResponse:
    """Every operation and every value, as one page."""
    document = request.app.openapi()
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    body = "".join((*_operations(document), *_schemas(document)))
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<link rel="stylesheet" href="docs.css"></head><body><main><h1>{title}</h1>'
        f"<p>{escape(document['info'].get('description', ''))}</p>"
        f'<p>The same as data: <a href="openapi.json">openapi.json</a></p>{body}</main></body></html>'
    )


@router.get("/docs.css")
async def reference_style() -> Response:
    """The page's stylesheet."""
    return Response(STYLE, media_type="text/css")


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield (
                f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
                f"<p>{escape(operation.get('description', operation.get('summary', '')))}</p>"
                f"{_table('Parameters', _parameters(operation))}{_table('Body', _body(operation))}"
                f"{_table('Answers', _answers(operation))}</section>"
            )


def _parameters(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for parameter in operation.get("parameters", ()):
        words = parameter.get("description", "")
        yield parameter["name"], f"{parameter['in']}, {_kind(parameter['schema'])} {escape(words)}"


def _body(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield media, _kind(content["schema"])


def _answers(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for status, answer in sorted(operation["responses"].items()):
        kinds = {media: _kind(content.get("schema", {})) for media, content in answer.get("content", {}).items()}
        yield status, f"{escape(answer['description'])} {' '.join(kinds.values())}"


def _schemas(document: dict[str, Any]) -> Iterator[str]:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        fields = [(field, _kind(kind)) for field, kind in schema.get("properties", {}).items()]
        words = escape(schema.get("description", "") or " ".join(map(str, schema.get("enum", ()))))
        yield f'<section><h2 id="{escape(name)}">{escape(name)}</h2><p>{words}</p>{_table("Fields", fields)}</section>'


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words, with a link to where it is described; HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(" ".join(str(schema[key]) for key in ("type", "format", "pattern") if key in schema))


def _table(title: str, rows: Any) -> str:
    """A table of names and HTML, nothing if it would be empty."""
    lines = "".join(f"<tr><th scope=row><code>{escape(name)}</code></th><td>{html}</td></tr>" for name, html in rows)
    return f"<h3>{title}</h3><table>{lines}</table>" if lines else ""
