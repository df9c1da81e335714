"""Every call is one line of the log, with the operation that it was for, and what the log holds can be summed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from runctl_tui.domain.telemetry import Call, sums_of
from runctl_tui.services.errors import CloudProviderError
from runctl_tui.services.log_file import open_log, set_level
from runctl_tui.services.telemetry import calls_in, measured, told, working_on


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_call_is_one_line_with_its_facts(tmp_path: Path) -> None:
    path = open_log(tmp_path)
    with working_on("j-7"):
        told(Call("ec2", "StopInstances", 0.25, retries=1, request_id="req-1", region="us-east-1"))
    (line,) = lines(path)
    assert (line["level"], line["message"]) == ("info", "ec2 StopInstances")
    assert line["call"] == {
        "service": "ec2", "operation": "StopInstances", "seconds": 0.25, "retries": 1, "request_id": "req-1",
        "region": "us-east-1", "op": "j-7",
    }  # fmt: skip
    assert str(line["at"]).endswith("+00:00")


def test_what_is_raised_gives_its_code(tmp_path: Path) -> None:
    path = open_log(tmp_path)
    with pytest.raises(CloudProviderError), measured("runpod", "GET pods"):
        raise CloudProviderError("no", code="429")
    (call,) = calls_in(path)
    assert (call.service, call.operation, call.code, call.throttled) == ("runpod", "GET pods", "429", True)
    assert lines(path)[0]["level"] == "warning"


def test_older_files_count_and_nonsense_does_not(tmp_path: Path) -> None:
    path = open_log(tmp_path)
    told(Call("s3", "GetObject", 0.5))
    path.with_name(f"{path.name}.1").write_text(
        '{"call": {"service": "s3", "operation": "GetObject", "seconds": 2}}\n{"call": 7}\nnonsense "call"\n'
    )
    assert sums_of(calls_in(path))["s3", "GetObject"].calls == 2
    assert calls_in(tmp_path / "none" / "log") == ()


def test_the_level_decides_what_is_written(tmp_path: Path) -> None:
    path = open_log(tmp_path)
    before = logging.getLogger().level
    set_level("error")
    try:
        told(Call("s3", "GetObject", 0.5))
        logging.getLogger("x").error("worse")
    finally:
        logging.getLogger().setLevel(before)
    assert [line["message"] for line in lines(path)] == ["worse"]
