"""From an instance to the session and the agent on it; runs, checkpoints, launches and shells go through here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.services.errors import HostUnreachable

if TYPE_CHECKING:
    from runctl_tui.domain.instance import Instance
    from runctl_tui.services.hosts.session import HostSession
    from runctl_tui.services.hosts.ssh import SshPool
    from runctl_tui.services.ports import ProviderRegistry, SshTarget
    from runctl_tui.services.training.agent_client import AgentClient


class HostBook:
    """Finds hosts; connections are made at their first use and shared by everybody."""

    def __init__(
        self,
        registry: ProviderRegistry,
        pool: SshPool,
        local: HostSession,
        retry: ExponentialBackoffPolicy = ExponentialBackoffPolicy(),  # noqa: B008 - frozen
    ) -> None:
        self._retry = retry
        self._registry = registry
        self._pool = pool
        self._local = local
        self._agents: dict[int, AgentClient] = {}
        self._instances: dict[str, Instance] = {}
        pool.expected_keys = self._expected_keys

    async def session(self, instance: Instance) -> HostSession:
        """Return the session of a running machine; HostUnreachable says why there is none."""
        if instance.state is not ResourceState.RUNNING:
            raise HostUnreachable(
                f"{instance.name or instance.id} cannot be reached",
                f"it is {instance.state.value}",
                "start it first" if instance.state is ResourceState.STOPPED else "",
                code="host.off" if instance.state is ResourceState.STOPPED else "",
            )
        target = await self._registry.get(instance.provider).ssh_target(instance)
        if target is None:
            return self._local
        self._instances[target.resource_id] = instance
        return self._pool.host(target)

    async def agent(self, instance: Instance) -> AgentClient:
        """Return the agent of a running machine; it is copied there at its first use."""
        host = await self.session(instance)
        from runctl_tui.services.training.agent_client import AgentClient  # the first rows need no agent

        return self._agents.setdefault(id(host), AgentClient(host, retry=self._retry))

    def abort(self) -> None:
        """Drop every connection at once, from whatever thread or loop."""
        self._pool.abort()

    async def close(self) -> None:
        """Let go of every host at once."""
        await self._pool.close()

    async def _expected_keys(self, target: SshTarget) -> Sequence[str]:
        instance = self._instances.get(target.resource_id)
        if instance is None:
            return ()
        return await self._registry.get(instance.provider).host_keys(instance)
