"""The portal's API as commands use it: signed in with a password, problems told in words, nothing but the stdlib."""

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

import typer

from gateway.errors import BadInput, MetergateError
from gateway.identifiers import EsiId, Eui64, MeterNumber

API = "/api/v1"
ANSWER_S = 40.0
"""Longer than the longest long poll."""
PASSWORD_ENV = "METERGATE_PASSWORD"  # noqa: S105  # the name of a variable, not what it holds

PortalUrl = Annotated[
    str, typer.Option("--portal", envvar="METERGATE_PORTAL", help="The portal's address, such as https://host:8443.")
]
User = Annotated[str, typer.Option("--user", "-u", envvar="METERGATE_USER", help="Who you are at the portal.")]
CaFile = Annotated[Path | None, typer.Option("--ca-file", help="The authority (PEM) that vouches for the portal.")]
MeterArgument = Annotated[str, typer.Argument(help="The meter: its ESI ID or its number.")]
DeviceArgument = Annotated[str, typer.Argument(help="The device's MAC address (EUI-64), with or without colons.")]
HERE = "http://127.0.0.1:8080"


class PortalSaidNo(MetergateError):
    """The portal refused, or could not be reached; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Api:
    """A portal with a token of its user."""

    portal: str
    token: str | None
    trust: ssl.SSLContext | None

    @classmethod
    def at(cls, portal: str, ca_file: Path | None) -> Self:
        """Nobody yet, at an address. Raises BadInput."""
        if urlsplit(portal).scheme not in ("http", "https"):
            raise BadInput(f"{portal!r} is no address of a portal: it must begin with http:// or https://")
        try:
            trust = ssl.create_default_context(cafile=ca_file) if portal.startswith("https") else None
        except OSError as error:
            raise BadInput(f"{ca_file} cannot be used: {error}") from None
        return cls(portal.rstrip("/"), None, trust)

    def get(self, path: str, **query: Any) -> Any:
        """What is at a path."""
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask for something; None values are left out."""
        return self.call("POST", path, {k: v for k, v in body.items() if v is not None} if body is not None else None)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request. Raises PortalSaidNo."""
        headers = {"Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.portal}{API}{path}", data, headers, method=method)  # noqa: S310  # http or https only
        try:
            with urlopen(request, timeout=ANSWER_S, context=self.trust) as answer:  # noqa: S310  # as above
                text = answer.read()
        except HTTPError as error:
            raise PortalSaidNo(_words(error)) from None
        except (URLError, OSError, HTTPException) as error:
            raise PortalSaidNo(f"the portal at {self.portal} does not answer: {error}") from None
        return json.loads(text) if text else None


@contextmanager
def signed_in(portal: str, user: str, ca_file: Path | None) -> Iterator[Api]:
    """The API for a user whose password is asked for, or stands in METERGATE_PASSWORD; signed out at the end."""
    guest = Api.at(portal, ca_file)
    password = os.environ.get(PASSWORD_ENV) or typer.prompt(f"Password of {user}", hide_input=True, err=True)
    token = guest.post("/sessions", {"user_id": user, "password": password})["token"]
    api = Api(guest.portal, token, guest.trust)
    try:
        yield api
    finally:
        api.call("DELETE", "/sessions/current")


def place_of(api: Api, meter: str) -> str:
    """The path of a meter that is named by its ESI ID or its number. Raises BadInput, PortalSaidNo."""
    if EsiId.pattern.fullmatch(meter):
        return f"/meters/{meter}"
    found = api.get("/meters", number=MeterNumber(meter))["meters"]
    if not found:
        raise PortalSaidNo(f"there is no meter {meter} for you")
    return f"/meters/{found[0]['esi_id']}"


def address(text: str) -> Eui64:
    """A MAC address as it is typed, with or without colons, hyphens and lower case. Raises BadInput."""
    return Eui64(text.replace(":", "").replace("-", "").upper())


def quoted(text: str) -> str:
    """A part of a path."""
    return quote(text, safe="")


def _words(error: HTTPError) -> str:
    """A problem in words, as the portal says it."""
    try:
        problem = json.loads(error.read())
        faults = "; ".join(f"{fault['where']}: {fault['what']}" for fault in problem.get("faults", ()))
        return f"{problem['detail']} {faults}".strip()
    except (ValueError, KeyError, TypeError):
        return f"the portal answered {error.code} {error.reason}"
