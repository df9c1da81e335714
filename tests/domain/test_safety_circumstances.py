"""What people read in each circumstance: level, words, facts and offers, as `circumstances/told/` keeps them."""

from __future__ import annotations

from itertools import product

import pytest

from runctl_tui.domain.safety import RULES
from tests.domain.circumstances.sections import FOLDER, SECTIONS, TABLES
from tests.domain.circumstances.telling import under


@pytest.mark.parametrize("section", SECTIONS)
def test_what_is_told_is_what_people_have_read(section: str) -> None:
    """After a change on purpose: `make circumstances`, and read what `git diff` shows."""
    assert SECTIONS[section]().splitlines() == (FOLDER / f"{section}.txt").read_text("utf-8").splitlines()


def test_no_file_tells_what_nobody_asks() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(SECTIONS)


def test_every_rule_speaks_in_some_circumstance() -> None:
    silent = set(RULES)
    for table, operations in TABLES.values():
        for operation, circumstance in product(operations, table.values()):
            facts = under(operation, circumstance).fresh()
            silent -= {rule for rule in silent if rule(operation, facts) is not None}
    assert not silent
