"""The sandbox's RunPod as a whole: remembered from start to start, hosts behind pods, a key for each run."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.services.sandbox.conftest import Lease, connect, end, wait_for

DEPLOY = """mutation { podFindAndDeployOnDemand(input: { name: "kept", imageName: "image", cloudType: SECURE,
  gpuTypeId: "NVIDIA A40", gpuCount: 2, volumeInGb: 20, containerDiskInGb: 10, volumeMountPath: "/workspace",
  ports: "22/tcp", env: [{ key: "PUBLIC_KEY", value: "%s" }] }) { id desiredStatus machine { gpuDisplayName } } }"""


def ask(lease: Lease, path: str, query: str = "", key: str = "") -> Any:
    ends = lease.session.endpoints
    headers = {"Authorization": f"Bearer {key or ends.runpod_key}", "Content-Type": "application/json"}
    body = json.dumps({"query": query}).encode() if query else None
    with urllib.request.urlopen(urllib.request.Request(ends.runpod_url + path, body, headers), timeout=10) as answer:
        return json.load(answer)


def port(lease: Lease, pod_id: str) -> int:
    direct = ask(lease, f"/v2/pods/{pod_id}")["ssh"]["direct"]
    return int(direct["port"]) if direct else 0


def run(port: int, key: asyncssh.SSHKey, command: str) -> str:
    async def go() -> str:
        async with connect(port, key, "root") as connection:
            return str((await connection.run(command, check=True)).stdout)

    return asyncio.run(go())


def test_pods_are_hosts_and_survive_the_sandbox(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    folder = tmp_path / "sandbox"
    try:
        lease = Lease(folder)
        public = key.export_public_key().decode().strip()
        made = ask(lease, "/graphql", DEPLOY % public)["data"]["podFindAndDeployOnDemand"]
        assert made["machine"] == {"gpuDisplayName": "A40"}
        first = wait_for(lambda: port(lease, made["id"]), "the pod's SSH port")
        assert run(first, key, "echo $RUNPOD_POD_ID; echo precious > mnt/data/kept; env").startswith(made["id"])
        assert "AWS_ACCESS_KEY_ID" not in run(first, key, "env")
        old_key = lease.session.endpoints.runpod_key
        end(folder)

        lease = Lease(folder)
        assert lease.session.endpoints.runpod_key != old_key
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(lease, "/v2/pods", key=old_key)
        pods = {one["name"]: one for one in ask(lease, "/v2/pods")["pods"]}
        assert pods.keys() == {"kept", "vision-lora"}
        assert (pods["kept"]["status"], pods["kept"]["gpu"]["count"]) == ("RUNNING", 2)
        again = port(lease, made["id"])
        assert run(again, key, "cat mnt/data/kept").strip() == "precious"
        assert lease.command("cut", "kept", 1)["instance"] == made["id"]

        stop = f'mutation {{ podStop(input: {{ podId: "{made["id"]}" }}) {{ id desiredStatus }} }}'
        assert ask(lease, "/graphql", stop)["data"]["podStop"]["desiredStatus"] == "EXITED"
        wait_for(lambda: not port(lease, made["id"]), "the SSH port to close")
        ask(lease, "/graphql", f'mutation {{ podTerminate(input: {{ podId: "{made["id"]}" }}) }}')
        wait_for(lambda: not (folder / "homes" / made["id"]).exists(), "the pod's disks to be deleted")
        assert [one["name"] for one in ask(lease, "/v2/pods")["pods"]] == ["vision-lora"]
    finally:
        end(folder)


def test_the_account_s_key_opens_the_seeded_pod(sandbox: Lease) -> None:
    own = asyncssh.generate_private_key("ssh-ed25519")
    (pod,) = [one for one in ask(sandbox, "/v2/pods")["pods"] if one["name"] == "vision-lora"]
    assert pod["id"] in sandbox.command("trust", own.export_public_key().decode())["instances"]
    assert run(port(sandbox, pod["id"]), own, "whoami >/dev/null; echo $USER").strip() == "root"


def test_graphql_refuses_what_it_does_not_play(sandbox: Lease) -> None:
    for query in ("{ nothing }", "no graphql", 'mutation { podStop(input: { podId: "gone" }) { id } }'):
        assert ask(sandbox, "/graphql", query)["errors"][0]["message"]
