"""Koblitz curves as small devices compute on them: Frobenius maps instead of doublings, windows instead of spaces.

A point is a pair of integers, bit i for x^i, or None at infinity. Squaring both coordinates is an endomorphism, tau,
and costs next to nothing, so a scalar is written in base tau with digits 0, 1 and -1.
Source: SEC 2, sections 3.2.1 and 3.4.1; J. Solinas, "Efficient arithmetic on Koblitz curves", 2000.
"""

from functools import cached_property

Pair = tuple[int, int] | None


class Koblitz:
    """y^2 + xy = x^3 + ax^2 + 1 modulo the polynomial x^degree + tail; cofactor times order points in all."""

    def __init__(self, degree: int, tail: int, a: int, base: tuple[int, int], order: int) -> None:
        self.degree, self.a, self.base, self.order = degree, a, base, order
        self.cofactor = 2 if a else 4
        self.size = (degree + 7) // 8
        self._modulus = 1 << degree | tail
        self._taps = [place for place in range(tail.bit_length()) if tail >> place & 1]
        self._mask = (1 << degree) - 1
        self._mu = 1 if a else -1

    def reduce(self, poly: int) -> int:
        """A polynomial modulo the field's."""
        while poly > self._mask:
            high, poly = poly >> self.degree, poly & self._mask
            for tap in self._taps:
                poly ^= high << tap
        return poly

    def mul(self, left: int, right: int) -> int:
        """A product, by windows of four bits."""
        window = [0, right]
        for index in range(1, 8):
            double = window[index] << 1
            window += (double, double ^ right)
        total = 0
        for octet in left.to_bytes(self.size, "big"):
            total = total << 8 ^ window[octet >> 4] << 4 ^ window[octet & 15]
        return self.reduce(total)

    def sqr(self, poly: int) -> int:
        """A square: a binary numeral read in base 4 is the polynomial with its bits moved apart."""
        return self.reduce(int(f"{poly:b}", 4))

    def inv(self, poly: int) -> int:
        """The inverse of anything but 0, by Euclid's algorithm."""
        assert poly
        u, v, g, h = poly, self._modulus, 1, 0
        while u != 1:
            shift = u.bit_length() - v.bit_length()
            if shift < 0:
                u, v, g, h, shift = v, u, h, g, -shift
            u ^= v << shift
            g ^= h << shift
        return self.reduce(g)

    @cached_property
    def _half_traces(self) -> list[int]:
        """The half-trace of each power of x: being linear, it is known everywhere by these."""
        table = []
        for place in range(self.degree):
            term = total = 1 << place
            for _ in range(self.degree // 2):
                term = self.sqr(self.sqr(term))
                total ^= term
            table.append(total)
        return table

    def on_curve(self, point: tuple[int, int]) -> bool:
        """Whether a pair is a point."""
        x, y = point
        return self.mul(y, y ^ x) == self.mul(self.sqr(x), x ^ self.a) ^ 1

    def pack(self, point: tuple[int, int]) -> bytes:
        """Compressed: 2 or 3, then x."""
        x, y = point
        return bytes([2 + (self.mul(y, self.inv(x)) & 1 if x else 0)]) + x.to_bytes(self.size, "big")

    def unpack(self, octets: bytes) -> tuple[int, int]:
        """The point of compressed octets. Raises ValueError for what is none, or has an order of at most 4."""
        x = int.from_bytes(octets[1:], "big")
        if len(octets) != self.size + 1 or octets[0] not in (2, 3) or not 0 < x <= self._mask:
            raise ValueError("no compressed point")
        want = x ^ self.a ^ self.sqr(self.inv(x))
        z = 0
        for place, half in enumerate(self._half_traces):
            if want >> place & 1:
                z ^= half
        if self.sqr(z) ^ z != want:
            raise ValueError("no point has this abscissa")
        point = (x, self.mul(x, z ^ 1 if (z ^ octets[0]) & 1 else z))
        if self.add(self.add(point, point), self.add(point, point)) is None:
            raise ValueError("a point of small order")
        return point

    def add(self, left: Pair, right: Pair) -> Pair:
        """A sum in plain coordinates."""
        if left is None or right is None:
            return left or right
        (x1, y1), (x2, y2) = left, right
        if x1 != x2:
            slope = self.mul(y1 ^ y2, self.inv(x1 ^ x2))
        elif y1 == y2 and x1:
            slope = x1 ^ self.mul(y1, self.inv(x1))
        else:
            return None
        x3 = self.sqr(slope) ^ slope ^ x1 ^ x2 ^ self.a
        return x3, self.mul(slope, x1 ^ x3) ^ x3 ^ y1

    def times(self, scalar: int, point: Pair) -> Pair:
        """A multiple: squarings of projective coordinates (X/Z, Y/Z^2), and an addition for each digit."""
        if point is None:
            return None
        x, y = point
        total = (1, 0, 0)
        for digit in reversed(self._tau_digits(scalar)):
            total = (self.sqr(total[0]), self.sqr(total[1]), self.sqr(total[2]))
            if digit:
                total = self._plus(total, (x, y if digit > 0 else x ^ y))
        return self._plain(total)

    def _plain(self, total: tuple[int, int, int]) -> Pair:
        if total[2] == 0:
            return None
        inverse = self.inv(total[2])
        return self.mul(total[0], inverse), self.mul(total[1], self.sqr(inverse))

    def _plus(self, total: tuple[int, int, int], point: tuple[int, int]) -> tuple[int, int, int]:
        """Projective plus plain. Source: Al-Daoud, Mahmod, Rushdan and Kilicman, 2002."""
        (x1, y1, z1), (x2, y2) = total, point
        if z1 == 0:
            return x2, y2, 1
        mul, sqr = self.mul, self.sqr
        z_squared = sqr(z1)
        rise, run = mul(y2, z_squared) ^ y1, mul(x2, z1) ^ x1
        if run == 0:
            double = None if rise else self.add(point, point)
            return (*double, 1) if double else (1, 0, 0)
        c = mul(z1, run)
        z3 = sqr(c)
        e = mul(rise, c)
        x3 = sqr(rise) ^ mul(sqr(run), c ^ self.a * z_squared) ^ e
        return x3, mul(e ^ z3, x3 ^ mul(x2, z3)) ^ mul(x2 ^ y2, sqr(z3)), z3

    def _tau_digits(self, scalar: int) -> list[int]:
        """A scalar as digits for tau^0, tau^1 and so on.

        It is first divided by tau^degree - 1, which is zero on every point, for the rest is half as long as the scalar
        would be. Numbers are pairs (r, s) for r + s tau, and tau^2 = mu tau - 2.
        """
        r, s = self._rest(scalar)
        digits = []
        while r or s:
            digit = 2 - (r - 2 * s) % 4 if r & 1 else 0
            digits.append(digit)
            r -= digit
            r, s = s + self._mu * (r >> 1), -(r >> 1)
        return digits

    def _rest(self, scalar: int) -> tuple[int, int]:
        p, q = self._period
        norm = p * p + self._mu * p * q + 2 * q * q
        # A quotient is the product with the conjugate, p + mu q - q tau, over the norm; rounding keeps the rest short.
        a = (2 * scalar * (p + self._mu * q) + norm) // (2 * norm)
        b = (-2 * scalar * q + norm) // (2 * norm)
        return scalar - (a * p - 2 * b * q), -(a * q + b * p + self._mu * b * q)

    @cached_property
    def _period(self) -> tuple[int, int]:
        """The number tau^degree - 1."""
        r, s = 1, 0
        for _ in range(self.degree):
            r, s = -2 * s, r + self._mu * s
        return r - 1, s


K163 = Koblitz(
    163,
    0xC9,
    1,
    (0x2FE13C0537BBC11ACAA07D793DE4E6D5E5C94EEE8, 0x289070FB05D38FF58321F2E800536D538CCDAA3D9),
    0x4000000000000000000020108A2E0CC0D99F8A5EF,
)
K283 = Koblitz(
    283,
    0x10A1,
    0,
    (
        0x503213F78CA44883F1A3B8162F188E553CD265F23C1567A16876913B0C2AC2458492836,
        0x1CCDA380F1C9E318D90F95D07E5426FE87E45C0E8184698E45962364E34116177DD2259,
    ),
    0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE9AE2ED07577265DFF7F94451E061E163C61,
)
