"""Kernels for many meter-days at once: those compiled from C where they are, numpy's otherwise."""

from functools import cache

from portal.usage.kernel import c_kernel, numpy_kernel
from portal.usage.kernel.contract import Kernel


@cache
def choice() -> tuple[Kernel, str]:
    """The kernel to use, and why it is not the compiled one; no words if it is."""
    try:
        return c_kernel.opened(), ""
    except c_kernel.Unusable as why:
        return numpy_kernel.NumpyKernel(), str(why)


def chosen() -> Kernel:
    """The kernel to use."""
    return choice()[0]


def told() -> str:
    """A sentence for a person."""
    kernel, why = choice()
    return f"interval kernels: {kernel.name}" + (f"; {why}" if why else ", compiled")
