"""runctl-tui: launch, watch, pay for, keep and clean up machine-learning training from one terminal screen.

The names in `__all__` are the library: the types that the screens use themselves, under the names that runctl gave
them. Each is imported when it is first asked for, so that `import runctl_tui` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from runctl_tui.domain.cost import TrackedResource as TrackedResource
    from runctl_tui.domain.instance import Instance as ResourceStatus
    from runctl_tui.domain.location import DataLocation as DataLocation
    from runctl_tui.domain.offer import CreateResourceOptions as CreateResourceOptions
    from runctl_tui.domain.resource import ResourceState as ResourceState
    from runctl_tui.domain.retry import ExponentialBackoffPolicy as ExponentialBackoffPolicy
    from runctl_tui.domain.retry import RetryPolicy as RetryPolicy
    from runctl_tui.domain.run import ResourceUsage as ResourceUsage
    from runctl_tui.domain.run import TrainingJob as TrainingJob
    from runctl_tui.domain.run import TrainingSession as TrainingSession
    from runctl_tui.domain.run import TrainingStatus as TrainingStatus
    from runctl_tui.domain.safety import CleanupResult as CleanupResult
    from runctl_tui.domain.safety import CleanupSafety as CleanupSafety
    from runctl_tui.services.errors import ConfigError as ConfigError
    from runctl_tui.services.errors import IsRetryable as IsRetryable
    from runctl_tui.services.errors import TrainctlError as TrainctlError
    from runctl_tui.services.ports import TrainingProvider as TrainingProvider
    from runctl_tui.services.registry import Registry as ProviderRegistry
    from runctl_tui.services.safe_cleanup import safe_cleanup as safe_cleanup
    from runctl_tui.services.tracker import ResourceTracker as ResourceTracker
    from runctl_tui.wiring.library import open_services as open_services

_HOMES = {
    "CleanupResult": "runctl_tui.domain.safety:CleanupResult",
    "CleanupSafety": "runctl_tui.domain.safety:CleanupSafety",
    "ConfigError": "runctl_tui.services.errors:ConfigError",
    "CreateResourceOptions": "runctl_tui.domain.offer:CreateResourceOptions",
    "DataLocation": "runctl_tui.domain.location:DataLocation",
    "ExponentialBackoffPolicy": "runctl_tui.domain.retry:ExponentialBackoffPolicy",
    "IsRetryable": "runctl_tui.services.errors:IsRetryable",
    "ProviderRegistry": "runctl_tui.services.registry:Registry",
    "ResourceState": "runctl_tui.domain.resource:ResourceState",
    "ResourceStatus": "runctl_tui.domain.instance:Instance",
    "ResourceTracker": "runctl_tui.services.tracker:ResourceTracker",
    "ResourceUsage": "runctl_tui.domain.run:ResourceUsage",
    "RetryPolicy": "runctl_tui.domain.retry:RetryPolicy",
    "TrackedResource": "runctl_tui.domain.cost:TrackedResource",
    "TrainctlError": "runctl_tui.services.errors:TrainctlError",
    "TrainingJob": "runctl_tui.domain.run:TrainingJob",
    "TrainingProvider": "runctl_tui.services.ports:TrainingProvider",
    "TrainingSession": "runctl_tui.domain.run:TrainingSession",
    "TrainingStatus": "runctl_tui.domain.run:TrainingStatus",
    "open_services": "runctl_tui.wiring.library:open_services",
    "safe_cleanup": "runctl_tui.services.safe_cleanup:safe_cleanup",
}
"""Name -> 'module:attribute'."""

__all__ = [
    "CleanupResult",
    "CleanupSafety",
    "ConfigError",
    "CreateResourceOptions",
    "DataLocation",
    "ExponentialBackoffPolicy",
    "IsRetryable",
    "ProviderRegistry",
    "ResourceState",
    "ResourceStatus",
    "ResourceTracker",
    "ResourceUsage",
    "RetryPolicy",
    "TrackedResource",
    "TrainctlError",
    "TrainingJob",
    "TrainingProvider",
    "TrainingSession",
    "TrainingStatus",
    "__version__",
    "open_services",
    "safe_cleanup",
]


def __getattr__(name: str) -> Any:
    """Import what the name stands for; AttributeError for any other name."""
    if name not in _HOMES:
        raise AttributeError(f"module 'runctl_tui' has no attribute {name!r}")
    import importlib

    module, _, attribute = _HOMES[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
