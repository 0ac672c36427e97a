"""Problems as pages for people; programs get the problem itself."""

from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.entrance import entered
from portal.errors import Problem, TurnedAway, problem_response
from portal.pages.render import PAGES

NEXT_STEPS = {
    401: "Please sign in.",
    403: "If you think that you should be able to, ask your company's administrator. If you followed a form that was "
    "open for long, go back, reload the page and try again.",
    404: "Check the address, or look for the meter in your meter list. A meter that is not yours looks the same as one "
    "that does not exist; only the TDSP can tell the status of a meter that is not in the system.",
    405: "Go back to the page that you came from.",
    429: "Please wait a little, then try again.",
    500: "Please try again. If it happens again, tell the help desk what you did and when.",
    503: "Please try again shortly.",
}
OTHERWISE = "Go back and try again. If it happens again, ask the help desk."


async def error_page(request: Request, problem: Problem) -> Response:
    """A problem in the portal's layout for a browser, as a problem body for anything else.

    Whoever is not signed in is led to the sign-in page, and from there back to the page he wanted.
    """
    if "text/html" not in request.headers.get("accept", ""):
        return problem_response(problem)
    if problem.status == 401:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        query = {"next": wanted} if request.method == "GET" and wanted != "/" else {}
        return RedirectResponse("/?" + urlencode(query) if query else "/", status_code=303)
    try:
        who = await entered(request) if request.method == "GET" else None
    except TurnedAway:
        who = None
    page = PAGES.page(
        request,
        "problem.html",
        who,
        problem.title.rstrip("."),
        status=problem.status,
        error=True,
        what="" if problem.detail == problem.title else problem.detail,
        next_step=NEXT_STEPS.get(problem.status, OTHERWISE),
    )
    page.headers.update(problem.headers)
    return page
