"""The environment of a process on a sandbox host, built from nothing so that no credential of ours leaks in."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INSTANCE_MARK: Final = "RUNCTL_SANDBOX_INSTANCE"
FOLDER_MARK: Final = "RUNCTL_SANDBOX_FOLDER"
RUN_MARK: Final = "RUNCTL_RUN_ID"
"""The variable that the agent gives to everything that a run starts."""


@dataclass(frozen=True, slots=True)
class HostEnvironment:
    """What every process of a sandbox's hosts is told."""

    folder: Path
    """The sandbox's folder; with the instance id it marks the processes that belong to a host."""
    shims: Path
    """Folder of commands that stand before the system's."""
    endpoint_url: str
    imds_url: str

    def of(self, instance_id: str, region: str, home: Path) -> dict[str, str]:
        """Return the whole environment of a process on an instance."""
        return {
            "HOME": str(home),
            "PWD": str(home),
            "USER": "ubuntu",
            "LOGNAME": "ubuntu",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "PATH": f"{home}/.local/bin:{self.shims}:{Path(sys.executable).parent}:{SYSTEM_PATH}",
            "TMPDIR": str(home / ".tmp"),
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{self.imds_url}/{instance_id}",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "RUNCTL_DATA_DIR": str(home / "mnt" / "data"),
            "RUNCTL_SANDBOX": "1",
            INSTANCE_MARK: instance_id,
            FOLDER_MARK: str(self.folder),
        }
