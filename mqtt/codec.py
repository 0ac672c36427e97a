"""Messages to and from bytes: the JSON envelope `{"type","v","id","at","data"}`, decoded in one strict pass.

Reading is tolerant of fields that it does not know (a newer sender may add some) and of nothing else: numbers must be
numbers that fit 64 bits, instants must carry their offset, text must not hold NUL. A numbered report of a kind that
this side does not know yet is handed over as its number alone, so that the reports behind it can be receipted.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args

from pydantic import AwareDatetime, Discriminator, TypeAdapter, ValidationError
from pydantic_core import SchemaValidator
from typing_extensions import TypedDict

from gateway.clock import Clock
from gateway.dice import Dice
from gateway.identifiers import Duns, RequestId
from gateway.market_notices import MarketNotices
from gateway.messages import GatewayState, Mark, Message, UnknownReport
from gateway.ports import Delivery, MarketDelivery
from mqtt.refusals import Cause, Refused
from mqtt.topics import KINDS, TABLE, VERSION, Direction, Kind, market_topic, parse_market_topic, parse_topic

MAX_BYTES = 64 * 1024
"""The largest payload that is encoded, or parsed at all."""


class _Numbered(TypedDict):
    """The part of any report that says its number."""

    mark: Mark


class _UnknownEnvelope(TypedDict):
    """The envelope of a report whose kind is not known here."""

    type: str
    v: Literal[1]
    id: RequestId
    at: AwareDatetime
    data: _Numbered


_UNKNOWN = TypeAdapter(_UnknownEnvelope)
_KINDS_BY_NAME = {kind.name: kind for kind in TABLE}
_DUMPERS = {kind.message: TypeAdapter(kind.message).serializer for kind in TABLE}
_HEADS = {kind.message: f'{{"type":"{kind.name}","v":{VERSION},"id":"'.encode() for kind in TABLE}
_CAUSES = {"union_tag_invalid": Cause.UNKNOWN_TYPE, "literal_error": Cause.WRONG_VERSION}


def envelope_of(kind: Kind) -> Any:
    """The type of one kind's envelope, as pydantic reads it."""
    return _envelope(kind.name, kind.message)


def market_envelope() -> Any:
    """The type of the envelope in which a TDSP's notices come."""
    return _envelope(MarketNotices.__name__, MarketNotices)


def _envelope(name: str, message: type[Any]) -> Any:
    fields = {
        "type": Literal[name],
        "v": Literal[VERSION],
        "id": RequestId,
        "at": AwareDatetime,
        "data": message,
    }
    return TypedDict(f"{name}Envelope", fields)  # type: ignore[operator]  # made from a table, not written out


def _validator() -> SchemaValidator:
    envelopes: Any = Union[tuple(map(envelope_of, TABLE))]  # noqa: UP007  # made from the table, not written out
    adapter = TypeAdapter[Any](Annotated[envelopes, Discriminator("type")])
    return SchemaValidator(adapter.core_schema)


_VALIDATOR = _validator()
_MARKET_VALIDATOR = SchemaValidator(TypeAdapter[Any](market_envelope()).core_schema)
_MARKET_DUMPER = TypeAdapter(MarketNotices).serializer
LONGEST_KIND = 64


def encode(message: Message, *, id: RequestId, at: datetime) -> bytes:  # noqa: A002  # the envelope's own word
    """The payload of a message; id is the envelope's, at an aware UTC instant. Raises Refused if it is oversized."""
    kind = type(message)
    stamp = at.isoformat().replace("+00:00", "Z").encode()
    head = _HEADS[kind] + id.encode() + b'","at":"' + stamp + b'","data":'
    payload = head + _DUMPERS[kind].to_json(message) + b"}"
    if len(payload) > MAX_BYTES:
        raise Refused(Cause.OVERSIZED, f"{kind.__name__} takes {len(payload)} bytes")
    return payload


def stamped(message: Message, clock: Clock, dice: Dice) -> bytes:
    """Encode now: under the message's own id where it has one, under a new one otherwise."""
    now = clock.now()
    own: RequestId | None = getattr(message, "id", None)
    return encode(message, id=own or RequestId(dice.request_id(now)), at=now)


def decode(topic: str, payload: bytes, max_bytes: int = MAX_BYTES) -> Delivery:
    """The message that arrived on a topic. Raises Refused (a BadMessage) with the cause."""
    if len(payload) > max_bytes:
        raise Refused(Cause.OVERSIZED, f"{len(payload)} bytes on {topic[:64]!r}")
    where = parse_topic(topic)
    try:
        envelope = _parse(payload, _VALIDATOR)
    except Refused as refused:
        if refused.cause is not Cause.UNKNOWN_TYPE or where.direction is not Direction.UP:
            raise
        unknown, sent_at = _unknown(payload, refused)
        return Delivery(gateway=where.gateway, message=unknown, sent_at=sent_at)
    kind = _KINDS_BY_NAME[envelope["type"]]
    message: Message = envelope["data"]
    if (kind.direction, kind.channel) != (where.direction, where.channel):
        raise Refused(Cause.WRONG_TOPIC, f"{kind.name} does not travel on {topic!r}")
    if isinstance(message, GatewayState) and message.gateway != where.gateway:
        raise Refused(Cause.WRONG_GATEWAY, f"{where.gateway} tells the state of {message.gateway}")
    if getattr(message, "id", envelope["id"]) != envelope["id"]:
        raise Refused(Cause.MALFORMED, f"{kind.name} and its envelope differ in their id")
    return Delivery(gateway=where.gateway, message=message, sent_at=envelope["at"])


def encode_market(tdsp: Duns, notices: MarketNotices, *, id: RequestId, at: datetime) -> tuple[str, bytes]:  # noqa: A002  # the envelope's own word
    """Topic and payload of a TDSP's notices. Raises Refused if they take more bytes than anyone would parse."""
    head = f'{{"type":"{MarketNotices.__name__}","v":{VERSION},"id":"{id}","at":"{at.isoformat()}","data":'
    payload = head.encode() + _MARKET_DUMPER.to_json(notices, exclude_none=True) + b"}"
    if len(payload) > MAX_BYTES:
        raise Refused(Cause.OVERSIZED, f"{len(notices.notices)} notices take {len(payload)} bytes")
    return market_topic(tdsp), payload


def decode_market(topic: str, payload: bytes, max_bytes: int = MAX_BYTES) -> MarketDelivery:
    """The notices that arrived on a topic of the market. Raises Refused (a BadMessage) with the cause."""
    if len(payload) > max_bytes:
        raise Refused(Cause.OVERSIZED, f"{len(payload)} bytes on {topic[:64]!r}")
    tdsp = parse_market_topic(topic)
    return MarketDelivery(tdsp=tdsp, message=_parse(payload, _MARKET_VALIDATOR)["data"])


def _parse(payload: bytes, validator: SchemaValidator) -> Any:
    if rb"\u0000" in payload:
        raise Refused(Cause.MALFORMED, "NUL in a text")
    try:
        return validator.validate_json(payload, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        is_version = fault["loc"][-1:] == ("v",) and len(fault["loc"]) <= 2
        cause = _CAUSES.get(fault["type"], Cause.MALFORMED)
        if cause is Cause.WRONG_VERSION and not is_version:
            cause = Cause.MALFORMED
        raise Refused(cause, f"{place} {fault['msg']}"[:200]) from None


assert set(KINDS) == set(get_args(Message)), "every message has its row in the table of topics"


def _unknown(payload: bytes, refused: Refused) -> tuple[UnknownReport, datetime]:
    """The number of a report of an unknown kind, and when it was sent; without a number the refusal stands."""
    try:
        envelope = _UNKNOWN.validate_json(payload, strict=True)
    except ValidationError:
        raise refused from None
    return UnknownReport(kind=envelope["type"][:LONGEST_KIND], mark=envelope["data"]["mark"]), envelope["at"]
