"""The AsyncAPI 3.0 document of the bus, made from the table of topics and the message classes."""

import inspect
import json
from typing import Any

from pydantic import TypeAdapter

from gateway.market_notices import MarketNotices
from mqtt.codec import MAX_BYTES, envelope_of, market_envelope
from mqtt.topics import MARKET, ROOT, TABLE, VERSION, Direction, Kind

_NOTICES = MarketNotices.__name__
_PARTIES = {Direction.UP: "gateway", Direction.DOWN: "portal"}


def document() -> dict[str, Any]:
    """The document as JSON values, with the portal's view of sending and receiving."""
    adapters = [(kind.name, "validation", TypeAdapter[Any](envelope_of(kind))) for kind in TABLE]
    adapters.append((_NOTICES, "validation", TypeAdapter[Any](market_envelope())))
    by_key, definitions = TypeAdapter.json_schemas(adapters, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]  # the mode's literal is widened in a list
    schemas = {f"{name}Envelope": schema for (name, _), schema in by_key.items()} | definitions.get("$defs", {})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "metergate bus",
            "version": f"{VERSION}.0.0",
            "description": "What gateways, portals and TDSPs tell each other over MQTT 3.1.1 at QoS 1. Delivery is at "
            f"least once and in order per sender; a payload has at most {MAX_BYTES} bytes; unknown fields are ignored.",
            "license": {"name": "GPL-3.0-or-later"},
        },
        "defaultContentType": "application/json",
        "channels": dict(_channel(direction, channel) for direction, channel in _places()) | {"market": _market()},
        "operations": {f"{_verb(kind)}{kind.name}": _operation(kind) for kind in TABLE}
        | {f"receive{_NOTICES}": _receive_notices()},
        "components": {
            "messages": {kind.name: _message(kind.name, kind.message) for kind in TABLE}
            | {_NOTICES: _message(_NOTICES, MarketNotices)},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def text() -> str:
    """The document as it stands in docs/asyncapi.json."""
    return json.dumps(document(), indent=2) + "\n"


def _places() -> list[tuple[Direction, str]]:
    return list(dict.fromkeys((kind.direction, kind.channel) for kind in TABLE))


def _channel(direction: Direction, channel: str) -> tuple[str, dict[str, Any]]:
    kinds = [kind for kind in TABLE if (kind.direction, kind.channel) == (direction, channel)]
    return f"{direction}-{channel}", {
        "address": f"{ROOT}/{direction}/{{gateway}}/{channel}",
        "description": f"Written by the {_PARTIES[direction]} only.",
        "parameters": {"gateway": {"description": "The gateway's id, which is its user name at the broker."}},
        "messages": {kind.name: {"$ref": f"#/components/messages/{kind.name}"} for kind in kinds},
    }


def _verb(kind: Kind) -> str:
    return "send" if kind.direction is Direction.DOWN else "receive"


def _operation(kind: Kind) -> dict[str, Any]:
    channel = f"#/channels/{kind.direction}-{kind.channel}"
    return {
        "action": _verb(kind),
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{kind.name}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": kind.retained, "bindingVersion": "0.2.0"}},
    }


def _market() -> dict[str, Any]:
    return {
        "address": f"{MARKET}/{{tdsp}}",
        "description": "Written by the TDSP only.",
        "parameters": {"tdsp": {"description": "The TDSP's DUNS number, which is its user name at the broker."}},
        "messages": {_NOTICES: {"$ref": f"#/components/messages/{_NOTICES}"}},
    }


def _receive_notices() -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": "#/channels/market"},
        "messages": [{"$ref": f"#/channels/market/messages/{_NOTICES}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": False, "bindingVersion": "0.2.0"}},
    }


def _message(name: str, message: type[Any]) -> dict[str, Any]:
    summary, _, rest = (inspect.getdoc(message) or "").partition("\n")
    return {
        "name": name,
        "summary": summary,
        **({"description": " ".join(rest.split())} if rest.strip() else {}),
        "payload": {"$ref": f"#/components/schemas/{name}Envelope"},
    }
