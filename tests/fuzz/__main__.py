"""`make fuzz`: every parser against inputs that coverage finds, 60 s each, no hang over 1 s, under 256 MB.

    python -m tests.fuzz [seconds] [name ...]

Each parser runs in a process of its own; a line says how many inputs it took. An input that fails is printed in
hexadecimal, so that it can become a test. Exit code 1 if one failed.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 60
OURS = ("drivers", "gateway", "mqtt", "portal", "simulators")
"""The packages whose coverage leads the search."""
MOST_MB, LONGEST_S, LONGEST_INPUT = 256, 1, 4096
_RUNS = re.compile(r"Done (\d+) (?:in|runs)")
_COVERAGE = re.compile(r"cov: (\d+)")
_PEAK = re.compile(r"rss: (\d+)Mb")
_ONE = "METERGATE_FUZZ_TARGET"


def fuzz_one(name: str, arguments: list[str]) -> None:
    """Fuzz one parser in this process, under libFuzzer's options; it ends the process."""
    import atheris  # type: ignore[import-untyped]  # it ships no types, and is here alone: it changes the interpreter

    with atheris.instrument_imports(include=list(OURS)):
        from tests.fuzz.targets import TARGETS
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


def fuzz(name: str, seconds: int) -> bool:
    """Fuzz one parser in a process of its own; whether it stood."""
    with tempfile.TemporaryDirectory() as folder:
        options = [
            f"-max_total_time={seconds}", f"-timeout={LONGEST_S}", f"-rss_limit_mb={MOST_MB}",
            f"-max_len={LONGEST_INPUT}", f"-artifact_prefix={folder}/", "-print_final_stats=1",
        ]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", *options],
            env={**os.environ, _ONE: name},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds * 3 + 60,
            check=False,
        )
        stood = done.returncode == 0 or _only_stalled(name, Path(folder))
        runs, coverage, peak = (found.findall(done.stderr) for found in (_RUNS, _COVERAGE, _PEAK))
        counts = f"{runs[-1] if runs else '?'} inputs, coverage {coverage[-1] if coverage else '?'}"
        say(f"{'ok  ' if stood else 'FAIL'} {name}: {counts}, {peak[-1] if peak else '?'} MB")
        if not stood:
            for found in sorted(os.listdir(folder)):
                with open(f"{folder}/{found}", "rb") as artifact:
                    say(f"     {found}: {artifact.read().hex()}")
            say("     " + "\n     ".join((done.stdout + done.stderr).splitlines()[-30:]))
    return stood


def _only_stalled(name: str, folder: Path) -> bool:
    """Whether all that was found are inputs that took long because the machine was busy: again they take no time."""
    from tests.fuzz.targets import TARGETS

    found = list(folder.iterdir())
    if not found or not all(each.name.startswith("timeout-") for each in found):
        return False
    spent_s = time.process_time()
    for each in found:
        TARGETS[name](each.read_bytes())
    return time.process_time() - spent_s < LONGEST_S


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Fuzz the named parsers, or all; returns how many failed."""
    if _ONE in os.environ:
        fuzz_one(os.environ[_ONE], arguments)
    from tests.fuzz.targets import TARGETS  # after fuzz_one had its chance to import them instrumented

    seconds = int(arguments[0]) if arguments and arguments[0].isdecimal() else SECONDS
    names = [name for name in arguments if not name.isdecimal()] or list(TARGETS)
    return sum(not fuzz(name, seconds) for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
