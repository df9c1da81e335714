from __future__ import annotations

import hashlib
import json
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.services.training.agent import run_folder, sending
from runctl_tui.services.training.agent.files import read_json
from runctl_tui.services.training.agent.processes import recorded_alive
from runctl_tui.services.training.agent.run_folder import Run
from runctl_tui.services.training.agent.s3 import Bucket, signed, verified
from runctl_tui.services.training.agent.uploader import LOG_UPLOAD_EVERY, Uploader
from runctl_tui.services.training.agent.web import Reply
from tests.services.agent.harness import Json, Machine, metadata_service, until

WRITES = (
    "import os, sys, time\nfolder = os.environ['TRAINCTL_CHECKPOINT_DIR']\n"
    "for step in range(1, int(sys.argv[1]) + 1):\n"
    "    with open(folder + '/step_%06d.bin' % step, 'wb') as file: file.write(os.urandom(1000 + step))\n"
    "    print('step', step, flush=True)\n    time.sleep(float(sys.argv[2]))\n"
)


class Cloud:
    """A bucket of its own in the S3 look-alike, seen with boto3."""

    def __init__(self, endpoint: str) -> None:
        import boto3

        self.endpoint = endpoint
        self.bucket = "bucket-" + uuid.uuid4().hex[:12]
        self.client: Any = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
        )
        self.client.create_bucket(Bucket=self.bucket)

    def names(self) -> set[str]:
        return {row["Key"] for row in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])}

    def content(self, key: str) -> bytes:
        data = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        assert isinstance(data, bytes)
        return data

    def place(self, prefix: str = "team/runs") -> Json:
        return {"bucket": self.bucket, "prefix": prefix, "region": "us-east-1"}

    def presigned(self, row: Json) -> Json:
        extra = {"Metadata": {"runctl-sha256": row["sha256"]}} if row["sha256"] else {}
        where = {"Bucket": self.bucket, "Key": row["key"]}
        put = self.client.generate_presigned_url("put_object", Params={**where, **extra})
        headers = {"x-amz-meta-runctl-sha256": row["sha256"]} if row["sha256"] else {}
        return {
            "path": row["path"], "put_url": put, "headers": headers,
            "head_url": self.client.generate_presigned_url("head_object", Params=where),
        }  # fmt: skip


@pytest.fixture
def cloud(s3_endpoint: str) -> Iterator[Cloud]:
    made = Cloud(s3_endpoint)
    yield made
    made.client.close()


@pytest.fixture
def imds(machine: Machine, cloud: Cloud) -> Iterator[Json]:
    with metadata_service() as (endpoint, state):
        machine.environment.update(
            AWS_EC2_METADATA_SERVICE_ENDPOINT=endpoint,
            AWS_ENDPOINT_URL=cloud.endpoint,
            AWS_EC2_METADATA_DISABLED="false",
        )
        yield state


def uploads(machine: Machine, run_id: str = "r-1") -> Json:
    value = read_json(str(machine.file("uploads.json", run_id)))
    assert isinstance(value, dict)
    return value


def all_done(machine: Machine, run_id: str = "r-1") -> None:
    until(lambda: uploads(machine, run_id).get("state") == "done", 60, "everything in S3")


def test_checkpoints_go_to_s3_while_training_and_everything_is_there_at_the_end(
    machine: Machine, cloud: Cloud, imds: Json
) -> None:
    machine.script(WRITES)
    machine.start(args=["8", "1"], s3=cloud.place())
    until(lambda: any("step_000001" in key for key in cloud.names()), 30, "the first upload")
    assert machine.status()["alive"]
    machine.ended()
    all_done(machine)
    base = "team/runs/r-1/"
    names = [f"checkpoints/step_{step:06d}.bin" for step in range(1, 9)]
    assert cloud.names() == {base + name for name in [*names, "log", "run.json", "state.json"]}
    for name in names:
        assert cloud.content(base + name) == (machine.project / name).read_bytes()
    assert cloud.content(base + "log") == machine.file("log").read_bytes()
    head = cloud.client.head_object(Bucket=cloud.bucket, Key=base + names[0])
    digest = hashlib.sha256((machine.project / names[0]).read_bytes()).hexdigest()
    assert head["Metadata"]["runctl-sha256"] == digest
    entry = machine.ask("checkpoints", run_id="r-1")["checkpoints"][0]
    assert (entry["upload"]["state"], entry["upload"]["sha256"], entry["upload"]["key"]) == (
        "done",
        digest,
        base + names[0],
    )
    assert entry["upload"]["verified_at"]
    until(lambda: not recorded_alive(str(machine.file("uploader"))), what="the uploader's end")
    assert machine.status()["uploads"]["done"] == 8


def test_a_checkpoint_that_changed_after_its_upload_is_not_called_done_until_it_is_sent_again(
    machine: Machine, cloud: Cloud, imds: Json
) -> None:
    machine.script(WRITES + "time.sleep(60)\n")
    machine.start(args=["1", "0"], s3=cloud.place(""))
    key = "r-1/checkpoints/step_000001.bin"
    until(lambda: key in cloud.names() and uploads(machine)["files"]["checkpoints/step_000001.bin"]["state"] == "done")
    path = machine.project / "checkpoints/step_000001.bin"
    path.write_bytes(b"another content")
    entry = machine.ask("checkpoints", run_id="r-1")["checkpoints"][0]
    assert entry["upload"]["state"] != "done"
    until(lambda: cloud.content(key) == b"another content", 30)
    machine.ask("stop", run_id="r-1", grace=1)


def test_what_a_crash_left_unfinished_is_no_checkpoint_and_keeps_nobody_waiting(
    machine: Machine, cloud: Cloud, imds: Json
) -> None:
    machine.script(
        "import os, sys, time\nfolder = os.environ['TRAINCTL_CHECKPOINT_DIR']\n"
        "open(folder + '/step_1.json', 'w').write('{}')\nopen(folder + '/step_2.json.tmp', 'w').write('{')\n"
        "os.mkdir(folder + '/checkpoint-3')\nopen(folder + '/checkpoint-3/model.bin.tmp', 'w').write('cut')\n"
        "time.sleep(3)\nsys.exit(1)\n"
    )
    machine.start(s3=cloud.place())
    until(lambda: len(machine.ask("checkpoints", run_id="r-1")["checkpoints"]) == 3, what="the three while it runs")
    while_it_runs = {one["name"]: one["state"] for one in machine.ask("checkpoints", run_id="r-1")["checkpoints"]}
    assert while_it_runs["step_2.json.tmp"] == while_it_runs["checkpoint-3"] == "writing"
    machine.ended()
    until(lambda: machine.status()["uploads"]["state"] == "done", what="the end of the uploads")
    left = {one["name"]: one for one in machine.ask("checkpoints", run_id="r-1")["checkpoints"]}
    assert {name: one["state"] for name, one in left.items()} == {"step_1.json": "ok", "checkpoint-3": "damaged"}
    assert {one["upload"]["state"] for one in left.values()} == {"done"}


def test_the_uploader_outlives_the_run_and_s3_s_absence(machine: Machine, cloud: Cloud, imds: Json) -> None:
    machine.script(WRITES)
    machine.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    machine.start(args=["1", "0"], s3=cloud.place())
    machine.ended()
    row = until(lambda: next((row for row in uploads(machine).get("files", {}).values() if row.get("error")), None))
    assert "refused" in row["error"]
    until(lambda: machine.status()["uploads"]["failed"] == 1)
    before = machine.recorded("uploader")
    machine.environment["AWS_ENDPOINT_URL"] = cloud.endpoint
    assert machine.ask("uploader", run_id="r-1")["pid"] == before
    assert machine.ask("uploader", run_id="r-1", restart=True)["pid"] != before
    all_done(machine)
    assert len(cloud.names()) == 4


def relayed(machine: Machine, cloud: Cloud) -> bool:
    """Return whether everything is in S3; gives URLs once more, as a relay does, for what changed or failed since."""
    if rows := machine.ask("pending", run_id="r-1")["pending"]:
        machine.ask("urls", run_id="r-1", urls=[cloud.presigned(row) for row in rows])
    return bool(uploads(machine)["state"] == "done")


def test_without_credentials_it_waits_and_says_so_until_a_relay_brings_urls(machine: Machine, cloud: Cloud) -> None:
    machine.script(WRITES)
    machine.start(args=["2", "0"], s3=cloud.place())
    machine.ended()
    until(lambda: len(machine.ask("pending", run_id="r-1")["pending"]) == 5, 30, "five waiting files")
    status = machine.status()["uploads"]
    assert (status["state"], status["waiting_for_urls"]) == ("waiting for credentials or relay", 2)
    pending = machine.ask("pending", run_id="r-1")["pending"]
    assert [row["path"] for row in pending][:2] == ["checkpoints/step_000002.bin", "checkpoints/step_000001.bin"]
    assert cloud.names() == set()
    assert machine.ask("urls", run_id="r-1", urls=[cloud.presigned(row) for row in pending])["accepted"] == 5
    assert oct(machine.file("urls.json").stat().st_mode & 0o777) == "0o600"
    until(lambda: relayed(machine, cloud), 60, "everything in S3")
    name = "checkpoints/step_000002.bin"
    assert cloud.content("team/runs/r-1/" + name) == (machine.project / name).read_bytes()
    assert len(cloud.names()) == 5
    assert read_json(str(machine.file("urls.json"))) == {}


def test_a_spot_notice_stops_the_run_and_saves_its_last_checkpoint(machine: Machine, cloud: Cloud, imds: Json) -> None:
    machine.script(
        "import os, signal, sys, time\n"
        "def save(*_):\n"
        "    open(os.environ['TRAINCTL_CHECKPOINT_DIR'] + '/step_99.bin', 'wb').write(b'last words')\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, save)\nprint('up', flush=True)\ntime.sleep(120)\n"
    )
    machine.start(s3=cloud.place())
    until(lambda: "up\n" in machine.log())
    imds["notice"] = json.dumps({"action": "terminate", "time": "2030-01-01T00:00:00Z"})
    status = machine.ended()
    assert (status["reason"], status["stop"]["by"]) == ("spot interruption", "spot")
    assert status["stop"]["notice"]["action"] == "terminate"
    all_done(machine)
    assert cloud.content("team/runs/r-1/checkpoints/step_99.bin") == b"last words"


@pytest.fixture
def inside(machine: Machine, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Uploader]:
    """An uploader in this process, whose limits a test can lower."""
    machine.script(WRITES)
    machine.start(args=["1", "0"], s3=cloud.place())
    machine.ended()
    os.kill(machine.recorded("uploader"), signal.SIGKILL)
    until(lambda: not recorded_alive(str(machine.file("uploader"))), what="the uploader's end")
    machine.file("uploads.json").unlink(missing_ok=True)  # whatever the other one had found by then
    with metadata_service() as (endpoint, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", cloud.endpoint)
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setattr(run_folder, "RUNS", str(machine.home / ".runctl/runs"))
        monkeypatch.setattr(sending, "SINGLE_PUT", 1024 * 1024)
        monkeypatch.setattr(sending, "PART", 5 * 1024 * 1024)
        yield Uploader(Run("r-1"))


def large(machine: Machine) -> Path:
    path = machine.project / "checkpoints/step_000500 ü+&.bin"
    path.write_bytes(os.urandom(12 * 1024 * 1024 + 7))
    return path


def test_a_large_file_goes_in_parts_and_goes_on_after_a_failure(
    inside: Uploader, machine: Machine, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = large(machine)
    name = f"checkpoints/{path.name}"
    sent: list[int] = []
    part = Bucket.part

    def failing(self: Bucket, key: str, upload_id: str, index: int, block: bytes) -> str:
        sent.append(index)
        if sent == [1, 2]:
            raise OSError("the network is away")
        return part(self, key, upload_id, index, block)

    monkeypatch.setattr(Bucket, "part", failing)
    assert not inside.turn(over=True)
    assert (inside.table[name]["state"], inside.table[name]["error"]) == ("failed", "the network is away")
    inside.table[name]["next_try"] = 0
    inside.save()
    again = Uploader(inside.run)
    assert again.turn(over=True)
    assert sent == [1, 2, 2, 3]
    key = f"team/runs/r-1/{name}"
    assert cloud.content(key) == path.read_bytes()
    assert again.table[name]["etag"].endswith("-3")


def test_the_growing_log_is_sent_now_and_then(inside: Uploader, machine: Machine, cloud: Cloud) -> None:
    inside.log_sent = time.time()
    inside.turn(over=False)
    assert "team/runs/r-1/log" not in cloud.names()
    inside.log_sent = time.time() - LOG_UPLOAD_EVERY
    with machine.file("log").open("ab") as log:
        log.write(b"more\n")
    inside.turn(over=False)
    assert cloud.content("team/runs/r-1/log") == machine.file("log").read_bytes()


def test_a_file_that_changes_while_it_is_sent_is_sent_again(
    inside: Uploader, machine: Machine, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = machine.project / "checkpoints/step_000001.bin"
    put = Bucket.put

    def changing(self: Bucket, key: str, local: str, size: int, sha256: str) -> None:
        put(self, key, local, size, sha256)
        if local == str(path) and b"later" not in path.read_bytes():
            path.write_bytes(b"later")

    monkeypatch.setattr(Bucket, "put", changing)
    assert not any(
        inside.turn(over=True) and inside.table["checkpoints/step_000001.bin"]["state"] == "done" for _ in (1,)
    )
    assert inside.turn(over=True)
    assert cloud.content("team/runs/r-1/checkpoints/step_000001.bin") == b"later"


def test_what_s3_holds_is_compared_with_what_was_sent() -> None:
    good = Reply(200, {"content-length": "3", "x-amz-meta-runctl-sha256": "aa", "etag": '"e"'}, b"")
    assert verified(good, 3, "aa") == "e"
    with pytest.raises(OSError, match="instead of 4"):
        verified(good, 4, "aa")
    with pytest.raises(OSError, match="SHA-256"):
        verified(good, 3, "bb")


def test_signatures_are_those_that_boto_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    who = {"AccessKeyId": "AKID", "SecretAccessKey": "sekrit/+", "Token": "to/ken="}
    url = "https://bucket.s3.eu-central-1.amazonaws.com/a%20b/%C3%BC%2B.bin?partNumber=2&uploadId=x~y"
    payload = hashlib.sha256(b"body").hexdigest()
    request = AWSRequest(
        "PUT", url, data=b"body", headers={"x-amz-meta-a": "two  words", "X-Amz-Content-SHA256": payload}
    )
    signer = S3SigV4Auth(Credentials("AKID", "sekrit/+", "to/ken="), "s3", "eu-central-1")
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    ours = signed("PUT", url, {"x-amz-meta-a": "two  words"}, payload, (who, "eu-central-1"))
    request.headers["X-Amz-Date"] = request.context["timestamp"] = "20231114T221320Z"
    request.headers["x-amz-security-token"] = "to/ken="
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert ours["Authorization"].endswith("Signature=" + signer.signature(text, request))


def end(machine: Machine, run_id: str = "r-1") -> None:
    """Wait for the end of the run and of its uploader."""
    machine.ended(run_id)
    until(lambda: not recorded_alive(str(machine.file("uploader", run_id))), what="the uploader's end")


def test_an_ended_run_that_was_never_to_be_uploaded_is_sent_when_somebody_asks(
    machine: Machine, cloud: Cloud, imds: Json
) -> None:
    machine.script(WRITES)
    machine.start(args=["2", "0"])
    end(machine)
    assert cloud.names() == set()
    assert machine.ask("send", run_id="r-1", s3=cloud.place(), there={})["ok"]
    all_done(machine)
    assert {name for name in cloud.names() if "checkpoints/" in name} == {
        f"team/runs/r-1/checkpoints/step_00000{step}.bin" for step in (1, 2)
    }
    assert machine.status()["uploads"]["done"] == 2
    assert json.loads(cloud.content("team/runs/r-1/run.json"))["s3"] == cloud.place(), "another machine can find it"


def test_a_live_run_is_sent_from_now_on(machine: Machine, cloud: Cloud, imds: Json) -> None:
    machine.script(WRITES + "time.sleep(60)\n")
    machine.start(args=["1", "0"])
    until(lambda: machine.status()["checkpoints"]["count"] == 1)
    before = machine.recorded("uploader")
    machine.ask("send", run_id="r-1", s3=cloud.place(), there={})
    until(lambda: any("step_000001" in key for key in cloud.names()), what="the upload")
    assert machine.status()["alive"]
    assert machine.recorded("uploader") != before


def test_what_was_deleted_or_damaged_in_s3_is_sent_again_and_nothing_else(
    machine: Machine, cloud: Cloud, imds: Json
) -> None:
    machine.script(WRITES)
    machine.start(args=["3", "0"], s3=cloud.place())
    end(machine)
    all_done(machine)
    base, sent = "team/runs/r-1/", uploads(machine)["files"]
    gone, other = "checkpoints/step_000001.bin", "checkpoints/step_000002.bin"
    cloud.client.delete_object(Bucket=cloud.bucket, Key=base + gone)
    cloud.client.put_object(Bucket=cloud.bucket, Key=base + other, Body=b"x" * sent[other]["signature"][0])
    there = {name: [row["signature"][0], row["sha256"]] for name, row in sent.items() if name not in (gone, other)}
    machine.ask("send", run_id="r-1", s3=cloud.place(), there={**there, other: [sent[other]["signature"][0], ""]})
    until(lambda: cloud.names() >= {base + gone}, what="the one that was deleted")
    end(machine)
    for name in (gone, other):
        assert cloud.content(base + name) == (machine.project / name).read_bytes()
    again = {name for name, row in uploads(machine)["files"].items() if row["verified_at"] != sent[name]["verified_at"]}
    assert again == {gone, other}


def test_a_run_keeps_the_place_that_it_has(machine: Machine, cloud: Cloud, imds: Json) -> None:
    machine.script(WRITES)
    machine.start(args=["1", "0"], s3=cloud.place())
    end(machine)
    answer = machine.ask("send", run_id="r-1", s3=cloud.place("elsewhere"), there={})
    assert (answer["error"]["code"], cloud.bucket in answer["error"]["message"]) == ("other_place", True)
    assert machine.ask("send", run_id="r-1", s3={}, there={})["error"]["code"] == "bad_request"
    assert not [name for name in cloud.names() if name.startswith("elsewhere")]
