"""Launches that end what they began, for programs that die while they wait for it."""

from __future__ import annotations

from typing import Any

from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingJob, TrainingStatus
from runctl_tui.services.action_checks import given_with_launch
from runctl_tui.services.safe_cleanup import last_view
from tests.services.actions_rig import OPTIONS
from tests.services.crash_hosts import HostRig
from tests.services.dying import Act, Part

JOB = TrainingJob("train.py", project_root=".", name="tiny", output_dest="s3://my-runs/tiny")
REQUEST = LaunchRequest(OPTIONS, job=JOB, terminate_after=True)


class EndingRig(HostRig):
    """A program whose runs end, and reach S3, while it waits for them."""

    @property
    def machine(self) -> Any:
        """The one that was launched, or None."""
        made = [one for one in self.provider.machines.values() if one.name == OPTIONS.name]
        return made[0] if made else None

    async def _sleep(self, seconds: float) -> None:
        for run_id, status in self.host.runs.items():
            if status is TrainingStatus.COMPLETED:
                self.host.sent.add(run_id)
            self.host.runs[run_id] = TrainingStatus.COMPLETED
        await super()._sleep(seconds)

    async def _terminate(self, key: str) -> None:
        plan = await self.actions.plan(Operation.TERMINATE, [key])
        view = await last_view(self.jobs, await self.actions.commit(plan, given_with_launch(plan)))
        assert view.ok, view.result


def _others(rig: Any) -> list[Part]:
    host = Part(rig.host, ("runs", "processes", "sent", "calls"), ("start", "send_code"))
    return [host, Part(rig.book, (), ("remember",))]


def _ended(rig: Any) -> bool:
    return rig.machine is not None and rig.machine.state in (ResourceState.TERMINATING, ResourceState.TERMINATED)


ENDING = Act(
    Operation.LAUNCH,
    EndingRig,
    lambda rig: rig.actions.plan_launch(REQUEST),
    _others,
    most=3,
    makes=True,
    rows=lambda rig: len(rig.provider.calls),
    holds=lambda rig: rig.no_run_is_lost(),
    done=_ended,
)
"""Create, start, wait, terminate."""
