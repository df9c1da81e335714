"""The policy of a machine: it tightens what flags, environment and files say, and never loosens it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from runctl_tui.services.config.files import ConfigPlaces
from runctl_tui.services.config.load import Sources, load
from runctl_tui.services.config.policy import STRICTER
from runctl_tui.services.config.service import ConfigService
from runctl_tui.services.errors import ConfigError, InvalidValue


def sources(folder: Path, policy: str, user: str = "", **flags: str) -> Sources:
    (folder / "policy.toml").write_text(policy)
    (folder / "config.toml").write_text(user)
    return Sources(ConfigPlaces(None, None, folder / "config.toml"), {}, flags, policy=folder / "policy.toml")


MINE = """
[safety]
read_only = false
acknowledge = true
production_accounts = ["111111111111"]
[costs]
cap_per_hour = 5
"""
POLICY = """
[safety]
read_only = true
acknowledge = false
arming = false
production_accounts = ["222222222222"]
[costs]
cap_per_hour = 3
hard_cap_per_hour = 50
"""


def test_the_stricter_of_both_counts_whatever_flags_say(tmp_path: Path) -> None:
    flags = {"safety.read_only": "false", "costs.cap_per_hour": "100"}
    found = load(sources(tmp_path, POLICY, MINE, **flags))
    assert (found.safety.read_only, found.safety.acknowledge, found.safety.arming) == (True, False, False)
    assert found.safety.production_accounts == ("222222222222", "111111111111")
    assert found.costs.cap_per_hour == Decimal(3)
    assert found.costs.hard_cap_per_hour == Decimal(50)
    assert found.origins["safety.read_only"] == f"policy ({tmp_path / 'policy.toml'})"


def test_a_policy_never_loosens(tmp_path: Path) -> None:
    loose = """
[safety]
read_only = false
acknowledge = true
production_accounts = []
[costs]
cap_per_hour = 1000
"""
    found = load(sources(tmp_path, loose, MINE, **{"safety.read_only": "true", "safety.acknowledge": "false"}))
    assert (found.safety.read_only, found.safety.acknowledge) == (True, False)
    assert found.safety.production_accounts == ("111111111111",)
    assert found.costs.cap_per_hour == Decimal(5)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("[aws]\nregion = 'eu-west-1'", "cannot stand in a policy"),
        ("[safety]\nread_only = 'maybe'", "safety.read_only is wrong"),
        ("owner = 'me'", "cannot stand in a policy"),
        ("[safety", "not TOML"),
    ],
)
def test_a_policy_that_is_wrong_lets_nothing_start(tmp_path: Path, policy: str, words: str) -> None:
    with pytest.raises((InvalidValue, ConfigError), match=words):
        load(sources(tmp_path, policy))


def test_without_a_policy_nothing_changes(tmp_path: Path) -> None:
    made = sources(tmp_path, "", MINE)
    (tmp_path / "policy.toml").unlink()
    assert load(made).costs.cap_per_hour == Decimal(5)
    assert load(Sources(made.places)).costs.cap_per_hour == Decimal(5)


def test_what_a_policy_says_is_not_changed_in_settings(tmp_path: Path) -> None:
    settings = ConfigService(sources(tmp_path, POLICY, MINE))
    assert settings.draft("safety.read_only", "false").overruled_by.startswith("policy")
    settings.set("safety.read_only", "false")
    assert settings.value("safety.read_only") is True


def test_every_key_of_a_policy_is_one_of_the_configuration() -> None:
    assert all(key.startswith(("safety.", "costs.")) for key in STRICTER)
