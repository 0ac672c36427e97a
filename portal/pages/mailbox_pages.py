"""The demonstration's mailbox as pages under /dev/mail: a list, one letter, its HTML in a sandbox, its files.

Nobody signs in here, for a first password comes by mail. So the pages are there only if the configuration names a
mailbox, and only for this machine: the connection comes from loopback, the address in the browser names loopback (or
another site's name could be made to lead here), and no proxy has passed the request on.
"""

import asyncio
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from portal.errors import NotFound
from portal.mail.mailbox import Mailbox
from portal.pages.render import PAGES
from portal.parts import Part

SANDBOX = "; ".join(
    (
        "sandbox allow-popups allow-popups-to-escape-sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
"""A letter is no page of ours: no script, no form, nothing fetched; its links open a tab of their own."""
DOWNLOAD = "sandbox; default-src 'none'"
PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def on_this_machine(request: Request) -> None:
    """Raises NotFound for whoever is elsewhere, as if there were no such page."""
    client = request.client.host if request.client else ""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if not _is_loopback(client) or not _is_loopback(host) or any(name in request.headers for name in PASSED_ON):
        raise NotFound


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class MailboxPages:
    """The pages over one mailbox; `router` is what the application includes."""

    def __init__(self, mailbox: Mailbox, most: int) -> None:
        self._mailbox = mailbox
        self._most = most

    def router(self) -> APIRouter:
        """The routes, each of them for this machine only."""
        router = Part(
            prefix="/dev/mail",
            include_in_schema=False,
            default_response_class=Response,
            dependencies=[Depends(_guarded)],
        )
        router.add_api_route("", self.list_page, methods=["GET"])
        router.add_api_route("/{key}", self.letter_page, methods=["GET"])
        router.add_api_route("/{key}/html", self.html, methods=["GET"])
        router.add_api_route("/{key}/files/{number}", self.file, methods=["GET"])
        return router

    async def list_page(self, request: Request) -> Response:
        """All letters."""
        letters = await asyncio.get_running_loop().run_in_executor(None, self._mailbox.letters)
        return PAGES.page(request, "mailbox.html", None, "Mailbox", letters=letters, most=self._most)

    async def letter_page(self, request: Request, key: str) -> Response:
        """One letter."""
        letter = await asyncio.get_running_loop().run_in_executor(None, self._mailbox.letter, key)
        if letter is None:
            raise NotFound
        return PAGES.page(request, "letter.html", None, letter.subject or "Letter", letter=letter)

    async def html(self, key: str) -> Response:
        """The letter's HTML, for the frame in its page."""
        letter = await asyncio.get_running_loop().run_in_executor(None, self._mailbox.letter, key)
        if letter is None or not letter.html:
            raise NotFound
        text = f'<base target="_blank">{letter.html}'
        return HTMLResponse(text, headers={"Content-Security-Policy": SANDBOX})

    async def file(self, key: str, number: int) -> Response:
        """A file that came with a letter, counted from 0, to be kept and not shown."""
        found = await asyncio.get_running_loop().run_in_executor(None, self._mailbox.file, key, number)
        if found is None:
            raise NotFound
        file, content = found
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
            "Content-Security-Policy": DOWNLOAD,
        }
        return Response(content, media_type=file.media_type, headers=headers)


async def _guarded(request: Request) -> None:
    on_this_machine(request)
