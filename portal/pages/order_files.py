"""The files of report orders for people: what links in mail lead to, by way of signing in."""

from fastapi import Request
from fastapi.responses import Response

from portal.api.orders import Number, order_file
from portal.entrance import EnteredHere
from portal.parts import Part

router = Part(include_in_schema=False)


@router.get("/orders/{number}/files/{name}")
async def fetch(request: Request, who: EnteredHere, number: Number, name: str) -> Response:
    """A file of one's own order, while one sees every meter that is in it."""
    return await order_file(request, who.viewer, number, name)
