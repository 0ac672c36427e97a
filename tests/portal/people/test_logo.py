"""A logo is whatever Pillow decodes of three formats, within its limits; anything else is refused in words."""

import random
import zlib

import pytest

from portal.companies.logo import KEPT_SIZE, BadLogo, clean_logo, encoded_anew
from tests.portal.people.images import image

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says that it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("data", [b"", b"GIF89a", SVG, b"%PDF-1.7", b"BM" + bytes(100), image()[:60]])
def test_what_is_no_image_is_refused_in_words(data: bytes) -> None:
    assert isinstance(encoded_anew(data), BadLogo)


@pytest.mark.parametrize("size", [(2001, 1), (1, 2001), (1500, 1500), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_of_too_many_pixels_is_refused_by_its_head(size: tuple[int, int]) -> None:
    assert isinstance(encoded_anew(bomb(*size)), BadLogo)


def test_a_large_image_is_made_smaller_and_keeps_its_shape() -> None:
    kept = encoded_anew(image(size=(1200, 400)))
    assert isinstance(kept, bytes)
    width, height = (int.from_bytes(kept[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (480, 160)
    assert KEPT_SIZE == (480, 240)


async def test_it_is_cleaned_beside_the_loop() -> None:
    assert await clean_logo(image()) == encoded_anew(image())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_damage_is_refused_or_decoded_and_never_raises(kind: str) -> None:
    dice = random.Random(20261130)
    for _ in range(400):
        data = bytearray(image(kind, (40, 20)))
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        found = encoded_anew(bytes(data[: dice.randint(1, len(data))]))
        assert isinstance(found, bytes | BadLogo)
