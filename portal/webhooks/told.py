"""What each kind of event tells (pure): ids, status, and where the API has the whole of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.identifiers import EsiId
from portal.webhooks.events import Happening


def read_finished(row: Mapping[str, Any]) -> Happening:
    """An on-demand read that ended, from its row of reads: a value where it is done, a reason where not."""
    done = row["read_at"] is not None
    value = {name: row[name] for name in ("delivered_wh", "received_wh", "demand_w")}
    data = {
        "read_id": str(row["id"]),
        "esi_id": str(row["esi_id"]),
        "meter": str(row["meter"]),
        "status": str(row["status"]),
        "reason": None if row["reason"] is None else str(row["reason"]),
        "value": {**value, "read_at": _text(row["read_at"])} if done else None,
        "link": f"/api/v1/reads/{row['id']}",
    }
    return Happening(subject=f"{row['id']}|{row['status']}", esi_id=row["esi_id"], data=data)


def order_finished(row: Any, state: str, details: str) -> Happening:
    """A report order that ended, from its row of report_orders."""
    data = {
        "order": row.number,
        "status": state,
        "details": details,
        "link": f"/api/v1/orders/{row.number}",
    }
    return Happening(subject=f"{row.id}|{row.lease or ''}|{state}", company_id=row.company_id, data=data)


def join_finished(row: Mapping[str, Any]) -> Happening:
    """The end of a join of a home-area device, from its row of han_commands."""
    data = {
        "command_id": str(row["id"]),
        "esi_id": str(row["esi_id"]),
        "meter": str(row["meter"]),
        "device": str(row["device"]),
        "status": str(row["status"]),
        "cause": None if row["cause"] is None else str(row["cause"]),
        "link": f"/api/v1/commands/{row['id']}",
    }
    return Happening(subject=f"{row['id']}|{row['status']}", esi_id=row["esi_id"], data=data)


def rep_changed(esi_id: EsiId, change: str, company_id: int) -> Happening:
    """A meter that came to a company or left it: change is `came` or `left`."""
    data: dict[str, Any] = {"esi_id": str(esi_id), "status": change}
    if change == "came":
        data["link"] = f"/api/v1/meters/{esi_id}"
    return Happening(subject=f"{esi_id}|{change}", company_id=company_id, data=data)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
