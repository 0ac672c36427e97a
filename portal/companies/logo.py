"""A company's logo: an uploaded image, decoded and encoded anew, so that nothing but its pixels is kept."""

import asyncio
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

MOST_BYTES = 20 * 1024
"""An upload is smaller than this (REG-18: less than 20 KB)."""
MOST_SIDE = 2000
MOST_PIXELS = 2_000_000
KEPT_SIZE = (480, 240)
MOST_KEPT_BYTES = 400_000
FORMATS = ("PNG", "JPEG", "GIF")
MEDIA_TYPE = "image/png"
"""What a kept logo is, whatever was uploaded."""

_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises for bytes that are no image that it can decode."""


@dataclass(frozen=True, slots=True)
class BadLogo:
    """Why an upload cannot be a logo."""

    words: str


async def clean_logo(data: bytes) -> bytes | BadLogo:
    """An upload as a PNG of at most 480 by 240 pixels; the work is done beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(None, encoded_anew, data)


def encoded_anew(data: bytes) -> bytes | BadLogo:
    """An upload as a PNG. Sizes are judged by the image's head, before a pixel is decoded; SVG is no such image."""
    if len(data) >= MOST_BYTES:
        return BadLogo("Choose an image file smaller than 20 KB.")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
                return BadLogo(f"Choose an image of at most {MOST_SIDE} pixels a side.")
            pixels = image.convert("RGBA")
            pixels.thumbnail(KEPT_SIZE)
    except _UNREADABLE:
        return BadLogo("Choose a PNG, JPEG or GIF image.")
    kept = BytesIO()
    pixels.save(kept, "PNG", optimize=True)
    if kept.tell() > MOST_KEPT_BYTES:
        return BadLogo("Choose a simpler image.")
    return kept.getvalue()
