"""The life of a sandbox: starting, remembering, beginning anew, ending without a rest."""

from __future__ import annotations

import asyncio
import collections
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from runctl_tui.sandbox import client, processes
from runctl_tui.sandbox.errors import SandboxError, SandboxRefusal
from runctl_tui.sandbox.folder import is_held, take_lock
from runctl_tui.sandbox.remote import SandboxRemote
from tests.services.sandbox.conftest import Lease, connect, describe, end, launch, port_of, tags, until, wait_for

pytestmark = pytest.mark.apart


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "sandbox"
    yield place
    if place.exists():
        end(place)


def begin_with_key(folder: Path, key: asyncssh.SSHKey) -> Lease:
    lease = Lease(folder)
    lease.aws("ec2").import_key_pair(KeyName="mine", PublicKeyMaterial=key.export_public_key())
    return lease


def run_on(port: int, key: asyncssh.SSHKey, command: str) -> str:
    async def go() -> str:
        async with connect(port, key) as connection:
            return str((await connection.run(command, check=True)).stdout)

    return asyncio.run(go())


def files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


def seeded_upload(s3: Any) -> Any:
    """The upload that a new world begins with, and its parts."""
    (upload,) = s3.list_multipart_uploads(Bucket="sandbox-datasets")["Uploads"]
    listed = s3.list_parts(Bucket="sandbox-datasets", Key=upload["Key"], UploadId=upload["UploadId"])
    return upload, listed["Parts"]


def test_the_world_is_remembered_until_a_new_one_is_wanted(folder: Path, key: asyncssh.SSHKey) -> None:
    lease = begin_with_key(folder, key)
    ec2, s3 = lease.aws("ec2"), lease.aws("s3")
    group = ec2.create_security_group(GroupName="mine", Description="ssh")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "198.51.100.7/32"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    named = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "kept"}]}]
    instance_id = launch(
        lease,
        ClientToken="kept",
        TagSpecifications=named,
        SecurityGroupIds=[group],
        IamInstanceProfile={"Name": "runctl-sandbox"},
    )
    before = until(lease, instance_id, "running")
    run_on(port_of(before), key, "echo written > in-the-home")
    s3.create_bucket(Bucket="kept")
    content = os.urandom(300_000)
    etag = s3.put_object(Bucket="kept", Key="a/b ü.bin", Body=content, Metadata={"step": "100"})["ETag"]
    upload = s3.create_multipart_upload(Bucket="kept", Key="half")["UploadId"]
    part = s3.upload_part(Bucket="kept", Key="half", UploadId=upload, PartNumber=1, Body=b"x" * 1000)["ETag"]
    snapshot = ec2.create_snapshot(VolumeId=before["BlockDeviceMappings"][0]["Ebs"]["VolumeId"])["SnapshotId"]
    left = seeded_upload(s3)
    access_key = lease.session.endpoints.access_key
    console = ec2.get_console_output(InstanceId=instance_id)["Output"]
    lease.close()
    end(folder)

    again = Lease(folder)
    ec2, s3 = again.aws("ec2"), again.aws("s3")
    after = describe(again, instance_id)
    volatile = ("NetworkInterfaces", "Tags", "StateReason", "BlockDeviceMappings", "NetworkInterfaceId")
    same = [name for name in before if name not in volatile]
    assert {name: after.get(name) for name in same} == {name: before[name] for name in same}
    assert after["BlockDeviceMappings"][0]["Ebs"]["VolumeId"] == before["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    assert tags(after)["Name"] == "kept"
    assert run_on(port_of(after), key, "cat in-the-home") == "written\n"
    assert ec2.get_console_output(InstanceId=instance_id)["Output"] == console, "the host key is the same"
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"][0]["FromPort"] == 22
    assert ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["State"] == "completed"
    assert launch(again, ClientToken="kept", TagSpecifications=named, SecurityGroupIds=[group],
                  IamInstanceProfile={"Name": "runctl-sandbox"}) == instance_id  # fmt: skip
    found = s3.get_object(Bucket="kept", Key="a/b ü.bin")
    assert (found["Body"].read(), found["ETag"], found["Metadata"]) == (content, etag, {"step": "100"})
    parts = s3.list_parts(Bucket="kept", Key="half", UploadId=upload)["Parts"]
    assert [each["ETag"] for each in parts] == [part]
    assert seeded_upload(s3) == left
    whole = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    s3.complete_multipart_upload(Bucket="kept", Key="half", UploadId=upload, MultipartUpload=whole)
    assert s3.get_object(Bucket="kept", Key="half")["Body"].read() == b"x" * 1000
    assert again.session.endpoints.access_key != access_key, "credentials are made anew at each start"
    again.close()

    fresh = Lease(folder, fresh=True)
    names = {row["Name"] for row in fresh.aws("s3").list_buckets()["Buckets"]}
    assert names == {"runctl-sandbox-checkpoints", "sandbox-datasets"}
    assert not (folder / "homes" / instance_id).exists()


@pytest.mark.parametrize(
    "damage",
    [
        '{"format": 1, "regions": ',
        '{"format":1,"seed":"s","owner":"o","regions":{"us-east-1":{}},"buckets":[],"tokens":{},"runs":[]}',
    ],
    ids=["cut short", "without its parts"],
)
def test_a_damaged_world_is_kept_aside_and_a_new_one_begins(folder: Path, damage: str) -> None:
    folder.mkdir(mode=0o700)
    (folder / "world.json").write_text(damage)
    lease, second = Lease(folder), Lease(folder)
    assert lease.aws("s3").list_buckets()["Buckets"]
    (kept,) = folder.glob("world.damaged-*.json")
    assert kept.read_text() == damage
    assert kept.name in (folder / "sandbox.log").read_text()
    problem = lease.session.problem
    assert problem is not None
    assert (problem.code, problem.what) == ("sandbox.damaged", "the sandbox's world was damaged")
    assert problem.why
    assert str(kept) in problem.todo
    assert second.session.problem is None, "it is told once"


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_a_damaged_world_is_said_beside_the_answer(tmp_path: Path, form: tuple[str, ...]) -> None:
    place = tmp_path / "sandbox" / "world"
    place.mkdir(mode=0o700, parents=True)
    (place / "world.json").write_text("{}")
    command = [sys.executable, "-m", "runctl_tui", "--sandbox", "--state-dir", str(tmp_path), "sandbox", "start"]
    try:
        done = subprocess.run([*command, *form], capture_output=True, check=True, text=True)
    finally:
        end(place)
    (kept,) = place.glob("world.damaged-*.json")
    if form:
        (problem,) = json.loads(done.stdout)["missing"]
        said = f"{problem['what']}: {problem['why']}; {problem['todo']}"
    else:
        said = done.stderr
    assert f"the sandbox's world was damaged: 'format' is missing; it was kept as {kept};" in said


def test_it_ends_with_its_last_client_and_its_training_resumes_with_the_next(folder: Path) -> None:
    first, second = Lease(folder), Lease(folder)
    assert first.session.endpoints == second.session.endpoints, "one sandbox per folder"
    rows = {row["name"]: row["id"] for row in first.command("status")["instances"]}
    runs = folder / "homes" / rows["llama-eval"] / ".runctl" / "runs"

    def log() -> str:
        return "".join(each.read_text() for each in runs.glob("*/log"))

    wait_for(lambda: "| loss " in log(), "the seeded training to make progress")
    first.close()
    second.command("status")
    second.close()
    wait_for(lambda: not is_held(folder / "lock"), "the sandbox to end")
    assert client.find(folder) is None
    assert not processes.of_sandbox(folder)
    assert not (folder / "sandbox.json").exists()
    assert not (folder / "tmp").exists()
    assert "Saved checkpoint" in log(), "it was told before it was ended"

    third = Lease(folder)
    wait_for(lambda: "Resumed from" in log(), "the training to resume")
    (only,) = runs.iterdir()
    assert tags(describe(third, rows["llama-eval"]))["runctl:run"] == only.name


@pytest.mark.parametrize("ending", ["told to end", "killed"])
def test_the_seeded_training_goes_on_in_its_own_folder(folder: Path, ending: str) -> None:
    lease = Lease(folder)
    home, run = seeded_training(lease)
    first = home / "project" / "checkpoints" / "step_000100.json"
    wait_for(first.exists, "a checkpoint", 40)
    wait_for(lambda: uploaded(run)[f"checkpoints/{first.name}"], "its upload")
    wait_for(lambda: f"{run.name}/checkpoints/{first.name}" in (folder / "world.json").read_text(), "it to be kept")
    before = {name: (run / name).read_text() for name in ("log", "baseline.json", "state.json")}
    inode = (run / "log").stat().st_ino
    end_it(lease, ending)
    written = {path.name for path in first.parent.glob("step_*.json")}
    assert ending == "killed" or len(written) == 2, "it saved what it had when it was told to end"

    again = Lease(folder)
    assert agent(home, "status", run_ids=[run.name])["runs"][0]["alive"], "nobody can see it as ended"
    wait_for(lambda: "Resumed from" in (run / "log").read_text(), "the training to resume")
    wait_for(lambda: json.loads((run / "state.json").read_text())["phase"] == "running", "its state")
    state = json.loads((run / "state.json").read_text())
    assert not {"exit_code", "stop", "ended_at"} & state.keys()
    for name in ("created_at", "running_at"):
        assert state[name] == json.loads(before["state.json"])[name]
    assert (run / "baseline.json").read_text() == before["baseline.json"] == "{}"
    assert (run / "log").stat().st_ino == inode
    assert (run / "log").read_text().startswith(before["log"])
    listed = agent(home, "checkpoints", run_id=run.name)["checkpoints"]
    assert written <= {each["name"] for each in listed}
    wait_for(lambda: all(uploaded(run).get(f"checkpoints/{name}") for name in written), "what was left to upload")
    keys = again.aws("s3").list_objects_v2(Bucket="runctl-sandbox-checkpoints", Prefix=f"runs/{run.name}/checkpoints/")
    assert written <= {Path(row["Key"]).name for row in keys["Contents"]}


def test_a_seeded_training_that_was_stopped_stays_ended(folder: Path) -> None:
    lease = Lease(folder)
    home, run = seeded_training(lease)
    wait_for(lambda: "| loss " in (run / "log").read_text(), "it to make progress")
    assert agent(home, "stop", run_id=run.name)["phase"] == "exited"
    state, log = (run / "state.json").read_text(), (run / "log").read_text()
    end(folder)
    Lease(folder)
    assert not agent(home, "status", run_ids=[run.name])["runs"][0]["alive"]
    assert ((run / "state.json").read_text(), (run / "log").read_text()) == (state, log)


def seeded_training(lease: Lease) -> tuple[Path, Path]:
    """Wait for the seeded training, and return its host's home and its run folder."""
    (llama,) = [row["id"] for row in lease.command("status")["instances"] if row["name"] == "llama-eval"]
    home = lease.folder / "homes" / llama
    (pid,) = wait_for(lambda: list((home / ".runctl" / "runs").glob("*/pid")), "the seeded training to begin")
    return home, pid.parent


def end_it(lease: Lease, ending: str) -> None:
    """End a sandbox: as `sandbox stop` does, or by a crash."""
    if ending == "told to end":
        end(lease.folder)
        return
    info = client.find(lease.folder)
    assert info is not None
    os.kill(info.pid, signal.SIGKILL)
    wait_for(lambda: not is_held(lease.folder / "lock"), "the kernel to free the lock")
    lease.close()


def uploaded(run: Path) -> dict[str, bool]:
    """Which of a run's files have been verified in S3."""
    try:
        rows = json.loads((run / "uploads.json").read_text())["files"]
    except FileNotFoundError:
        rows = {}
    return collections.defaultdict(bool, {name: row["state"] == "done" for name, row in rows.items()})


def agent(home: Path, verb: str, **request: object) -> dict[str, Any]:
    """Ask the agent that lies in a home."""
    (program,) = (home / ".runctl").glob("agent-*.pyz")
    told = subprocess.run(
        [sys.executable, str(program), verb],
        input=json.dumps(request).encode(),
        env={"HOME": str(home)},
        capture_output=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


def test_it_stays_while_something_of_the_user_runs(folder: Path, key: asyncssh.SSHKey) -> None:
    lease = begin_with_key(folder, key)
    row = until(lease, launch(lease), "running")
    home = folder / "homes" / row["InstanceId"]
    run_on(
        port_of(row),
        key,
        "RUNCTL_RUN_ID=r-1 setsid nohup bash -c 'while [ ! -e enough ]; do sleep 0.1; done' >/dev/null 2>&1 &",
    )
    assert lease.command("status")["working"] is True
    lease.close()
    time.sleep(4.5)  # longer than a sandbox without work would live
    assert client.find(folder) is not None
    (home / "enough").touch()
    wait_for(lambda: client.find(folder) is None, "the sandbox to end after the work")


def test_sigterm_ends_everything_in_order(folder: Path, key: asyncssh.SSHKey) -> None:
    lease = begin_with_key(folder, key)
    row = until(lease, launch(lease), "running")
    run_on(port_of(row), key, "setsid nohup sleep 600 >/dev/null 2>&1 </dev/null &")
    lease.aws("s3").create_bucket(Bucket="at-the-last-moment")
    info = client.find(folder)
    assert info is not None
    os.kill(info.pid, signal.SIGTERM)
    wait_for(lambda: not is_held(folder / "lock"), "the sandbox to end")
    lease.close()
    assert not processes.of_sandbox(folder)
    world = json.loads((folder / "world.json").read_bytes())
    assert "at-the-last-moment" in [bucket["name"] for bucket in world["buckets"]]


def test_a_killed_sandbox_leaves_nothing_after_the_next_start(folder: Path, key: asyncssh.SSHKey) -> None:
    lease = begin_with_key(folder, key)
    row = until(lease, launch(lease), "running")
    home = folder / "homes" / row["InstanceId"]
    run_on(port_of(row), key, "setsid nohup sleep 600 >/dev/null 2>&1 </dev/null & echo $! > job")
    pid = int((home / "job").read_text())
    info = client.find(folder)
    assert info is not None
    remote = SandboxRemote(lambda: lease.session, folder)
    assert not remote.ended
    for words in (["cut", "nobody", "1"], ["cut", row["InstanceId"], "soon"], ["dance"]):
        with pytest.raises(SandboxRefusal) as refused:
            asyncio.run(remote.command(words)) if words[-1] != "1" else lease.command("cut", "nobody", 1.0)
        assert refused.value.exit_code == 1
    os.kill(info.pid, signal.SIGKILL)
    wait_for(lambda: not is_held(folder / "lock"), "the kernel to free the lock")
    assert ":sandbox start" in asyncio.run(remote.until_ended()).todo
    with pytest.raises(SandboxError, match="has ended"):
        asyncio.run(remote.command(["cut", "tiny", "1"]))
    assert client.find(folder) is None, "a card without a process is no sandbox"
    with pytest.raises(SandboxError, match=r"has ended|does not answer"):
        lease.command("status")
    lease.close()
    again = Lease(folder)
    assert pid not in processes.of_sandbox(folder, row["InstanceId"])
    assert describe(again, row["InstanceId"])["State"]["Name"] == "running"
    again.close()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_is_refused(folder: Path, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(SandboxError) as caught:
        asyncio.run(client.attach(folder, owner="ada"))
    assert f"chmod 700 {folder}" in caught.value.todo
    assert not files(folder)
    started = subprocess.run(
        [sys.executable, "-m", "runctl_tui.sandbox", "--folder", str(folder)], capture_output=True, check=False
    )
    assert started.returncode == 3
    assert b"sandbox-refuses" in started.stderr
    folder.chmod(0o700)


def test_a_missing_extra_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "moto.py").write_text("raise ModuleNotFoundError(\"No module named 'moto'\", name='moto')\n")
    real = client._environment
    monkeypatch.setattr(
        client,
        "_environment",
        lambda place: {**real(place), "PYTHONPATH": os.pathsep.join([str(shadow), real(place)["PYTHONPATH"]])},
    )
    with pytest.raises(SandboxError) as caught:
        asyncio.run(client.attach(folder, owner="ada"))
    assert "moto" in caught.value.why
    assert caught.value.todo == "Run: pip install 'runctl-tui[sandbox]'"


def test_a_second_child_leaves_the_folder_to_the_first(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    held = take_lock(folder / "lock")
    assert held is not None
    started = subprocess.run(
        [sys.executable, "-m", "runctl_tui.sandbox", "--folder", str(folder)], capture_output=True, check=False
    )
    os.close(held)
    assert started.returncode == 4
