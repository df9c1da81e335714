"""Rules about who may do what where: read-only mode, accounts, ownership, protections, our own journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.instance import TAG_OWNER, TAG_PROTECT_UNTIL
from runctl_tui.domain.plan import Level, Operation, Reason
from runctl_tui.domain.protection import protected_until, protecting_tag
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.safety.facts import AccountLabel, SafetyFacts
from runctl_tui.domain.safety.reasons import TRAINING, block, known_or_none, offering, owned, takes_over, warn
from runctl_tui.domain.states import COPYING, DESTROYING, IN_S3

COOL_DOWN: Final = timedelta(seconds=60)
"""Between taking a protection away and destroying what it protected."""
_DOCTOR: Final = "try again; runctl-tui doctor says which permission is missing"


def read_only(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D01: nothing changes in read-only mode."""
    if not facts.policy.read_only:
        return None
    return block("ro_mode", f"read-only: {facts.policy.read_only}", Level.NEVER, offer=facts.policy.unlock)


def identity_changed(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D02: the account at the call is the account of the plan."""
    if facts.planned_account is None:
        return None
    now = known_or_none(facts.account)
    if now == facts.planned_account or (now is None and not facts.planned_account):
        return None
    text = f"the plan was made for account {facts.planned_account or '(unknown)'}, this is {now or 'unknown'} now"
    return block("identity_changed", text, Level.NEVER, offer="make the plan again")


def account_unlisted(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D03: what cannot be undone needs to know whose account it is."""
    if operation not in DESTROYING:
        return None
    match facts.account:
        case Unknown(reason, todo):
            why = "; ".join(part for part in (reason, todo) if part)
            return block(
                "account_unlisted", f"whose account this is could not be told: {why}", Level.NEVER, offer=_DOCTOR
            )
        case Known(account) if facts.policy.label(account) is AccountLabel.UNLISTED:
            if not account:
                text = "the provider does not say which account this is"
                return block("account_unlisted", text, Level.NEVER, offer=_DOCTOR)
            text = f"nobody has said yet whether account {account} is a production account"
            found = block("account_unlisted", text, Level.NEVER, offer=_label(account))
            return replace(found, offer_references=(account,))
    return None


def production_account(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D04: nothing is destroyed in a production account."""
    account = known_or_none(facts.account)
    if operation not in DESTROYING or not account:
        return None
    if facts.policy.label(account) is not AccountLabel.PRODUCTION:
        return None
    offer = "stop it instead" if operation is Operation.TERMINATE else ""
    return block("prod_account", f"account {account} is marked production", offer=offer)


def foreign(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D05: what this tool did not make is not touched before somebody claims it."""
    if not takes_over(operation, facts) or facts.local:
        return None
    it, key = owned(operation, facts)
    match facts.ownership:
        case Known(Ownership.FOREIGN):
            made = f"{it} was not made by this tool"
        case Known(Ownership.RUNCTL):
            made = f"{it} was made by runctl and has no owner"
        case _:
            return None
    offer = f"if it is yours, claim it: {facts.no_tags}" if facts.no_tags else "claim it first, if it is yours"
    reason = block("foreign", made, Level.NEVER, offer=offer)
    return reason if facts.no_tags else offering(reason, Operation.CLAIM, key)


def other_owner(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D06: what is another person's is not destroyed, and not stopped in passing; a bucket is its objects' owner's."""
    if operation in TRAINING or not (takes_over(operation, facts) or operation in IN_S3):
        return None
    if known_or_none(facts.ownership) is not Ownership.OTHER:
        return None
    owner = _tags(facts).get(TAG_OWNER)
    text = f"{owned(operation, facts)[0]} belongs to {owner or 'somebody else'}"
    if operation in DESTROYING:
        return block("other_owner", text, offer=f"ask {owner or 'its owner'}")
    return warn("other_owner", text, Level.YES if operation in COPYING else Level.NAME)


def ownership_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D05 and D06 with an unknown: whose it is must be known."""
    if not takes_over(operation, facts) or facts.local or not isinstance(facts.ownership, Unknown):
        return None
    return block(
        "owner_unknown", f"whose it is could not be told: {facts.ownership.reason}", Level.NEVER, offer=_DOCTOR
    )


def tag_protected(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D07: a protecting tag with any value but 'false' protects."""
    tags = _tags(facts)
    held = protecting_tag(tags)
    if not held:
        return None
    text = f"the tag {held}={tags[held]} protects it"
    if operation in DESTROYING:
        return block("tag_protected", text, Level.NEVER, offer=f"remove the tag {held} first")
    if operation in COPYING:
        return warn("tag_protected", text)
    careful = operation in (Operation.STOP, Operation.VOLUME_DETACH)
    return warn("tag_protected", text, Level.NAME) if careful else None


def cooling_down(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D07: what was unprotected a moment ago is not destroyed in the same breath."""
    since = facts.unprotected_at
    if operation not in DESTROYING or since is None or facts.at - since >= COOL_DOWN:
        return None
    left = (COOL_DOWN - (facts.at - since)).total_seconds()
    text = "its protection was taken away less than a minute ago"
    return block("cooling_down", text, Level.NEVER, offer=f"think again, and come back in {left:.0f} s")


def protect_until(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D08: a date protects until it has passed, and also when it cannot be read."""
    why = protected_until(_tags(facts), facts.at)
    if operation not in DESTROYING or not why:
        return None
    return block("protect_until", why, Level.NEVER, offer=f"change the tag {TAG_PROTECT_UNTIL} first")


def tags_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D09: tags that could not be read may hold a protection."""
    if operation in COPYING and isinstance(facts.tags, Unknown):
        return warn("tags_unknown", f"whether the bucket is protected could not be read: {facts.tags.reason}")
    if operation not in DESTROYING or not isinstance(facts.tags, Unknown):
        return None
    return block("tags_unknown", f"its tags could not be read: {facts.tags.reason}", offer=_DOCTOR)


def api_protected(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D10 and D11: the provider's own locks are cleared by a plan of their own, and never on the way."""
    lock = known_or_none(facts.protection)
    if lock is None or facts.local:
        return None
    if operation is Operation.TERMINATE and (lock.termination or lock.stop):
        which = "termination" if lock.termination else "stop"
        offer = f"switch {which} protection off first: unprotect, in a plan of its own"
        return block("api_protected", f"the provider's {which} protection is on", Level.NEVER, offer=offer)
    if operation is Operation.STOP and lock.stop:
        offer = "switch stop protection off first: unprotect, in a plan of its own"
        return block("api_stop_protected", "the provider's stop protection is on", Level.NEVER, offer=offer)
    return None


def protection_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D10 and D11 with an unknown: a lock that could not be read may be closed."""
    if operation not in (Operation.TERMINATE, Operation.STOP) or not isinstance(facts.protection, Unknown):
        return None
    text = f"the provider's protections could not be read: {facts.protection.reason}"
    return block("protection_unknown", text, Level.NEVER, offer=_DOCTOR)


def reconcile_first(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D44: an earlier call whose outcome is unknown comes first."""
    if facts.open_rows == ():
        return None
    if facts.open_rows is None:
        offer = "runctl-tui doctor says what is wrong with the state folder"
        return block("reconcile_first", "the journal could not be read", Level.NEVER, offer=offer)
    text = f"unsettled: {', '.join(facts.open_rows)}"
    return block("reconcile_first", text, Level.NEVER, offer="wait until the earlier call is settled")


def no_journal(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D45: what is not written down first is not done."""
    if facts.journal_ok:
        return None
    return block("no_journal", "the journal cannot be written", Level.NEVER, offer="make room in the state folder")


def _label(account: str) -> str:
    return f"say so once: runctl-tui config set safety.ordinary_accounts {account}, or safety.production_accounts"


def _tags(facts: SafetyFacts) -> dict[str, str]:
    return dict(facts.tags.value) if isinstance(facts.tags, Known) else {}
