"""What keeps a machine from its end, as its page says it."""

from __future__ import annotations

import pytest

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import ApiProtection
from runctl_tui.domain.protection import protection_words
from runctl_tui.domain.resource import Ownership
from tests.fakes import START

OFF = Known(ApiProtection(termination=False, stop=False), START, "EC2")
ON = Known(ApiProtection(termination=True, stop=False), START, "EC2")
STOP = Known(ApiProtection(termination=False, stop=True), START, "EC2")


@pytest.mark.parametrize(
    ("tags", "lock", "words", "held"),
    [
        ({}, OFF, "nothing protects it", False),
        ({"runctl:protected": "false"}, OFF, "nothing protects it", False),
        ({}, ON, "termination protection on", True),
        ({}, STOP, "stop protection on", True),
        ({"runctl:important": "yes"}, ON, "tag runctl:important=yes, termination protection on", True),
        ({"runctl:protect-until": "2099-01-01"}, OFF, "protected until 2099-01-01", True),
        ({"runctl:protect-until": "soon"}, OFF, "the date 'soon' in runctl:protect-until cannot be read", True),
        ({}, Unknown("denied"), "the provider's locks are not known: denied", True),
    ],
)
def test_all_that_protects_is_named(tags: dict[str, str], lock: Fact[ApiProtection], words: str, held: bool) -> None:
    assert protection_words(tags, lock, START) == (words, held)


def test_what_runctl_made_is_called_so() -> None:
    assert Ownership.RUNCTL.words == "runctl, unclaimed"
    assert Ownership.OURS.words == "ours"
