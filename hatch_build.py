"""Build hook: the C kernels into a wheel or beside their source, where a C compiler is; without one nothing is missed.

A wheel with the library is for this platform and every Python 3; one without it is pure. The library bears a digest of
its source, so that an old one is never taken for a new one.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("portal/usage/kernel")
SOURCES = ("kernels.c", "fields.h", "blocks.h")
LIBRARY = "kernels.so"
FLAGS = ("-std=c11", "-O3", "-Wall", "-Wextra", "-fPIC", "-shared")
COMPILE_S = 120.0


def compiler() -> list[str]:
    """The C compiler that CC names, or the system's; empty if there is none."""
    words = shlex.split(os.environ.get("CC", "cc"))
    return words if words and shutil.which(words[0]) else []


def compile_kernels(folder: Path, library: Path, flags: Sequence[str] = FLAGS) -> bool:
    """Compile the sources of a folder to a library, put in its place at once; whether there is one now."""
    command, made = compiler(), library.with_name(f"{library.name}.{os.getpid()}")
    if not command:
        return False
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in SOURCES)).hexdigest()
    command += [*flags, f'-DKERNELS_DIGEST="{digest}"', str(folder / SOURCES[0]), "-o", str(made)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=COMPILE_S, check=False)  # noqa: S603 # its own words
    except (OSError, subprocess.TimeoutExpired):
        return False
    if done.returncode:
        made.unlink(missing_ok=True)
        return False
    made.replace(library)
    return True


class KernelHook(BuildHookInterface[Any]):
    """Adds the library to what is built, and says for which machines it is then."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a wheel, editable or not, is put together."""
        folder = Path(self.root) / FOLDER
        if compile_kernels(folder, folder / LIBRARY):
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["artifacts"].append(str(FOLDER / LIBRARY))
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform}"
        else:
            (folder / LIBRARY).unlink(missing_ok=True)
