"""The part of RunPod's GraphQL that the official SDK and our client speak: account, GPUs, and what pods go through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from runctl_tui.sandbox.runpod.catalog import COMMUNITY, GPUS, SECURE, gpu
from runctl_tui.sandbox.runpod.pods import Facts, Order, PodRefusal, Pods

CLOUDS: Final = {"SECURE": SECURE, "COMMUNITY": COMMUNITY, "ALL": SECURE}


class Graph:
    """Answers one GraphQL document at a time."""

    def __init__(self, pods: Pods) -> None:
        self._pods = pods
        self._fields: Mapping[str, Callable[[Facts], Any]] = {
            "myself": self._myself,
            "pod": lambda asked: self._pod(asked["podId"]),
            "gpuTypes": self._gpus,
            "podFindAndDeployOnDemand": self._deploy,
            "podStop": lambda asked: self._told(self._pods.stop(asked["podId"])),
            "podResume": lambda asked: self._told(self._pods.start(asked["podId"])),
            "podTerminate": self._terminate,
        }

    def answer(self, text: str) -> Facts:
        """Return `data`, or the error in GraphQL's own shape."""
        from graphql import GraphQLError, parse, value_from_ast_untyped

        try:
            (definition,) = parse(text).definitions
            (field,) = definition.selection_set.selections  # type: ignore[attr-defined]  # queries and mutations have one
            arguments = {one.name.value: value_from_ast_untyped(one.value) for one in field.arguments or ()}
            name = field.name.value
            if name not in self._fields:
                raise PodRefusal(f'Cannot query field "{name}" on this sandbox.')
            whole = self._fields[name](arguments.get("input") or {})
            return {"data": {name: _chosen(whole, field.selection_set)}}
        except (GraphQLError, PodRefusal, KeyError, ValueError, TypeError) as error:
            return {"errors": [{"message": str(error)}], "data": None}

    def _myself(self, asked: Facts) -> Facts:
        self._pods.charge()
        account = self._pods.account
        volumes = [
            {"id": one["id"], "name": one["name"], "size": one["size"], "dataCenterId": one["center"]}
            for one in account["volumes"].values()
        ]
        return {
            "id": account["id"],
            "email": account["email"],
            "pubKey": "\n".join(account["keys"]),
            "clientBalance": round(account["balance"], 4),
            "currentSpendPerHr": round(self._pods.rate(), 4),
            "networkVolumes": volumes,
            "pods": [self._told(one) for one in self._pods.records.values()],
        }

    def _pod(self, pod_id: str) -> Facts | None:
        record = self._pods.records.get(pod_id)
        return self._told(record) if record is not None else None

    def _gpus(self, asked: Facts) -> list[Facts]:
        wanted = asked.get("id")
        return [one.as_graphql() for one in GPUS if wanted in (None, one.id)]

    def _deploy(self, asked: Facts) -> Facts:
        order = Order(
            name=asked["name"],
            gpu=asked["gpuTypeId"],
            count=int(asked.get("gpuCount", 1)),
            cloud=CLOUDS[asked.get("cloudType", "ALL")],
            center=asked.get("dataCenterId") or "",
            image=asked.get("imageName", ""),
            disk=int(asked.get("containerDiskInGb", 10)),
            volume=int(asked.get("volumeInGb", 0)),
            path=asked.get("volumeMountPath", ""),
            network_volume=asked.get("networkVolumeId", ""),
            ports=tuple(part for part in asked.get("ports", "").split(",") if part),
            env=tuple((one["key"], one["value"]) for one in asked.get("env", [])),
            template=asked.get("templateId", ""),
            arguments=asked.get("dockerArgs") or "",
        )
        return self._told(self._pods.create(order))

    def _terminate(self, asked: Facts) -> None:
        self._pods.terminate(asked["podId"])

    def _told(self, record: Facts) -> Facts:
        kind = gpu(record["gpu"])
        ssh = self._pods.ssh(record["id"])
        ports = (
            [{"ip": ssh[0], "isIpPublic": True, "privatePort": 22, "publicPort": ssh[1], "type": "tcp"}] if ssh else []
        )
        return {
            "id": record["id"],
            "name": record["name"],
            "desiredStatus": "EXITED" if record["status"] == "EXITED" else "RUNNING",
            "lastStatusChange": f"since {record['started'] or record['created']}",
            "costPerHr": record["rate"],
            "containerDiskInGb": record["disk"],
            "volumeInGb": record["volume"],
            "volumeMountPath": record["path"],
            "gpuCount": record["count"],
            "imageName": record["image"],
            "env": [f"{key}={value}" for key, value in record["env"].items()],
            "ports": ",".join(record["ports"]),
            "podType": "RESERVED",
            "machineId": f"m-{record['id'][:8]}",
            "vcpuCount": kind.vcpus if kind else 0,
            "memoryInGb": kind.ram if kind else 0,
            "machine": {"gpuDisplayName": kind.name if kind else "", "podHostId": f"{record['id']}-64411eb2"},
            "runtime": {"ports": ports} if record["status"] == "RUNNING" else None,
        }


def _chosen(value: Any, selection: Any) -> Any:
    """Return the fields that were asked for; those that the sandbox does not play are null."""
    if selection is None or value is None:
        return value
    if isinstance(value, list):
        return [_chosen(one, selection) for one in value]
    return {one.name.value: _chosen(value.get(one.name.value), one.selection_set) for one in selection.selections}
