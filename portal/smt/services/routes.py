"""The official interface of Smart Meter Texas, answered by the portal: same paths, envelope and fields.

Each path is there as in both versions, with and without /v2 and with and without its last slash. Meters pass the same
door and reads the same desk as everywhere; a meter that the account may not see is answered like one without data.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.clock import central_date
from gateway.identifiers import EsiId
from portal.accounts.signing_in import SignInRefused
from portal.companies.kinds import Kind
from portal.context import Portal
from portal.entrance import origin_of
from portal.meters.information import meter_information, premise_information
from portal.meters.installed import first_installed
from portal.parts import Part
from portal.reports.forms import Report
from portal.smt.bodies import BadBody, read_body, read_bytes, text
from portal.smt.edge import FindViewer, JsonPost
from portal.smt.interval_text import energy_entry
from portal.smt.services import envelope, on_demand, orders, soap_token
from portal.smt.services.agreements import AgreementServices
from portal.smt.services.entrance import ServiceEntrance
from portal.smt.services.entries import billing_entry, meter_data, premise_data, registered_read, wall
from portal.smt.services.envelope import ServiceRefused, Usage
from portal.smt.services.subscriptions import SubscriptionServices
from portal.usage.intervals import Channel
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.registers import RegisterStore
from portal.usage.report_range import refusal
from portal.usage.store import IntervalStore
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, ask_meter, find_meters

log = logging.getLogger(__name__)

Answer = Mapping[str, Any]
Handler = Callable[[Viewer, Mapping[str, Any]], Awaitable[Answer]]
CHANNELS = {"C": (Channel.CONSUMPTION,), "G": (Channel.GENERATION,), "A": (Channel.CONSUMPTION, Channel.GENERATION)}
LONGEST_AT_ONCE = timedelta(days=400)


class SmtServices:
    """The services over a portal's parts, its intervals and its register reads; `router` is what is included."""

    def __init__(
        self, portal: Portal, intervals: IntervalStore, registers: RegisterStore, find_viewer: FindViewer
    ) -> None:
        self._portal = portal
        self._database = portal.database
        self._clock = portal.clock
        self._intervals = intervals
        self._registers = registers
        self._entrance = ServiceEntrance(portal.door, find_viewer, portal.dice)

    def router(self) -> APIRouter:
        """Every path, in JSON whatever it is sent, but for the token over SOAP."""
        services: dict[str, Handler] = {
            "15minintervalreads": self._interval_reads,
            "dailyreads": self._daily_reads,
            "monthlybillingInformation": self._monthly,
            "meterInfo": self._meter_info,
            "premiseInfo": self._premise_info,
            "odr": self._request_read,
            "odrstatus": self._read_status,
            "reportrequeststatus": self._order_status,
            **AgreementServices(self._portal).handlers(),
            **SubscriptionServices(self._portal).handlers(),
        }
        applications = {name: JsonPost(self._guarded(handler)) for name, handler in services.items()}
        applications |= {"token": JsonPost(self._token), "access/token": JsonPost(self._soap_token)}
        routes: list[BaseRoute] = [
            Route(f"{version}/{name}{end}", application)
            for name, application in applications.items()
            for version in ("", "/v2")
            for end in ("", "/")
        ]
        return Part(routes=routes)

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[JSONResponse]]:
        """A service behind its entrance and its envelope."""

        async def respond(request: Request) -> JSONResponse:
            viewer = await self._entrance.viewer(request)
            if not isinstance(viewer, Viewer):
                return _not_entered(viewer)
            body = await read_body(request)
            head = {"trans_id": envelope.trans_id(body)}
            try:
                envelope.check(body, viewer)
                return JSONResponse({**head, **await handler(viewer, body)})
            except ServiceRefused as refused:
                told = {**head, "errorCode": refused.code, "errorMessage": str(refused), **refused.more}
                return JSONResponse(told, refused.status)

        return respond

    async def _token(self, request: Request) -> JSONResponse:
        body = await read_body(request)
        answer = await self._signed_in(request, text(body, "username"), text(body, "password"))
        return _not_entered(answer) if isinstance(answer, SignInRefused) else JSONResponse(answer)

    async def _soap_token(self, request: Request) -> Response:
        try:
            answer = await self._signed_in(request, *soap_token.credentials_in(await read_bytes(request)))
        except BadBody as refused:
            return Response(soap_token.fault_of(str(refused)), refused.status, media_type=soap_token.MEDIA_TYPE)
        if isinstance(answer, SignInRefused):
            told = _not_entered(answer)
            headers = {name: told.headers[name] for name in ("retry-after", "www-authenticate") if name in told.headers}
            words = soap_token.fault_of(answer.words)
            return Response(words, told.status_code, headers, media_type=soap_token.MEDIA_TYPE)
        return Response(soap_token.answer_of(answer), media_type=soap_token.MEDIA_TYPE)

    async def _signed_in(self, request: Request, user_name: str, password: str) -> dict[str, str] | SignInRefused:
        """A new token in the fields that both forms of the service have."""
        answer = await self._portal.door.sign_in_program(user_name, password, origin_of(request))
        if isinstance(answer, SignInRefused):
            return answer
        now, lives_s = self._clock.now(), self._portal.settings.sessions.token_idle_s
        return {
            "statusCode": "200",
            "accessToken": answer.secret,
            "tokenType": "Bearer",
            "expiresIn": f"{lives_s:.0f}",
            "issuedAt": f"{wall(now)}",
            "expiresAt": f"{wall(now + timedelta(seconds=lives_s))}",
        }

    async def _interval_reads(self, viewer: Viewer, body: Mapping[str, Any]) -> Answer:
        usage = self._usage(viewer, body)
        if not self._is_answered_at_once(usage):
            return await orders.ordered(self._portal, viewer, Report.DAILY_USAGE, usage)
        meter = await self._meter(viewer, usage)
        days = []
        if meter is not None:
            ask = self._intervals.versions if usage.every_version else self._intervals.current
            days = [day.data for day in await ask(meter.esi_id, usage.first, usage.last)]
        entries = [energy_entry(day) for day in days if day.channel in CHANNELS[usage.channels]]
        return {"esiid": usage.esi_ids[0], "energyData": entries} if entries else _nothing(usage.esi_ids[0])

    async def _daily_reads(self, viewer: Viewer, body: Mapping[str, Any]) -> Answer:
        usage = self._usage(viewer, body)
        if not self._is_answered_at_once(usage):
            return await orders.ordered(self._portal, viewer, Report.DAILY_READS, usage)
        reads = await self._register_reads(DailyRead, viewer, usage)
        entries = [registered_read(read) for read in reads]
        return {"esiid": usage.esi_ids[0], "registeredReads": entries} if entries else _nothing(usage.esi_ids[0])

    async def _monthly(self, viewer: Viewer, body: Mapping[str, Any]) -> Answer:
        usage = self._usage(viewer, body)
        if not self._is_answered_at_once(usage):
            return await orders.ordered(self._portal, viewer, Report.MONTHLY_USAGE, usage)
        months = await self._register_reads(MonthlyUsage, viewer, usage)
        entries = [billing_entry(month) for month in months]
        return {"esiid": usage.esi_ids[0], "billingData": entries} if entries else _nothing(usage.esi_ids[0])

    async def _register_reads(self, kind: type[Any], viewer: Viewer, usage: Usage) -> list[Any]:
        meter = await self._meter(viewer, usage)
        if meter is None:
            return []
        ask = self._registers.versions if usage.every_version else self._registers.current
        return [read.data for read in await ask(kind, meter.esi_id, usage.first, usage.last)]

    async def _meter_info(self, viewer: Viewer, body: Mapping[str, Any]) -> Answer:
        wanted = envelope.esi_ids(body)
        async with self._database.reading() as connection:
            found = await meter_information(connection, await self._seen(connection, viewer, wanted))
        return _one_or_many("MeterData", wanted, [meter_data(meter) for meter in found])

    async def _premise_info(self, viewer: Viewer, body: Mapping[str, Any]) -> Answer:
        wanted = envelope.esi_ids(body)
        async with self._database.reading() as connection:
            found = await premise_information(connection, await self._seen(connection, viewer, wanted))
        return _one_or_many("PremiseData", wanted, [premise_data(premise) for premise in found])

    async def _request_read(self, viewer: Viewer, body: Mapping[str, Any]) -> Answer:
        async with self._database.reading() as connection:
            seen = await self._seen(connection, viewer, envelope.esi_ids(body)[:1])
        if not seen:
            raise ServiceRefused(envelope.METERS, "ESIID is not one of your meters", 404)
        return on_demand.asked(await self._portal.desk.ask(seen[0], viewer))

    async def _read_status(self, viewer: Viewer, body: Mapping[str, Any]) -> Answer:
        number = text(body, "correlationId").strip()
        async with self._database.reading() as connection:
            return await on_demand.status(connection, viewer, number, self._clock.now())

    async def _order_status(self, viewer: Viewer, body: Mapping[str, Any]) -> Answer:
        return await orders.status(self._portal, viewer, text(body, "correlationId").strip())

    def _is_answered_at_once(self, usage: Usage) -> bool:
        """Whether the answer itself carries the data; everything else becomes an order."""
        one = len(usage.esi_ids) == 1 and usage.last - usage.first <= LONGEST_AT_ONCE
        return one and (usage.form, usage.delivery) == ("JSON", "API")

    def _usage(self, viewer: Viewer, body: Mapping[str, Any]) -> Usage:
        usage = envelope.usage(body)
        if usage.every_version and viewer.kind is Kind.CUSTOMER:
            raise ServiceRefused(envelope.CHOICE, "version must be L: customers see the latest version (RPT-05)")
        return usage

    async def _meter(self, viewer: Viewer, usage: Usage) -> VisibleMeter | None:
        """The meter of a request that is answered at once, None alike if there is none or it is another's.

        Raises ServiceRefused for days that cannot be asked for.
        """
        meter = await ask_meter(self._database, viewer, usage.esi_ids[0], self._clock.now())
        async with self._database.reading() as connection:
            installed = date.min if meter is None else central_date(await first_installed(connection, meter))
        today = central_date(self._clock.now())
        refused = refusal(usage.first, usage.last, today, installed)
        if refused is not None:
            raise ServiceRefused(envelope.DATES, refused.words)
        return meter

    async def _seen(self, connection: Any, viewer: Viewer, wanted: list[EsiId]) -> list[VisibleMeter]:
        found = await find_meters(connection, viewer, wanted, self._clock.now())
        return [found[esi_id] for esi_id in wanted if esi_id in found]


def _nothing(esi_id: EsiId) -> Answer:
    return {"esiid": esi_id, "errorCode": envelope.NO_DATA_CODE, "errorMessage": envelope.NO_DATA}


def _one_or_many(name: str, wanted: list[EsiId], entries: list[dict[str, Any]]) -> Answer:
    """One object for one ESI ID as the original has it, a list for several; nothing alike for none and another's."""
    if not entries:
        return {"errorCode": envelope.NO_DATA_CODE, "errorMessage": envelope.NO_DATA}
    return {name: entries[0] if len(wanted) == 1 else entries}


def _not_entered(refused: SignInRefused | None) -> JSONResponse:
    words = "The token or the password is missing, wrong or has expired" if refused is None else refused.words
    told = {"statusCode": "401", "errorKey": "invalidCredentials", "errorMessage": words}
    headers = {"WWW-Authenticate": 'Bearer, Basic realm="metergate"'}
    if refused is not None and refused.retry_in_s is not None:
        return JSONResponse(told | {"statusCode": "429"}, 429, {"Retry-After": f"{refused.retry_in_s:.0f}"})
    return JSONResponse(told, 401, headers)
