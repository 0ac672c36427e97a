"""Imports go one way, and nowhere in a circle."""

import subprocess
import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "drivers", "mqtt", "portal", "simulators")


def test_every_import_contract_is_kept() -> None:
    lint = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert lint.returncode == 0, lint.stdout[-2000:]


def test_no_module_is_in_an_import_cycle() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None, exclude_type_checking_imports=True)
    leaving = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    removed = set(leaving)
    while removed:
        removed = {module for module, imported in leaving.items() if not imported & leaving.keys()}
        leaving = {module: imported for module, imported in leaving.items() if module not in removed}
    entered = {module for imported in leaving.values() for module in imported}
    assert not leaving.keys() & entered, f"modules that import each other: {sorted(leaving.keys() & entered)}"
