"""The C kernels under AddressSanitizer and UndefinedBehaviorSanitizer, on damaged files."""

import os
import subprocess
import sys
from pathlib import Path

from hatch_build import FLAGS, FOLDER, compile_kernels, compiler
from tests.servers import need

SANITIZERS = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def test_the_c_kernels_touch_no_byte_that_is_not_theirs(tmp_path: Path) -> None:
    need(compiler(), "a C compiler", "gcc")
    library = tmp_path / "kernels.so"
    need(compile_kernels(FOLDER, library, (*FLAGS, *SANITIZERS)), "a C compiler with sanitizers", "gcc")
    found = subprocess.run([*compiler(), "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
    done = subprocess.run(
        [sys.executable, "-m", "tests.portal.usage.sanitized", library],
        env={**os.environ, "LD_PRELOAD": found, "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
