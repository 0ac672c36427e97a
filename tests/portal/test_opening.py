"""What the processes beside the portal load when they start."""

import subprocess
import sys

import pytest

NOT_THEIRS = ("fastapi", "starlette", "jinja2", "portal.app")


@pytest.mark.parametrize("module", ["portal.files.process", "portal.orders.process", "portal.vee.commands"])
def test_a_process_beside_the_portal_loads_nothing_of_the_web(module: str) -> None:
    program = f"import sys, {module}; print([name for name in {NOT_THEIRS} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
