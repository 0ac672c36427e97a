"""The letters that tell of an order's end (pure): with its files where these are small, with links where not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from portal.mail.letters import Attachment, Letter
from portal.mail.wording import SIGNED, Link, Part, worded
from portal.orders.details import size_text
from portal.orders.market_names import OrderedFile, mailed_name
from portal.orders.states import OrderState
from portal.reports.forms import TITLES, USAGE
from portal.settings import PortalSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What letters of orders need to know: the portal's address, the most that is attached, how long files are kept."""

    address: str
    most_attached_bytes: int
    kept_days: int


class FileToMail(OrderedFile, Protocol):
    """A file of an order that was just made, or its row; size in bytes."""

    @property
    def media_type(self) -> str: ...
    @property
    def size(self) -> int: ...


def post_of(settings: PortalSettings) -> Post:
    """What a portal's letters of orders say."""
    return Post(
        address=settings.address.rstrip("/"),
        most_attached_bytes=settings.mail.most_attachment_bytes,
        kept_days=settings.orders.kept_days,
    )


def letter_of_end(
    to: str, number: int, state: OrderState, details: str, files: Sequence[FileToMail], ended_at: datetime, by: Post
) -> Letter:
    """The letter of an order that is complete or unsuccessful (RPT-11, RPT-18; AMB-08 for what is attached).

    Reports of usage go with it if they are small enough together; whatever does not is linked. Raises
    BadInput for an address that no letter can have.
    """
    usage = [each for each in files if each.report in USAGE]
    attached = usage if sum(each.size for each in usage) <= by.most_attached_bytes else []
    parts: list[Part] = [f"Your report order {number} is {str(state).capitalize()}.", details]
    if files:
        parts.append("Its files:")
    for each in files:
        if each in attached:
            parts.append(f"{TITLES[each.report]}: attached, {mailed_name(each, ended_at)}, {size_text(each.size)}")
        else:
            words = f"{TITLES[each.report]}: {each.name}, {size_text(each.size)}"
            parts.append(Link(words, f"{by.address}/orders/{number}/files/{each.name}"))
    if files:
        parts.append(f"They are kept for {by.kept_days} days. A link opens to you, while you see every meter in it.")
    subject = f"Report order {number}: {str(state).capitalize()}"
    return worded(to, subject, parts, SIGNED, tuple(_attachment(each, ended_at) for each in attached))


def _attachment(file: FileToMail, ended_at: datetime) -> Attachment:
    return Attachment(name=mailed_name(file, ended_at), media_type=file.media_type.partition(";")[0], path=file.path)
