"""Every rule of the guide with the tests that carry its id, and those that none carries.

    python -m tests.rules [group ...]

A test carries a rule by its name: test_rpt_04_... is RPT-04's, test_nav_02_and_nav_03_... is both of theirs. Groups
such as MTR or RPT narrow the table.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench.echo import say

GUIDE = Path(__file__).parent / "guide"
COUNTS: Mapping[str, int] = {
    "ENT": 5, "NAV": 12, "REG": 32, "MTR": 11, "IMP": 11, "ROR": 7, "MCH": 3, "ACC": 9, "COM": 7, "DUN": 6, "GATE": 2,
    "ADM": 20, "CPR": 6, "PER": 10, "PMI": 7, "RPT": 23, "ODR": 6, "HAN": 5, "CUS": 7, "DEMO": 7, "MAIL": 13,
}  # fmt: skip
"""How many rules each group of the guide's has, numbered from 1."""
RULES = [f"{group}-{number:02}" for group, count in COUNTS.items() for number in range(1, count + 1)]
_CARRIED = re.compile(rf"(?:^test_|_)({'|'.join(COUNTS)})_(\d\d)(?=_|$)", re.IGNORECASE)


def rules_of(name: str) -> list[str]:
    """The ids that a test's name carries."""
    return [f"{group.upper()}-{number}" for group, number in _CARRIED.findall(name)]


def guide_tests() -> Iterator[tuple[Path, str, str]]:
    """Every test of the guide: its file, its name, and what its docstring says."""
    for path in sorted(GUIDE.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield path, node.name, ast.get_docstring(node) or ""


def tests_of_rules() -> dict[str, list[str]]:
    """The tests that carry each rule, as file::name; rules without any have none."""
    found: dict[str, list[str]] = {rule: [] for rule in RULES}
    for path, name, _ in guide_tests():
        for rule in rules_of(name):
            found[rule].append(f"{path.name}::{name}")
    return found


def main(groups: list[str]) -> None:
    """Print the table, then the rules that no test carries."""
    found = tests_of_rules()
    asked = [rule for rule in RULES if not groups or rule.partition("-")[0] in groups]
    for rule in asked:
        for at, test in enumerate(found[rule] or ["-"]):
            say(f"{rule if at == 0 else '':8} {test}")
    without = [rule for rule in asked if not found[rule]]
    say(f"{len(asked) - len(without)} of {len(asked)} rules are carried by tests.")
    if without:
        say(f"Without one: {', '.join(without)}")


if __name__ == "__main__":
    main([word.upper() for word in sys.argv[1:]])
