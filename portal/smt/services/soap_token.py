"""The token of the official interface over SOAP: the request's user name and password, and answers in its tags (pure).

A request is processTokenGenerator with a TokenGeneratorRequest in the namespace below. No document type is read, so
that a request has no entities of its own.
"""

from collections.abc import Mapping
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

from portal.smt.bodies import BadBody

NAMESPACE = "http://BIM_TokenGeneratorSOAP"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
MEDIA_TYPE = "text/xml"
WANTED = ("username", "password")
NOT_A_REQUEST = "The body is not a processTokenGenerator request with a username and a password"


def credentials_in(data: bytes) -> tuple[str, str]:
    """User name and password of a request. Raises BadBody."""
    found: dict[str, str] = {}
    path: list[str] = []

    def start(name: str, _attributes: Mapping[str, str]) -> None:
        path.append(name)

    def end(_name: str) -> None:
        path.pop()

    def take(words: str) -> None:
        name = path[-1].rpartition(" ")[2]
        if name in WANTED and len(path) > 1 and path[-2] == f"{NAMESPACE} TokenGeneratorRequest":
            found[name] = found.get(name, "") + words

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, take
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise BadBody(400, "The body is not XML") from None
    if any(name not in found for name in WANTED):
        raise BadBody(400, NOT_A_REQUEST)
    return found["username"].strip(), found["password"]


def answer_of(fields: Mapping[str, str]) -> str:
    """The envelope of a token, its fields by their tags."""
    tags = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    told = f"<TokenGeneratorResponse>{tags}</TokenGeneratorResponse>"
    return _envelope(f'<processTokenGeneratorResponse xmlns="{NAMESPACE}">{told}</processTokenGeneratorResponse>')


def fault_of(words: str, *, is_callers: bool = True) -> str:
    """The envelope of a refusal."""
    code = "soap:Client" if is_callers else "soap:Server"
    return _envelope(
        f"<soap:Fault><faultcode>{code}</faultcode><faultstring>{escape(words)}</faultstring></soap:Fault>"
    )


def _envelope(body: str) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>{body}</soap:Body></soap:Envelope>\n'


def _refuse_document_type(*_declared: object) -> NoReturn:
    raise BadBody(400, "A request has no document type")
