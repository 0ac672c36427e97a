"""Arithmetic in the binary fields GF(2^m), fast enough in pure Python to need no thread.

Python multiplies integers quickly and polynomials over GF(2) not at all. So an element is held *spread*: bit i of the
polynomial stands at bit 9i of an integer. A product of two such integers then counts, at each ninth bit, how many terms
met there; at most 283 do, which nine bits hold, and the count's lowest bit is the coefficient over GF(2).
"""

_SPACING = 9
_MOST_DEGREE = (1 << _SPACING) - 1


class BinaryField:
    """The field of polynomials over GF(2) modulo x^degree + x^k for each k of lower.

    Elements are spread integers; spread() and gather() convert from and to the usual form, bit i for x^i. Elements are
    added with ^. Wide gaps between degree and lower make the reduction two folds.
    """

    def __init__(self, degree: int, lower: tuple[int, ...]) -> None:
        assert degree <= _MOST_DEGREE
        assert max(lower) < degree // 8
        self.degree = degree
        self._shifts = tuple(_SPACING * exponent for exponent in lower)
        self._width = _SPACING * degree
        self._low = (1 << self._width) - 1
        self._coefficients = sum(1 << _SPACING * place for place in range(2 * degree))

    def spread(self, bits: int) -> int:
        """An element from its usual form, which has at most degree bits: three octal digits stand for each bit."""
        assert bits >> self.degree == 0
        return int(f"{bits:b}".replace("0", "000").replace("1", "001"), 8)

    def gather(self, element: int) -> int:
        """An element's usual form."""
        return int(f"{element:o}"[::-1][::3][::-1], 2)

    def times(self, left: int, right: int) -> int:
        """The product of two elements."""
        return self._reduced(left * right & self._coefficients)

    def squared(self, element: int) -> int:
        """An element times itself: the mixed terms come in pairs and vanish."""
        return self._reduced(element * element & self._coefficients)

    def inverse(self, element: int) -> int:
        """The element that gives 1 with this one, by Fermat's theorem. Raises ZeroDivisionError for 0.

        Source: Itoh and Tsujii, 1988: with r(k) = a^(2^k - 1), r(j + k) = r(j)^(2^k) r(k).
        """
        if element == 0:
            raise ZeroDivisionError("0 has no inverse")
        ones, count = element, 1
        for bit in f"{self.degree - 1:b}"[1:]:
            raised = ones
            for _ in range(count):
                raised = self.squared(raised)
            ones, count = self.times(raised, ones), 2 * count
            if bit == "1":
                ones, count = self.times(self.squared(ones), element), count + 1
        return self.squared(ones)

    def half_trace(self, element: int) -> int:
        """A root z of z^2 + z = element, if there is one (degree is odd). Source: SEC 1, section 2.3.4."""
        root = element
        for _ in range((self.degree - 1) // 2):
            root = self.squared(self.squared(root)) ^ element
        return root

    def _reduced(self, product: int) -> int:
        """A product of up to twice the degree, folded below the degree: x^degree equals the lower terms."""
        while high := product >> self._width:
            product &= self._low
            for shift in self._shifts:
                product ^= high << shift
        return product
