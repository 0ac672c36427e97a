"""Tests of the guide carry known rules, and say which sentence they are about."""

from tests.rules import RULES, guide_tests, rules_of


def test_a_test_of_the_guide_names_rules_that_exist_and_quotes_them() -> None:
    assert len(RULES) == len(set(RULES)) == 209
    wrong = []
    for path, name, words in guide_tests():
        carried = rules_of(name)
        if not set(carried) <= set(RULES) or (carried and not all(rule in words for rule in carried)):
            wrong.append(f"{path.name}::{name}")
    assert wrong == []
