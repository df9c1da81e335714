"""How a pod is reached over SSH, and which of its host keys RunPod vouches for by the container's own log."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from runctl_tui.domain.instance import TAG_SSH, Instance
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.aws.keys import pair_name
from runctl_tui.services.aws.reach import key_files, parse_address
from runctl_tui.services.errors import HostUnreachable
from runctl_tui.services.hosts.trust import fingerprint
from runctl_tui.services.ports import SshTarget
from runctl_tui.services.runpod.settings import RunpodSettings
from runctl_tui.services.runpod.web import RunpodWeb
from runctl_tui.services.threads import BackendPool

LOG_SECONDS: Final = 6.0
SCAN_SECONDS: Final = 10.0
_FINGERPRINT: Final = re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}\b")


class Reach:
    """Answers how to reach pods."""

    def __init__(self, web: RunpodWeb, settings: RunpodSettings, pool: BackendPool) -> None:
        self._web = web
        self._settings = settings
        self._pool = pool

    async def target(self, pod: Instance) -> SshTarget:
        """Return the way to a pod; HostUnreachable where it has no SSH port at the moment."""
        user, host, port = parse_address(self._address(pod))
        own = pair_name(self._settings.owner)
        files = await self._pool.run(key_files, self._settings.keys, own, self._settings.key_files)
        return SshTarget(resource_id=pod.id, host=host, port=port, user=user or "root", key_files=files)

    async def host_keys(self, pod: Instance) -> tuple[str, ...]:
        """Return the keys that the pod shows and whose fingerprints its own log has, as RunPod hands it out."""
        told = await self._web.log(f"The log of {pod.id} could not be read", pod.id, LOG_SECONDS)
        vouched = {found for line in told.lines for found in _FINGERPRINT.findall(line)}
        if not vouched:
            return ()
        shown = await _shown_key(await self.target(pod))
        return (shown,) if shown and fingerprint(shown) in vouched else ()

    def _address(self, pod: Instance) -> str:
        overrides = self._settings.overrides
        told = overrides.get(pod.id) or overrides.get(pod.name)
        if told:
            return told
        if pod.state is not ResourceState.RUNNING:
            todo = "start it first" if pod.state is ResourceState.STOPPED else ""
            raise HostUnreachable(f"{pod.name or pod.id} cannot be reached", f"it is {pod.state.value}", todo)
        found = pod.tag(TAG_SSH)
        if not found:
            why = "its port 22 is not published (yet), and RunPod's proxy carries no files"
            raise HostUnreachable(f"{pod.name or pod.id} cannot be reached", why, "wait, or create it with 22/tcp")
        return found


async def _shown_key(target: SshTarget) -> str:
    """Return the key that the server shows, nothing where it shows none."""
    import asyncssh

    try:
        async with asyncio.timeout(SCAN_SECONDS):
            key = await asyncssh.get_server_host_key(target.host, target.port, config=[])
    except (OSError, TimeoutError, asyncssh.Error):
        return ""
    return " ".join(key.export_public_key("openssh").decode().split()[:2]) if key is not None else ""
