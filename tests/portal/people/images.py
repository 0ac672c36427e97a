"""Images for logos, made for each test."""

from io import BytesIO

from PIL import Image


def image(kind: str = "PNG", size: tuple[int, int] = (120, 60), colour: str = "teal") -> bytes:
    """An image of one colour."""
    made = BytesIO()
    Image.new("RGB", size, colour).save(made, kind)
    return made.getvalue()


def noise(size: int) -> bytes:
    """A PNG whose pixels do not compress: its file is about size bytes long."""
    side = max(1, int((size / 3) ** 0.5))
    made = BytesIO()
    Image.frombytes("RGB", (side, side), bytes((i * i * 31 + i * 7919) % 251 for i in range(side * side * 3))).save(
        made, "PNG", compress_level=0
    )
    return made.getvalue()
