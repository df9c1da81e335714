"""What the launch dialog learns from the services; errors become problems that the dialog shows itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runctl_tui.domain.facts import Known
from runctl_tui.domain.offer import TypeOffer
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.states import Capability
from runctl_tui.modals.launch_source import MachineChoice, ProviderChoice
from runctl_tui.modals.words import hourly, money
from runctl_tui.services.errors import TrainctlError

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.launch import LaunchPreview, LaunchRequest
    from runctl_tui.domain.plan import Confirmation, Plan
    from runctl_tui.domain.problem import Problem
    from runctl_tui.services.ports_services import Services


class ServicesSource:
    """Implements `modals.launch_source.LaunchSource` on the services."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @property
    def providers(self) -> tuple[ProviderChoice, ...]:
        """Providers in the order of registration."""
        return tuple(
            ProviderChoice(
                name=each.name,
                label=each.label,
                regions=each.regions(),
                why_not_create=each.capabilities.why_not(Capability.CREATE),
                why_not_spot=each.capabilities.why_not(Capability.SPOT),
                default_type=self._services.launcher.default_type(each.name),
            )
            for each in self._services.registry.all()
        )

    @property
    def machines(self) -> tuple[MachineChoice, ...]:
        """Machines of ours that run and whose provider can train."""
        snapshot = self._services.fleet.feed.latest
        rows = snapshot.value if snapshot else ()
        return tuple(_machine(row) for row in rows if self._can_train(row))

    @property
    def budget_left(self) -> str:
        """What is left of this month's budget, or nothing."""
        snapshot = self._services.costs.feed.latest
        left = snapshot.value.left if snapshot else None
        return "" if left is None else money(left)

    def disk_per_month(self, provider: str, region: str, gib: str) -> str:
        """What a root disk of so many GiB costs, or nothing where the price is not known."""
        size = int(gib) if gib.isascii() and gib.isdigit() else 0
        fact = self._services.launcher.disk_month(provider, region, size) if size else None
        return money(fact.value) if isinstance(fact, Known) else ""

    def secret(self, name: str) -> str | None:
        """The value in this program's environment; it goes to the host by standard input only."""
        return os.environ.get(name)

    async def offers(self, provider: str, region: str) -> tuple[TypeOffer, ...] | Problem:
        """What can be bought."""
        try:
            return await self._services.launcher.offers(provider, region)
        except TrainctlError as error:
            return error.to_problem(scope=f"{provider}/{region}")

    async def preview(self, request: LaunchRequest) -> LaunchPreview | Problem:
        """The plan, price and code of a request; changes nothing."""
        try:
            return await self._services.launcher.preview(request)
        except TrainctlError as error:
            return error.to_problem()

    async def commit(self, plan: Plan, confirmation: Confirmation) -> str | Problem:
        """Carry the plan out and return its job's id."""
        try:
            return await self._services.actions.commit(plan, confirmation)
        except TrainctlError as error:
            return error.to_problem()

    async def decline(self, plan: Plan) -> None:
        """Take note that nobody confirmed the plan."""
        await self._services.actions.decline(plan)

    def _can_train(self, row: FleetRow) -> bool:
        ours = row.instance.ownership is Ownership.OURS or row.instance.market is Market.LOCAL
        if row.instance.state is not ResourceState.RUNNING or not ours:
            return False
        try:
            provider = self._services.registry.get(row.instance.provider)
        except TrainctlError:
            return False
        return not provider.capabilities.why_not(Capability.TRAIN)


def _machine(row: FleetRow) -> MachineChoice:
    live = [run.name or run.id for run in row.runs if run.status.live]
    return MachineChoice(
        key=row.key,
        name=row.instance.name or row.instance.id,
        type=row.instance.type,
        where=row.instance.zone or row.instance.region,
        usd_per_hour=hourly(row.price),
        busy=", ".join(live),
    )
