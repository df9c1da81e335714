"""RunPod from the configuration, or from the sandbox that plays it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runctl_tui.services.runpod.settings import API, RunpodSettings

if TYPE_CHECKING:
    from runctl_tui.domain.secret import Secret
    from runctl_tui.wiring.ground import Place


def runpod_settings(place: Place, key: Secret, url: str = API, key_files: tuple[str, ...] = ()) -> RunpodSettings:
    """Return what the provider is told."""
    config = place.configuration
    return RunpodSettings(
        state_dir=place.state,
        owner=place.owner,
        key=key,
        url=url,
        image=config.runpod.default_image,
        disk_gib=config.runpod.default_disk_gb,
        key_files=key_files,
        overrides=config.ssh.overrides,
        retry=config.retry.http,
        warn_at=config.safety.max_instances_warn,
        block_at=config.safety.max_instances_block,
    )
