"""What this program tells of its own calls, as sums and as Prometheus reads it."""

from __future__ import annotations

from decimal import Decimal

from runctl_tui.domain.telemetry import Call, RunFigures, Telemetry, exposition, sums_of


def test_calls_are_summed_by_service_and_operation() -> None:
    calls = (
        Call("ec2", "DescribeInstances", 0.5, retries=2),
        Call("ec2", "DescribeInstances", 1.5, code="RequestLimitExceeded"),
        Call("s3", "GetObject", 0.1, code="NoSuchKey"),
    )
    sums = sums_of(calls)
    machines = sums["ec2", "DescribeInstances"]
    assert (machines.calls, machines.errors, machines.throttles, machines.retries) == (2, 1, 1, 2)
    assert (machines.mean, machines.slowest) == (1.0, 1.5)
    assert (sums["s3", "GetObject"].errors, sums["s3", "GetObject"].throttles) == (1, 0)


def test_the_text_is_what_prometheus_reads_and_leaves_out_what_is_unknown() -> None:
    runs = (RunFigures("r-1", 'a "b"\\\n', 7, float("nan"), Decimal("1.5")), RunFigures("r-2", "new"))
    told = Telemetry(sums_of([Call("ec2", "X", 0.25)]), {"fleet": 3.0}, None, Decimal("12.5"), runs)
    lines = exposition(told).splitlines()
    assert 'runctl_calls_total{service="ec2",operation="X"} 1' in lines
    assert 'runctl_call_seconds_total{service="ec2",operation="X"} 0.25' in lines
    assert 'runctl_feed_age_seconds{feed="fleet"} 3' in lines
    assert "runctl_month_usd 12.5" in lines
    assert r'runctl_run_loss{run="r-1",name="a \"b\"\\\n"} NaN' in lines
    assert not any("burn" in line or "r-2" in line for line in lines)
    assert all(line.startswith(("#", "runctl_")) for line in lines)
    assert exposition(Telemetry()) == ""
