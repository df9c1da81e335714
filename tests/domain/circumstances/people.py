"""Circumstances of who may do what where: read-only mode, accounts, ownership, protections, the journal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import ApiProtection
from runctl_tui.domain.resource import Ownership
from tests.domain.circumstances.telling import Circumstance
from tests.domain.safety_facts import known
from tests.fakes import OWNER, START

ACCOUNT: Final = "111122223333"
LOST: Final = Unknown("throttled")
HERE: Final = {"id": "local", "name": "this machine", "provider": "local", "region": "local"}
TAGLESS: Final = "put your name before its name"


def tags(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"tags": known((("runctl:owner", OWNER), *pairs))}


def ago(**age: float) -> dict[str, Any]:
    return {"unprotected_at": START - timedelta(**age)}


def lock(termination: bool, stop: bool) -> dict[str, Any]:
    return {"protection": known(ApiProtection(termination, stop))}


ACCOUNTS: Final[dict[str, Circumstance]] = {
    "nothing may be changed": {"policy": {"read_only": "the policy of this machine says so"}},
    "changes have to be armed first": {"policy": {"read_only": "changes are not armed", "unlock": ":arm 10m"}},
    "the credentials are of another account now": {"planned_account": "444455556666"},
    "the account can no longer be told": {"account": Unknown("the token has expired", "aws sso login")},
    "the account can no longer be told, and nobody says what to do": {"account": LOST},
    "the account was not known to the plan, nor is it now": {"planned_account": "", "account": LOST},
    "the account was not known to the plan, and is now": {"planned_account": ""},
    "a plan is being made": {"planned_account": None},
    "a plan is being made, and the account cannot be told": {"planned_account": None, "account": LOST},
    "the provider has no account": {"planned_account": "", "account": known("")},
    "nobody has said what the account is": {"policy": {"ordinary_accounts": frozenset()}},
    "it is a production account": {"policy": {"production_accounts": frozenset({ACCOUNT})}},
    "it is a production account, and nobody may argue": {
        "policy": {"production_accounts": frozenset({ACCOUNT}), "acknowledgeable": False}
    },
    "it is the sandbox": {"policy": {"production_accounts": frozenset({ACCOUNT}), "sandbox": True}},
    "nobody has said who this is": {"policy": {"who": ""}},
}
OWNERS: Final[dict[str, Circumstance]] = {
    "somebody else made it": {"ownership": known(Ownership.FOREIGN), "tags": known(())},
    "somebody else made it, where there are no tags": {
        "ownership": known(Ownership.FOREIGN), "tags": known(()), "no_tags": TAGLESS,
    },
    "runctl made it": {"ownership": known(Ownership.RUNCTL), "tags": known(())},
    "runctl made it, where there are no tags": {
        "ownership": known(Ownership.RUNCTL), "tags": known(()), "no_tags": TAGLESS,
    },
    "it is another person's": {"ownership": known(Ownership.OTHER), "tags": known((("runctl:owner", "bob"),))},
    "it is another person's, whom nobody names": {"ownership": known(Ownership.OTHER), "tags": known(())},
    "it is another person's, whose tags cannot be read": {"ownership": known(Ownership.OTHER), "tags": LOST},
    "whose it is cannot be told": {"ownership": LOST},
    "it is this machine": {"target": HERE},
    "it is this machine, and nobody's": {"target": HERE, "ownership": known(Ownership.FOREIGN)},
    "it is this machine, and nothing is known of it": {
        "target": HERE, "ownership": LOST, "state": LOST, "disks": LOST, "checkpoints": LOST,
    },
    "it is this machine, and it is locked": {"target": HERE, **lock(True, True)},
    "it is this machine, which can do nothing": {"target": HERE, "incapable": "it cannot do that"},
    "its provider cannot do that": {"incapable": "RunPod has no such thing"},
}  # fmt: skip
PROTECTIONS: Final[dict[str, Circumstance]] = {
    "a tag protects it": tags(("runctl:protected", "yes")),
    "an empty tag protects it": tags(("runctl:important", "")),
    "a third tag protects it": tags(("runctl:persistent", "1")),
    "a tag says that nothing protects it": tags(("runctl:protected", "false"), ("runctl:important", " False ")),
    "it was unprotected just now": ago(seconds=0),
    "it was unprotected 59 seconds ago": ago(seconds=59),
    "it was unprotected a minute ago": ago(seconds=60),
    "it is protected until the end of today": tags(("runctl:protect-until", "2026-11-10")),
    "it was protected until this second": tags(("runctl:protect-until", START.isoformat())),
    "it is protected until something": tags(("runctl:protect-until", "next week")),
    "its tags cannot be read": {"tags": LOST},
    "termination protection is on": lock(True, False),
    "stop protection is on": lock(False, True),
    "both protections are on": lock(True, True),
    "its protections cannot be read": {"protection": LOST},
    "an earlier call is not settled": {"open_rows": ("terminate sent",)},
    "two earlier calls are not settled": {"open_rows": ("stop sent", "terminate sent")},
    "the journal cannot be read": {"open_rows": None},
    "the journal cannot be written": {"journal_ok": False},
}
