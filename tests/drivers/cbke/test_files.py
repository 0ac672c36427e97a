"""Certificate files: the worked examples as authorities deliver them, and every way in which one is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.zigbee.cbke import files
from drivers.zigbee.cbke.certificates import BadCertificate
from tests.drivers.cbke.vectors import C_5, C_6, EXAMPLES, Example

examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.suite.curve.name)
TEXT = files.write(C_5.identity(C_5.initiator))


@examples
def test_a_file_survives_its_text(example: Example) -> None:
    device = example.identity(example.initiator)
    assert files.read(files.write(device)) == device


def test_digits_stand_anywhere_and_other_labels_are_skipped() -> None:
    text = TEXT.replace(":\n", ": ").replace("5445", "54 45\n  ").upper()
    for label in (files.AUTHORITY, files.CERTIFICATE, files.PRIVATE, files.PUBLIC):
        text = text.replace(label.upper(), label)
    text = f"# made for a laboratory\nIEEE Address: (not here)\nand more\n\n{text}\nComment: none\n"
    assert files.read(text) == C_5.identity(C_5.initiator)


def test_the_public_key_may_be_left_out() -> None:
    assert files.read(TEXT.split(files.PUBLIC)[0]) == C_5.identity(C_5.initiator)


def replaced(label: str, value: str) -> str:
    before, after = TEXT.split(f"{label}:\n")
    return f"{before}{label}:\n{value}\n{after.split(chr(10), 1)[1]}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "without CA Pub Key, Device Implicit Cert, Private Key"),
        (TEXT + TEXT, "two of"),
        (replaced(files.AUTHORITY, "02zz"), "not hexadecimal"),
        (replaced(files.AUTHORITY, "020"), "not hexadecimal"),
        (replaced(files.AUTHORITY, "02" + "00" * 21), "hold together"),
        (replaced(files.AUTHORITY, C_6.authority.hex()), "hold together"),
        (replaced(files.CERTIFICATE, "02"), "48 or 74 bytes, not 1"),
        (replaced(files.PRIVATE, C_6.initiator.private.hex()), "36 bytes where the certificate's suite has 21"),
        (replaced(files.PRIVATE, C_5.responder.private.hex()), "does not belong"),
        (replaced(files.PRIVATE, "00" * 21), "outside the curve's order"),
        (replaced(files.PUBLIC, C_5.authority.hex()), "is another"),
    ],
)
def test_a_wrong_file_is_refused_in_words_without_digits(text: str, words: str) -> None:
    with pytest.raises(BadCertificate, match=words) as refused:
        files.read(text)
    assert C_5.initiator.private.hex() not in str(refused.value)


@settings(max_examples=50, deadline=None)
@given(cut=st.integers(min_value=0, max_value=len(TEXT) - 1), put=st.characters())
def test_any_damage_is_refused_or_harmless(cut: int, put: str) -> None:
    try:
        found = files.read(TEXT[:cut] + put + TEXT[cut + 1 :])
    except BadCertificate:
        return
    assert found == C_5.identity(C_5.initiator)
