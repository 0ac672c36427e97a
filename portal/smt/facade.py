"""What clients of Smart Meter Texas call, answered by the portal: same paths, fields, statuses and texts.

Reads go through the same desk, and meters through the same door, as those of the portal's pages. A meter that the
account may not see is answered like one that does not exist.
"""

import math
from datetime import UTC, date, timedelta
from itertools import count
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from portal.accounts.sessions import Entered, find_session, is_touch_due, touch
from portal.accounts.signing_in import SignInRefusal, SignInRefused
from portal.accounts.tables import SessionKind
from portal.companies.kinds import Kind
from portal.context import Portal
from portal.entrance import origin_of
from portal.orders.shown import own_order, own_orders, shown
from portal.parts import Part
from portal.reads.ask import AskRefusal, Refused
from portal.saved_reports.definitions import definitions_of
from portal.smt.bodies import day, esi_id, text
from portal.smt.dead_tokens import DeadTokens
from portal.smt.edge import Body, Guard, JsonPost, no_such_path
from portal.smt.interval_text import energy_entry
from portal.smt.latest_read import latest_read
from portal.smt.meter_entry import meter_entries
from portal.smt.report_entries import history_entries, monthly_entry, request_entry, subscription_entry
from portal.smt.usage_entries import daily_entries, interval_entries
from portal.usage.intervals import MeterDay
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.registers import RegisterStore
from portal.usage.store import IntervalStore
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, ask_meter

SUBMITTED = "Request submitted successfully for further processing"
OVER_LIMIT = (
    "You have reached the limit of two On Demand Read request for this ESIID per hour, you may try again after one hour"
)
"""Word for word what Smart Meter Texas says, which is how its clients know it; nextAllowedAt tells the truth."""
NO_DATA = "No Energy Data received from the respective TDSP"
WRONG_DATE = "Invalid Date. Expected format of: {} is MM/dd/yyyy"
UNKNOWN_ESI_ID: dict[str, Any] = {"data": None, "errormessage": "ERR-ESIID-NOTFOUND"}
WRONG_SIGN_IN = "ERR-USR-INVALIDPASSWORDERROR"
NO_ENTRY = "ERR-USR-NOTACTIVE"
TOO_MANY = "ERR-USR-TOOMANYATTEMPTS"
LONGEST_RANGE = timedelta(days=400)
LONGEST_MONTHLY_RANGE = timedelta(days=1500)
MOST_REQUESTS = 25
LONGEST_INTERVAL_RANGE = timedelta(days=62)
"""Shorter, for each quarter hour is an object of its own."""
USER_TYPES = {Kind.CUSTOMER: "RES", Kind.REP: "REP", Kind.TDSP: "TDSP", Kind.THIRD_PARTY: "CSP"}
FOLDERS = ("/commonapi", "/api/user", "/api/usage", "/api/adhoc")
LIMITS = (AskRefusal.HOUR, AskRefusal.DAY)


class SmtFacade:
    """The façade over a portal's parts and its interval store; `router` is what the application includes."""

    def __init__(self, portal: Portal, intervals: IntervalStore, registers: RegisterStore) -> None:
        self._kept_days = portal.settings.orders.kept_days
        self._database = portal.database
        self._desk = portal.desk
        self._door = portal.door
        self._clock = portal.clock
        self._times = portal.settings.sessions
        self._intervals = intervals
        self._registers = registers
        self._numbers = count(1)

    def router(self) -> APIRouter:
        """Every path with every method; anything else below the façade's own folders is a 404 in JSON."""
        guard = Guard(self.find_viewer, DeadTokens(self._clock))
        applications = {
            "/commonapi/user/authenticate": guard.open(self._authenticate),
            "/api/user/authenticate": guard.open(self._authenticate),
            "/api/meter": guard.closed(self._meter),
            "/api/dashboard": guard.closed(self._dashboard),
            "/api/ondemandread": guard.closed(self._on_demand_read),
            "/api/usage/latestodrread": guard.closed(self._latest_read),
            "/api/adhoc/intervalsynch": guard.closed(self._intervals_of),
            "/api/user/getuser": guard.closed(self._user),
            "/api/usage/interval": guard.closed(self._interval_usage),
            "/api/usage/daily": guard.closed(self._daily_usage),
            "/api/usage/monthly": guard.closed(self._monthly_usage),
            "/api/reportrequeststatus": guard.closed(self._requests),
            "/api/subhistory": guard.closed(self._history),
        }
        routes: list[BaseRoute] = [
            Route(f"{path}{end}", app) for path, app in applications.items() for end in ("", "/")
        ]
        routes += [Route(f"{folder}/{{rest:path}}", JsonPost(no_such_path)) for folder in FOLDERS]
        return Part(routes=routes)

    async def find_viewer(self, token: str) -> Viewer | None:
        """Who holds a token; every use of it lets it live longer."""
        now = self._clock.now()
        found = await find_session(self._database, token, SessionKind.TOKEN, self._times, now)
        if not isinstance(found, Entered):
            return None
        if is_touch_due(found.session, now):
            await self._database.write(lambda connection: touch(connection, found.session, now))
        return found.viewer

    async def _authenticate(self, request: Request, body: Body) -> JSONResponse:
        answer = await self._door.sign_in_program(text(body, "username"), text(body, "password"), origin_of(request))
        if isinstance(answer, SignInRefused):
            return _sign_in_refused(answer)
        return JSONResponse(_account(answer.viewer) | {"token": answer.secret})

    async def _meter(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        wanted = esi_id(body)
        if wanted is None and text(body, "esiid") not in ("*", ""):
            return {"data": []}
        async with self._database.reading() as connection:
            return {"data": await meter_entries(connection, viewer, self._clock, esi_id=wanted)}

    async def _dashboard(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        async with self._database.reading() as connection:
            entries = await meter_entries(connection, viewer, self._clock, most=1)
        return {"data": {"defaultMeterDetails": entries[0] if entries else None}}

    async def _on_demand_read(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        meter = await self._visible(viewer, body)
        if meter is None:
            return UNKNOWN_ESI_ID
        answer = await self._desk.ask(meter, viewer)
        number = str(next(self._numbers))
        if isinstance(answer, Refused):
            return {"data": {"trans_id": number, "correlationId": "", **_read_refused(answer)}}
        submitted = {"correlationId": answer.id, "statusCode": "0", "statusReason": SUBMITTED}
        return {"data": {"trans_id": number, **submitted}}

    async def _latest_read(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        meter = await self._visible(viewer, body)
        if meter is None:
            return UNKNOWN_ESI_ID
        async with self._database.reading() as connection:
            return {"data": await latest_read(connection, meter, viewer)}

    async def _intervals_of(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        data: dict[str, Any] = {"trans_id": str(next(self._numbers)), "esiid": text(body, "ESIID")[:40]}
        days = await self._days_of(viewer, body, LONGEST_RANGE)
        if isinstance(days, str):
            return {"data": data | {"errorMessage": days}}
        if not days:
            return {"data": data | {"energyData": [], "errorMessage": NO_DATA}}
        return {"data": data | {"energyData": [energy_entry(one) for one in days]}}

    async def _interval_usage(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        days = await self._days_of(viewer, body, LONGEST_INTERVAL_RANGE)
        return {"errormessage": days} if isinstance(days, str) else {"intervaldata": interval_entries(days)}

    async def _daily_usage(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        days = _range_of(body, LONGEST_RANGE)
        if isinstance(days, str):
            return {"errormessage": days}
        meter = await self._visible(viewer, body)
        if meter is None:
            return {"dailyData": []}
        quarters = [stored.data for stored in await self._intervals.current(meter.esi_id, *days)]
        reads = [stored.data for stored in await self._registers.current(DailyRead, meter.esi_id, *days)]
        return {"dailyData": daily_entries(quarters, reads)}

    async def _monthly_usage(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        days = _range_of(body, LONGEST_MONTHLY_RANGE)
        if isinstance(days, str):
            return {"errormessage": days}
        meter = await self._visible(viewer, body)
        found = [] if meter is None else await self._registers.current(MonthlyUsage, meter.esi_id, *days)
        return {"monthlyData": [monthly_entry(stored.data) for stored in found]}

    async def _days_of(self, viewer: Viewer, body: Body, longest: timedelta) -> list[MeterDay] | str:
        """The days that a body asks for, none for a meter that cannot be seen; or what is wrong with its dates."""
        days = _range_of(body, longest)
        if isinstance(days, str):
            return days
        meter = await self._visible(viewer, body)
        return [stored.data for stored in await self._intervals.current(meter.esi_id, *days)] if meter else []

    async def _requests(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        """The newest report orders of the account, or its report definitions that have a schedule."""
        async with self._database.reading() as connection:
            if text(body, "serviceType").strip().upper() == "SUBSCRIPTION":
                saved = await definitions_of(connection, viewer)
                entries = [subscription_entry(each, each.schedule) for each in saved if each.schedule is not None]
            else:
                rows = (await connection.execute(own_orders(viewer).limit(MOST_REQUESTS))).all()
                found = await shown(connection, viewer, rows, self._kept_days, self._clock.now())
                entries = [request_entry(order) for order in found]
        told = {"trans_id": str(next(self._numbers)), "SubscriptionStatusResponse": entries}
        return {"data": {"StatusReportResponse": told}}

    async def _history(self, viewer: Viewer, body: Body) -> list[dict[str, Any]]:
        number = text(body, "sub_id").strip()
        if not (number.isascii() and number.isdigit() and len(number) <= 12):
            return []
        async with self._database.reading() as connection:
            row = await own_order(connection, viewer, int(number))
            rows = [] if row is None else [row]
            found = await shown(connection, viewer, rows, self._kept_days, self._clock.now())
        return [entry for order in found for entry in history_entries(order)]

    async def _user(self, viewer: Viewer, body: Body) -> dict[str, Any]:
        return {
            "data": {
                "usr_id": viewer.user_id,
                "is_rgstrd": "Y",
                "usr_type": _user_type(viewer),
                "admin_ind": "Y" if viewer.administrator else "N",
                "co": viewer.company,
                "agreementaccess": "Y" if viewer.energy_data else "N",
                "subscriptionaccess": "N" if viewer.kind is Kind.OPERATOR else "Y",
            }
        }

    async def _visible(self, viewer: Viewer, body: Body) -> VisibleMeter | None:
        """The meter that a body names, None alike if there is none or not for this viewer."""
        wanted = esi_id(body)
        if wanted is None:
            return None
        return await ask_meter(self._database, viewer, wanted, self._clock.now())


def _range_of(body: Body, longest: timedelta) -> tuple[date, date] | str:
    """The Chicago days that a body asks for, both included, or what is wrong with them."""
    first, last = day(body, "startDate"), day(body, "endDate")
    if first is None or last is None:
        return WRONG_DATE.format("startDate" if first is None else "endDate")
    if not timedelta() <= last - first <= longest:
        return f"endDate must be 0 to {longest.days} days after startDate"
    return first, last


def _account(viewer: Viewer) -> dict[str, Any]:
    """Who signed in, in the fields of the original."""
    first, _, last = viewer.name.partition(" ")
    return {
        "usr_id": viewer.user_id,
        "is_rgstrd": "Y",
        "usr_type": _user_type(viewer),
        "usr_frst_nm": first,
        "usr_lst_nm": last,
        "usr_eml": viewer.email,
        "lang_pref": viewer.language,
        "ai": "N",
        "smtStatus": "active",
        "smtStatuskey": "SMTPR_smtStatus",
    }


def _user_type(viewer: Viewer) -> str:
    return USER_TYPES.get(viewer.kind, str(viewer.kind).upper())


def _sign_in_refused(refusal: SignInRefused) -> JSONResponse:
    """400 for what a person must put right, 403 for who tries too often; never whether a user id exists."""
    if refusal.reason is SignInRefusal.THROTTLED:
        again = {"Retry-After": str(math.ceil(refusal.retry_in_s or 0))}
        return JSONResponse({"errormessage": TOO_MANY, "message": refusal.words}, 403, headers=again)
    code = WRONG_SIGN_IN if refusal.reason is SignInRefusal.WRONG else NO_ENTRY
    return JSONResponse({"errormessage": code, "message": refusal.words}, 400)


def _read_refused(refusal: Refused) -> dict[str, Any]:
    """A refused read: the original's text for its limits, with the exact truth beside it."""
    next_at = refusal.next_allowed_at
    return {
        "statusCode": "1",
        "statusReason": OVER_LIMIT if refusal.reason in LIMITS else refusal.words,
        "message": refusal.words,
        "nextAllowedAt": next_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if next_at else None,
        "usedToday": refusal.used_today,
    }
