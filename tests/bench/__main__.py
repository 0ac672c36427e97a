"""`make bench`: every benchmark of this folder in one run, each with its peers beside it.

    python -m tests.bench [name ...]

Each is a program of its own in a process of its own, so that none finds the others' memory or modules. They
print their settings, rates, and ratios against peers measured a moment apart on the same machine: only the ratios say
anything elsewhere. Takes some ten minutes; exit code 1 if a benchmark fails or takes too long.
"""

import ast
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIRST = ("pipeline", "echo", "interval_files")
MOST_S = 420.0


def benchmarks() -> list[Path]:
    """Every benchmark of the folder: the known ones in their order, then whatever else lies there."""
    found = {path.stem: path for path in sorted(HERE.glob("*.py")) if not path.stem.startswith("_")}
    return [found.pop(name) for name in FIRST] + list(found.values())


def heading(path: Path) -> str:
    """The first sentence of a benchmark's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem).splitlines()[0]


def run(path: Path) -> bool:
    """Run one benchmark under its heading; whether it came to its end in time."""
    say(f"\n== {heading(path)}\n   tests/bench/{path.name}\n")
    began = time.perf_counter()
    try:
        code = subprocess.run([sys.executable, path], cwd=HERE.parents[1], timeout=MOST_S, check=False).returncode
    except subprocess.TimeoutExpired:
        say(f"FAIL it took longer than {MOST_S:.0f} s")
        return False
    say(f"FAIL it ended with {code}" if code else f"   ({time.perf_counter() - began:.0f} s)")
    return code == 0


def say(text: str) -> None:
    """Print a line at once, before what the next process prints."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; returns how many failed."""
    chosen = [path for path in benchmarks() if not names or path.stem in names]
    began = time.perf_counter()
    failed = [path.stem for path in chosen if not run(path)]
    say(f"\n{len(chosen)} benchmarks in {time.perf_counter() - began:.0f} s" + "".join(f"; {n} failed" for n in failed))
    return len(failed) if chosen else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
