"""The Koblitz curves sect163k1 and sect283k1: y^2 + xy = x^3 + ax^2 + 1 over a binary field.

Source: SEC 1 version 2, sections 2.2 and 2.3; the constants are those of SEC 2 version 2, sections 3.2.1 and 3.4.1.
"""

from dataclasses import dataclass

from drivers.zigbee.cbke.field import BinaryField
from gateway.errors import BadInput

_ONE = 1
"""The element 1, which spread is 1 too; also the constant b of both curves."""


class BadPoint(BadInput):
    """Bytes that are no point of the curve, or a point that no honest party sends."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point by its coordinates, elements of the curve's field. The point at infinity is None."""

    x: int
    y: int


class Curve:
    """A curve with its group of prime order; coordinates and the generator are given in the usual form."""

    def __init__(
        self, field: BinaryField, *, a: int, generator: tuple[int, int], order: int, doublings: int, name: str
    ) -> None:
        self.name = name
        self.field = field
        self.order = order
        self.doublings = doublings
        """The cofactor is 2 to this power."""
        self._a = a
        self.generator = Point(*(field.spread(coordinate) for coordinate in generator))
        self.field_octets = (field.degree + 7) // 8
        self.point_octets = self.field_octets + 1
        self.scalar_octets = (order.bit_length() + 7) // 8

    def __repr__(self) -> str:
        return self.name

    @property
    def cofactor(self) -> int:
        """How many times larger the whole curve's group is than the one of prime order."""
        return 1 << self.doublings

    def contains(self, point: Point) -> bool:
        """Whether a pair of elements satisfies the curve's equation."""
        times, x_squared = self.field.times, self.field.squared(point.x)
        left = self.field.squared(point.y) ^ times(point.x, point.y)
        return left == times(x_squared, point.x) ^ self._a * x_squared ^ _ONE

    def add(self, left: Point | None, right: Point | None) -> Point | None:
        """The sum of two points."""
        if left is None or right is None:
            return left or right
        if left.x == right.x:
            return self.double(left) if left.y == right.y else None
        times = self.field.times
        slope = times(left.y ^ right.y, self.field.inverse(left.x ^ right.x))
        x = self.field.squared(slope) ^ slope ^ left.x ^ right.x ^ self._a
        return Point(x, times(slope, left.x ^ x) ^ x ^ left.y)

    def double(self, point: Point | None) -> Point | None:
        """A point added to itself."""
        if point is None or point.x == 0:
            return None
        times = self.field.times
        slope = point.x ^ times(point.y, self.field.inverse(point.x))
        x = self.field.squared(slope) ^ slope ^ self._a
        return Point(x, self.field.squared(point.x) ^ times(slope ^ _ONE, x))

    def negate(self, point: Point | None) -> Point | None:
        """The point that gives infinity with this one."""
        return None if point is None else Point(point.x, point.x ^ point.y)

    def multiply(self, scalar: int, point: Point | None) -> Point | None:
        """A point added to itself scalar times (scalar >= 0): the same steps for every bit.

        Source: López and Dahab, "Fast multiplication on elliptic curves over GF(2^m) without precomputation", 1999.
        """
        if scalar == 0 or point is None:
            return None
        if point.x == 0:
            return point if scalar & 1 else None
        times, squared = self.field.times, self.field.squared
        x = point.x
        x1, z1, z2 = x, _ONE, squared(x)
        x2 = squared(z2) ^ _ONE
        for bit in f"{scalar:b}"[1:]:
            if bit == "1":
                x1, z1, x2, z2 = x2, z2, x1, z1
            left, right = times(x1, z2), times(x2, z1)
            z2 = squared(left ^ right)
            x2 = times(x, z2) ^ times(left, right)
            x1, z1 = squared(squared(x1 ^ z1)), squared(times(x1, z1))
            if bit == "1":
                x1, z1, x2, z2 = x2, z2, x1, z1
        return self._recovered(point, x1, z1, x2, z2)

    def _recovered(self, point: Point, x1: int, z1: int, x2: int, z2: int) -> Point | None:
        """The product from x1/z1, its abscissa, and x2/z2, that of the product plus the point."""
        if z1 == 0:
            return None
        if z2 == 0:
            return self.negate(point)
        times, x = self.field.times, point.x
        inverse = self.field.inverse(times(times(x, z1), z2))
        product_x = times(times(x1, inverse), times(x, z2))
        mixed = times(x1 ^ times(x, z1), x2 ^ times(x, z2))
        mixed ^= times(self.field.squared(x) ^ point.y, times(z1, z2))
        return Point(product_x, times(times(x ^ product_x, mixed), inverse) ^ point.y)

    def compress(self, point: Point) -> bytes:
        """2 or 3, which tells the two ordinates apart, and the abscissa. Source: SEC 1, section 2.3.3."""
        ratio = self.field.times(point.y, self.field.inverse(point.x)) if point.x else 0
        return bytes([2 | ratio & 1]) + self.octets_of(point.x)

    def octets_of(self, element: int) -> bytes:
        """A field element, most significant byte first."""
        return self.field.gather(element).to_bytes(self.field_octets, "big")

    def decompress(self, octets: bytes) -> Point:
        """The point of 22 or 37 bytes. Raises BadPoint for others, and for points whose order divides the cofactor.

        Points outside the group of prime order pass: key agreement multiplies by the cofactor.
        Source: SEC 1, section 2.3.4.
        """
        if len(octets) != self.point_octets or octets[0] not in (2, 3):
            raise BadPoint(f"a compressed point of {self.name} has {self.point_octets} bytes, the first of them 2 or 3")
        bits = int.from_bytes(octets[1:], "big")
        if bits >> self.field.degree or bits == 0:
            raise BadPoint("an abscissa outside the field, or zero")
        x = self.field.spread(bits)
        target = x ^ self._a ^ self.field.squared(self.field.inverse(x))
        ratio = self.field.half_trace(target)
        if self.field.squared(ratio) ^ ratio != target:
            raise BadPoint(f"an abscissa of no point of {self.name}")
        point = Point(x, self.field.times(x, ratio ^ (ratio ^ octets[0]) & 1))
        if self.times_cofactor(point) is None:
            raise BadPoint("a point of small order")
        return point

    def times_cofactor(self, point: Point | None) -> Point | None:
        """A point doubled until it is in the group of prime order."""
        for _ in range(self.doublings):
            point = self.double(point)
        return point


SECT163K1 = Curve(
    BinaryField(163, (7, 6, 3, 0)),
    a=1,
    generator=(0x02FE13C0537BBC11ACAA07D793DE4E6D5E5C94EEE8, 0x0289070FB05D38FF58321F2E800536D538CCDAA3D9),
    order=0x04000000000000000000020108A2E0CC0D99F8A5EF,
    doublings=1,
    name="sect163k1",
)
SECT283K1 = Curve(
    BinaryField(283, (12, 7, 5, 0)),
    a=0,
    generator=(
        0x0503213F78CA44883F1A3B8162F188E553CD265F23C1567A16876913B0C2AC2458492836,
        0x01CCDA380F1C9E318D90F95D07E5426FE87E45C0E8184698E45962364E34116177DD2259,
    ),
    order=0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE9AE2ED07577265DFF7F94451E061E163C61,
    doublings=2,
    name="sect283k1",
)
