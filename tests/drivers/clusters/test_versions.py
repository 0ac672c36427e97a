"""Old devices leave out what later versions appended, new ones append more, and hostile ones send anything."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zigpy.zcl import Cluster
from zigpy.zcl.foundation import CommandSchema, ZCLCommandDef

from drivers.zigbee.clusters.fields import OctetString, Signature, Text
from drivers.zigbee.clusters.load_control import LoadControl
from drivers.zigbee.clusters.messaging import Messaging
from drivers.zigbee.clusters.price import Price
from drivers.zigbee.clusters.secured import SecuredCluster
from drivers.zigbee.clusters.table import SMART_ENERGY

PRICE_1_0 = bytes.fromhex(
    "01000000 00 02000000 0100002F 00 4803 40 00 00000000 3C00 FB040000 FF FFFFFFFF FF".replace(" ", "")
)
COMMANDS = [
    definition
    for cluster in SMART_ENERGY.values()
    for definition in (*cluster.ServerCommandDefs, *cluster.ClientCommandDefs)
]


def read(definition: ZCLCommandDef, data: bytes) -> tuple[Any, bytes]:
    return definition.schema.deserialize(data)


def test_a_price_of_the_first_version_has_none_of_the_later_fields() -> None:
    price, rest = read(Price.ClientCommandDefs.publish_price, PRICE_1_0)
    assert (price.price, price.alternate_cost, price.price_control, price.extended_tier) == (1275, None, None, None)
    assert rest == b""
    assert price.serialize() == PRICE_1_0


def test_a_price_of_version_1_1_ends_before_the_generation_tiers() -> None:
    price, rest = read(
        Price.ClientCommandDefs.publish_price, PRICE_1_0 + bytes.fromhex("FFFFFFFF FF FF 02 01".replace(" ", ""))
    )
    assert (price.block_thresholds, price.price_control, price.generation_tiers) == (2, 1, None)
    assert rest == b""


def test_what_a_later_version_appends_is_left_over() -> None:
    confirmation, rest = read(
        Messaging.ServerCommandDefs.message_confirmation, bytes.fromhex("01000000 0100002F 00 00 77".replace(" ", ""))
    )
    assert confirmation.message_id == 1
    assert rest == b"\x77"


def test_a_question_of_the_first_version_names_no_event() -> None:
    question, _ = read(LoadControl.ServerCommandDefs.get_scheduled_events, bytes(5))
    assert question.event_id is None


def test_a_report_that_says_it_is_signed_must_be() -> None:
    report = LoadControl.ServerCommandDefs.report_event_status
    unsigned = bytes(17) + b"\x00"
    assert read(report, unsigned)[0].signature is None
    with pytest.raises(ValueError, match="42 bytes"):
        read(report, bytes(17) + b"\x01" + bytes(41))


def test_a_string_marked_invalid_is_empty_and_the_next_field_follows() -> None:
    assert OctetString.deserialize(b"\xff\x07") == (b"", b"\x07")
    assert Text.deserialize(b"\xff\x07") == ("", b"\x07")


@pytest.mark.parametrize(
    ("kind", "data"),
    [(OctetString, b""), (OctetString, b"\x05abcd"), (Text, b""), (Text, b"\x01"), (Signature, bytes(41))],
)
def test_a_field_that_its_frame_is_too_short_for_is_refused(kind: Any, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"long|42"):
        kind.deserialize(data)


def test_a_text_counts_its_bytes() -> None:
    assert Text("ñ").serialize() == b"\x02\xc3\xb1"
    assert Text.deserialize(b"\x02\xc3\xb1") == ("ñ", b"")
    with pytest.raises(ValueError, match="255 bytes"):
        Text("x" * 255).serialize()


@pytest.mark.parametrize("definition", COMMANDS, ids=lambda definition: definition.name)
@given(data=st.binary(max_size=90))
def test_garbage_is_read_or_refused_and_nothing_else(definition: ZCLCommandDef, data: bytes) -> None:
    try:
        command, _ = definition.schema.deserialize(data)
    except ValueError:
        return
    assert isinstance(command, CommandSchema)


def test_our_clusters_are_no_other_profile_s() -> None:
    for number, cluster in SMART_ENERGY.items():
        assert issubclass(cluster, SecuredCluster)
        assert cluster.aps_encryption
        assert Cluster._registry.get(number) is not cluster
