"""The market's and the network's identifiers: text checked where it comes in, trusted afterwards."""

import re
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from gateway.errors import BadIdentifier


class Identifier(str):
    """Text of a known form. Subclasses name the form; making one from other text raises BadIdentifier."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    form: ClassVar[str]

    def __new__(cls, text: str) -> Self:
        if not cls.pattern.fullmatch(text):
            raise BadIdentifier(f"{text[:64]!r} is not {cls.form}")
        return super().__new__(cls, text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate plain JSON text into the identifier; the schema shows the pattern."""
        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(pattern=cls.pattern.pattern), serialization=core_schema.to_string_ser_schema()
        )


class EsiId(Identifier):
    """An Electric Service Identifier: 17 or 22 digits, kept as text (guide A.1.2, AMB-06)."""

    __slots__ = ()
    pattern = re.compile(r"^(?:[0-9]{17}|[0-9]{22})$")
    form = "an ESI ID: 17 or 22 digits"


class MeterNumber(Identifier):
    """A manufacturer's meter serial number: up to 20 letters, digits and hyphens."""

    __slots__ = ()
    pattern = re.compile(r"^[0-9A-Za-z][0-9A-Za-z-]{0,19}$")
    form = "a meter number: 1 to 20 letters, digits or hyphens"


class Duns(Identifier):
    """A DUNS number: 9 or 13 digits (REG-14)."""

    __slots__ = ()
    pattern = re.compile(r"^(?:[0-9]{9}|[0-9]{13})$")
    form = "a DUNS number: 9 or 13 digits"


class Eui64(Identifier):
    """An IEEE 802.15.4 extended address: 16 upper-case hexadecimal digits, most significant byte first."""

    __slots__ = ()
    pattern = re.compile(r"^[0-9A-F]{16}$")
    form = "an EUI-64: 16 upper-case hexadecimal digits"

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """From 8 bytes, most significant first."""
        return cls(raw.hex().upper())


class GatewayId(Identifier):
    """The name of a gateway, as it stands in topics and access lists."""

    __slots__ = ()
    pattern = re.compile(r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$")
    form = "a gateway id: 1 to 32 letters, digits or hyphens"


class RequestId(Identifier):
    """The one id that a request keeps from the click to the radio and back: a lower-case UUID."""

    __slots__ = ()
    pattern = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
    form = "a request id: a lower-case UUID"
