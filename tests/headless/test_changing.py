"""Verbs that change something: first the plan, then yes with its hash; nothing happens without both."""

from __future__ import annotations

import shlex
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.marks import MarkRequest, Way
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.plan import Level, Operation, Reason, Severity, Step, StepState, Verdict
from runctl_tui.domain.resource import Market
from runctl_tui.domain.run import TrainingJob, TrainingStatus
from runctl_tui.headless.launching import elsewhere
from tests.headless import fakes
from tests.headless.conftest import Runctl
from tests.headless.fakes import BLOCKED, World, checkpoint, machine, plan, run, view

HASH = plan(Operation.TERMINATE).hash
KEY = "aws/i-0123456789abcdef0"


@pytest.mark.parametrize(
    "words",
    [
        ("instances", "terminate", "llama-7b"),
        ("instances", "stop", "llama-7b"),
        ("instances", "start", "llama-7b"),
        ("instances", "launch", "--type", "g5.xlarge"),
        ("runs", "start", "train.py", "--on", "llama-7b"),
        ("runs", "stop", "r-01"),
        ("runs", "resume", "r-01"),
        ("train", "train.py", "--type", "g5.xlarge"),
        ("local", "train.py"),
        ("exec", "nvidia-smi"),
    ],
)
def test_unconfirmed_it_answers_with_the_plan_and_changes_nothing(
    runctl: Runctl, world: World, words: tuple[str, ...]
) -> None:
    said = runctl(*words, "--json")
    assert said.code == 0
    assert said.data["plan_hash"] == said.data["plan_hash"].strip()
    assert len(said.data["plan_hash"]) == 12
    assert said.data["plan"]["effect"]
    assert world.committed == []
    assert "Nothing was changed" in runctl(*words).out
    assert world.committed == []


def test_the_command_in_the_answer_carries_the_plan_out(runctl: Runctl, world: World) -> None:
    command = runctl("instances", "terminate", "llama-7b", "--json").data["confirm_with"]
    said = runctl(*shlex.split(command)[1:])
    assert said.data["result"] == "llama-7b is ready"
    ((_, confirmation),) = world.committed
    assert (confirmation.plan_hash, confirmation.yes, confirmation.name) == (HASH, True, "llama-7b")
    assert "✓ create: i-0123456789abcdef0  1.5 s" in said.err


def test_the_command_in_the_answer_repeats_arguments_of_the_script(runctl: Runctl, world: World) -> None:
    words = ("train", "train.py", "--type", "g5.xlarge", "--json", "--", "--epochs", "3")
    command = runctl(*words).data["confirm_with"]
    assert command.endswith("-- --epochs 3")
    assert runctl(*shlex.split(command)[1:]).data["status"] == "completed"
    assert world.requests[-1].job is not None
    assert world.requests[-1].job.args == ("--epochs", "3")


AGAINST = Verdict(
    (
        Reason("training_running", Severity.BLOCK, "training is running", Level.REASON, offer="stop the run first"),
        Reason("ckpt_unknown", Severity.BLOCK, "its checkpoints could not be listed", Level.REASON),
    ),
    Level.NAME,
)


def test_what_stands_against_it_is_acknowledged_by_code_with_a_reason(runctl: Runctl, world: World) -> None:
    world.plan_changes = {"verdict": AGAINST}
    shown = runctl("instances", "terminate", "llama-7b", "--json").data
    assert shown["plan"]["allowed"]
    assert shown["plan"]["acknowledge"] == ["training_running", "ckpt_unknown"]
    command = shown["confirm_with"]
    assert command.endswith("--name llama-7b --ack training_running --ack ckpt_unknown --reason TEXT")
    words = shlex.split(command)[1:]
    less = [*words[:-4], *words[-2:-1], "the spot market ends it"]
    for wrong in (less, words, [*words[:-2], "--reason", "because"], words[:-2]):
        said = runctl(*wrong)
        assert (said.code, said.error["code"]) == (1, "training_running")
        assert "--ack CODE" in said.error["hint"]
    assert world.committed == []
    assert runctl(*words[:-1], "the spot market ends it anyway").code == 0
    ((_, said_to_it),) = world.committed
    assert said_to_it.acknowledged == {"training_running", "ckpt_unknown"}
    assert said_to_it.reason == "the spot market ends it anyway"


@pytest.mark.parametrize(("verdict", "words"), [(AGAINST, "--ack training_running"), (BLOCKED, "stop the run first")])
def test_there_is_no_force(runctl: Runctl, world: World, verdict: Verdict, words: str) -> None:
    world.plan_changes = {"verdict": verdict}
    for flags in (("--force",), ("--force", "--yes", "--plan-hash", HASH)):
        said = runctl("instances", "terminate", "llama-7b", *flags, "--json")
        assert said.code == 1
        assert words in said.error["hint"]
        assert "--force" not in said.error["hint"]
    assert world.committed == []


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (("--yes",), "ValidationError"),
        (("--plan-hash", HASH), "ValidationError"),
        (("--yes", "--plan-hash", "000000000000", "--name", "llama-7b"), "PlanChanged"),
        (("--yes", "--plan-hash", HASH), "ValidationError"),
        (("--yes", "--plan-hash", HASH, "--name", "llama"), "ValidationError"),
        (("--yes", "--plan-hash", HASH, "--name", "LLAMA-7B"), "ValidationError"),
    ],
)
def test_destruction_needs_yes_hash_and_the_exact_name(
    runctl: Runctl, world: World, flags: tuple[str, ...], error: str
) -> None:
    said = runctl("instances", "terminate", "llama-7b", "--json", *flags)
    assert said.code == 1
    assert said.error["type"] == error
    assert said.error["hint"]
    assert world.committed == []


def test_with_all_three_it_acts(runctl: Runctl, world: World) -> None:
    said = runctl("instances", "terminate", "llama-7b", "--json", "--yes", "--plan-hash", HASH, "--name", "llama-7b")
    assert said.code == 0
    assert said.data["job_id"] == "j-1"
    assert world.planned == [(Operation.TERMINATE, (KEY,))]
    assert len(world.committed) == 1


def test_a_refused_plan_is_shown_with_its_reasons_and_never_carried_out(runctl: Runctl, world: World) -> None:
    world.plan_changes = {"verdict": BLOCKED}
    shown = runctl("instances", "terminate", "llama-7b", "--json").data
    assert shown["plan"]["allowed"] is False
    assert shown["plan"]["reasons"][0]["code"] == "training_runs"
    assert shown["confirm_with"] == ""
    flags = ("--yes", "--plan-hash", shown["plan_hash"], "--name", "llama-7b")
    said = runctl("instances", "terminate", "llama-7b", "--json", *flags)
    assert said.code == 1
    assert said.error == {
        "type": "Refused",
        "code": "training_runs",
        "message": "refused: terminate llama-7b: training r-01abcdef runs on it",
        "hint": "stop the run first",
    }
    assert world.committed == []


def test_an_unknown_price_needs_a_cap(runctl: Runctl, world: World) -> None:
    world.plan_changes = {"usd_per_hour": None, "price_unknown": True}
    words = ("instances", "launch", "--type", "p6.48xlarge", "--json")
    shown = runctl(*words).data
    assert "--cap USD" in shown["confirm_with"]
    flags = ("--yes", "--plan-hash", shown["plan_hash"])
    assert "--cap" in runctl(*words, *flags).error["hint"]
    assert runctl(*words, *flags, "--cap", "$12.50").code == 0
    assert world.committed[0][1].typed_cap == Decimal("12.50")


def test_every_machine_flag_reaches_the_launch(runctl: Runctl, world: World) -> None:
    runctl(
        *("instances", "launch", "--type", "g5.xlarge", "--spot", "--on-demand-fallback", "--max-price", "0.5"),
        *("--name", "box", "--project", "p", "--root-gib", "80", "--data-gib", "200", "--ami", "ami-01234567"),
        *("--key-name", "k", "--security-group", "sg-1", "--security-group", "sg-2", "--subnet", "subnet-01234567"),
        *("--zone", "us-west-2b", "--profile-name", "training", "--region", "us-west-2", "--json"),
    )
    options = world.requests[0].options
    assert options is not None
    assert (options.provider, options.region, options.type, options.market) == (
        "aws",
        "us-west-2",
        "g5.xlarge",
        Market.SPOT,
    )
    assert (options.spot_max_price, options.name, options.project) == (Decimal("0.5"), "box", "p")
    assert (options.root_gib, options.data_gib, options.image) == (80, 200, "ami-01234567")
    assert (options.key_name, options.security_groups) == ("k", ("sg-1", "sg-2"))
    assert (options.subnet, options.zone, options.profile) == ("subnet-01234567", "us-west-2b", "training")
    assert world.requests[0].spot_fallback is True


def test_names_of_one_provider_mean_nothing_to_another() -> None:
    base = CreateResourceOptions("aws", "us-east-1", "t3.micro", "box", "p", subnet="subnet-1", profile="training")
    there = elsewhere(("secure", "community"), "", base)
    assert (there.region, there.type, there.subnet, there.profile) == ("secure", "", "", "")
    assert (there.name, there.project) == ("box", "p")
    assert elsewhere(("secure",), "EU-RO-1", base).region == "EU-RO-1"


def test_spot_never_falls_back_unless_told(runctl: Runctl, world: World) -> None:
    runctl("instances", "launch", "--type", "g5.xlarge", "--spot", "--json")
    assert world.requests[0].spot_fallback is False


def test_a_launch_without_a_type_says_which_flag(runctl: Runctl) -> None:
    said = runctl("instances", "launch", "--json")
    assert said.code == 3
    assert "--type" in said.error["hint"]


def test_every_training_flag_reaches_the_job(runctl: Runctl, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    said = runctl(
        *("runs", "start", "train.py", "--on", "llama-7b", "--launcher", "torchrun", "--gpus", "0,1", "--json"),
        *(
            "--include",
            "data/",
            "--data-in",
            "s3://runs/data",
            "--checkpoint-dir",
            "out",
            "--checkpoints-out",
            "s3://runs/out",
        ),
        *("--env", "A=1=2", "--secret", "TOKEN", "--resume", "s3://runs/c.json", "--name", "n", "--project", "p"),
        *("--", "--lr", "1e-4"),
    )
    job = world.requests[0].job
    assert job is not None
    assert world.requests[0].instance_key == KEY
    assert (job.script, job.args, job.launcher, job.gpus) == ("train.py", ("--lr", "1e-4"), "torchrun", "0,1")
    assert (job.includes, job.data_source, job.checkpoint_dir) == (("data/",), "s3://runs/data", "out")
    assert (job.output_dest, job.environment, job.secrets) == (
        "s3://runs/out",
        (("A", "1=2"),),
        (("TOKEN", "hunter2"),),
    )
    assert (job.resume_from, job.name, job.project) == ("s3://runs/c.json", "n", "p")
    assert "hunter2" not in said.out + said.err


@pytest.mark.parametrize("flags", [("--secret", "TOKEN=hunter2"), ("--secret", "ABSENT")])
def test_a_secrets_value_is_never_taken_from_the_arguments(
    runctl: Runctl, world: World, flags: tuple[str, ...]
) -> None:
    said = runctl("runs", "start", "train.py", "--on", "llama-7b", *flags, "--json")
    assert said.code == 1
    assert "hunter2" not in said.out
    assert world.requests == []


def test_a_script_that_is_not_there_names_the_one_that_was_meant(runctl: Runctl) -> None:
    said = runctl("train", "trian.py", "--type", "g5.xlarge", "--json")
    assert said.code == 1
    assert said.error["hint"] == "did you mean train.py?"


def test_a_script_below_the_project_is_named_from_the_projects_root(
    runctl: Runctl, world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "work" / "deep"
    folder.mkdir()
    (folder / "tune.py").write_text("")
    world.defaults = LaunchRequest(
        job=TrainingJob("train.py", ("--tiny",), str(tmp_path / "work"), output_dest="s3://runs")
    )
    runctl("runs", "start", "deep/tune.py", "--on", "llama-7b", "--json")
    runctl("runs", "start", "train.py", "--on", "llama-7b", "--json")
    first, second = (request.job for request in world.requests)
    assert first is not None
    assert (first.project_root, first.script, first.args) == (str(tmp_path / "work"), "deep/tune.py", ())
    assert second is not None
    assert second.args == ("--tiny",)


def test_on_and_type_exclude_each_other(runctl: Runctl) -> None:
    said = runctl("runs", "start", "train.py", "--on", "llama-7b", "--type", "g5.xlarge", "--json")
    assert said.error["type"] == "ValidationError"


def test_resume_takes_the_newest_copy_on_the_same_host(runctl: Runctl, world: World) -> None:
    runctl("runs", "resume", "r-01", "--json")
    job = world.requests[0].job
    assert job is not None
    assert (job.resume_from, job.parent) == ("/home/ubuntu/checkpoints/step_000200.json", "r-01abcdef")
    assert world.requests[0].instance_key == KEY


def test_resume_elsewhere_takes_the_newest_copy_in_s3(runctl: Runctl, world: World) -> None:
    world.machines = (machine(), machine(id="i-2", name="other"))
    world.checkpoints = [(checkpoint(200, CopyState.UPLOADING), checkpoint(100))]
    runctl("runs", "resume", "r-01", "--on", "other", "--json")
    job = world.requests[0].job
    assert job is not None
    assert job.resume_from == "s3://bucket/runs/r-01abcdef/step_000100.json"
    assert world.requests[0].instance_key == "aws/i-2"


def test_resume_without_any_usable_copy_launches_nothing(runctl: Runctl, world: World) -> None:
    world.checkpoints = [()]
    said = runctl("runs", "resume", "r-01", "--type", "g5.xlarge", "--json")
    assert said.code == 1
    assert "in S3" in said.error["message"]
    assert world.requests == []


def confirmed(runctl: Runctl, *words: str) -> tuple[str, ...]:
    """The words that carry the plan of these words out."""
    return tuple(shlex.split(runctl(*words, "--json").data["confirm_with"])[1:])


def test_train_goes_the_whole_way(runctl: Runctl, world: World) -> None:
    world.plan_changes = {}
    world.checkpoints = [(checkpoint(200, CopyState.UPLOADING),), (checkpoint(200), checkpoint(100))]
    said = runctl(*confirmed(runctl, "train", "train.py", "--type", "g5.xlarge", "--spot"))
    assert said.code == 0
    assert said.data["status"] == "completed"
    assert said.data["terminated"] is True
    assert [item["step"] for item in said.data["checkpoints"]] == [200, 100]
    assert "step 20/20" in said.err
    assert said.err.count("step 10/20") == 1
    assert "1 of 1 checkpoints are not in S3 yet" in said.err
    assert [item.operation for item, _ in world.committed] == [Operation.LAUNCH, Operation.TERMINATE]
    assert world.requests[-1].terminate_after is True


@pytest.mark.parametrize("flag", ["--keep", "--detach"])
def test_train_leaves_the_machine_where_told(runctl: Runctl, world: World, flag: str) -> None:
    said = runctl(*confirmed(runctl, "train", "train.py", "--type", "g5.xlarge", flag))
    assert said.code == 0
    assert [item.operation for item, _ in world.committed] == [Operation.LAUNCH]
    assert world.requests[-1].terminate_after is False


def test_train_on_an_existing_machine_leaves_it(runctl: Runctl, world: World) -> None:
    said = runctl(*confirmed(runctl, "train", "train.py", "--on", "llama-7b"))
    assert said.data["terminated"] is False
    assert len(world.committed) == 1


def test_train_does_not_terminate_while_a_rule_forbids_it(runctl: Runctl, world: World) -> None:
    words = confirmed(runctl, "train", "train.py", "--type", "g5.xlarge")

    def forbid(plan: object) -> None:
        world.plan_changes = {"verdict": BLOCKED}

    world.on_commit = forbid
    said = runctl(*words)
    assert said.code == 1
    assert said.error["code"] == "training_runs"
    assert [item.operation for item, _ in world.committed] == [Operation.LAUNCH]


def test_a_run_that_failed_is_an_error_and_its_machine_is_cleaned_up(
    runctl: Runctl, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes.FakeRuns, "ending", TrainingStatus.FAILED)
    monkeypatch.setattr(fakes.FakeRuns, "reason", "CUDA out of memory")
    said = runctl(*confirmed(runctl, "train", "train.py", "--type", "g5.xlarge"))
    assert said.code == 2
    assert said.error["code"] == "run.failed"
    assert "CUDA out of memory; its machine was terminated" in said.error["message"]


def test_train_without_a_bucket_refuses(runctl: Runctl, world: World) -> None:
    world.defaults = LaunchRequest(CreateResourceOptions("aws", "us-east-1", "", "", "demo"))
    said = runctl("train", "train.py", "--type", "g5.xlarge", "--json")
    assert said.code == 3
    assert "aws.s3_bucket" in said.error["hint"]


def test_a_job_that_failed_is_a_system_error_with_its_step(runctl: Runctl, world: World) -> None:
    steps = (Step("ssh", "SSH up", StepState.FAILED, "no answer within 5 min"),)
    world.views = [view(ended=False, steps=()), view(ok=False, steps=steps, result="", code="host.unreachable")]
    said = runctl(*confirmed(runctl, "instances", "launch", "--type", "g5.xlarge"))
    assert (said.code, said.error["code"]) == (2, "host.unreachable")
    assert "at 'SSH up': no answer within 5 min" in said.error["message"]


@pytest.mark.parametrize(("flags", "answer"), [((), False), (("--on-demand-fallback",), True)])
def test_the_question_of_a_job_is_answered_by_the_flag(
    runctl: Runctl, world: World, flags: tuple[str, ...], answer: bool
) -> None:
    question = "no spot capacity; on demand costs $1.01/h instead of $0.42/h"
    world.views = [view(ended=False, question=question), view(ended=False, question=question), view()]
    said = runctl(*confirmed(runctl, "instances", "launch", "--type", "g5.xlarge", "--spot", *flags))
    assert world.answers == [answer]
    assert question in said.err


def test_local_runs_on_this_machine_and_streams_its_log(runctl: Runctl, world: World) -> None:
    words = confirmed(runctl, "local", "train.py")
    said = runctl(*(word for word in words if word != "--json"))
    assert world.requests[0].instance_key == "local/local"
    assert "step 20/20" in said.out


def test_exec_takes_any_command(runctl: Runctl, world: World) -> None:
    runctl("exec", "nvidia-smi", "--json", "--", "-L")
    runctl("exec", "--json", "--", "nvidia-smi", "-L")
    first, second = (request.job for request in world.requests)
    assert first is not None
    assert (first.script, first.launcher, first.args) == ("nvidia-smi", "command", ("-L",))
    assert second == first


def test_the_command_that_a_plan_shows_is_whole(runctl: Runctl, world: World) -> None:
    shown = runctl("exec", "--dry-run", "--", "ls", "-la", "/x").out
    assert " -- ls -la /x" in shown


def test_an_interrupt_says_what_goes_on(runctl: Runctl, world: World) -> None:
    def interrupt(plan: object) -> None:
        raise KeyboardInterrupt

    words = confirmed(runctl, "runs", "stop", "r-01")
    world.on_commit = interrupt
    said = runctl(*words)
    assert said.code == 130
    assert said.error["code"] == "interrupted"
    assert "no job that was begun" in said.error["message"]
    assert "under Tasks" in said.error["hint"]
    assert world.closed == 2


def test_an_interrupt_while_a_job_is_watched_says_where_it_is_seen(
    runctl: Runctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    words = confirmed(runctl, "runs", "stop", "r-01")
    monkeypatch.setattr("runctl_tui.headless.follow._say_steps", interrupt)
    error = runctl(*words).error
    assert "was begun" in error["message"]
    assert error["hint"] == "'runctl-tui' shows under Tasks what became of it"


def test_an_interrupt_of_a_question_says_that_it_changed_nothing(
    runctl: Runctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("runctl_tui.headless.runs.run_row", interrupt)
    said = runctl("runs", "list", "--json")
    assert said.code == 130
    assert "nothing was changed" in said.error["message"]
    assert said.error["hint"] == "give the same command again"


def test_a_run_of_another_folder_has_that_folders_name(runctl: Runctl, world: World) -> None:
    folder = Path("elsewhere")
    folder.mkdir()
    (folder / "t.py").write_text("print('step 1')\n")
    runctl("runs", "start", "t.py", "--folder", "elsewhere", "--on", "llama-7b", "--json")
    runctl("runs", "start", "t.py", "--folder", "elsewhere", "--type", "g5.xlarge", "--json")
    runctl("runs", "start", "t.py", "--folder", "elsewhere", "--on", "llama-7b", "--project", "mine", "--json")
    here, new, named = world.requests
    assert here.job is not None
    assert new.options is not None
    assert named.job is not None
    assert (here.job.project, here.job.name) == ("elsewhere", "elsewhere")
    assert (new.options.project, named.job.project) == ("elsewhere", "mine")


def test_a_provider_without_machines_to_launch_says_what_to_use_instead(runctl: Runctl, world: World) -> None:
    world.defaults = LaunchRequest()
    said = runctl("train", "train.py", "--provider", "local", "--json")
    assert said.code == 1
    assert said.error["message"] == "local: no machine can be launched there: it is here already"
    assert "--on NAME" in said.error["hint"]
    assert "aws.default_instance_type" in runctl("train", "train.py", "--json").error["hint"]
    assert "runpod.default_gpu" in runctl("train", "train.py", "--provider", "runpod", "--json").error["hint"]


def test_the_first_interrupt_undoes_what_has_no_run_yet(runctl: Runctl, world: World) -> None:
    words = confirmed(runctl, "runs", "stop", "r-01")
    world.views = [view(ended=False, run_id=""), view(ok=False, run_id="", result="cancelled")]
    world.interrupted_at = 1
    said = runctl(*words)
    assert world.cancelled == ["j-1"]
    assert "ctrl+c again leaves it as it is" in said.err
    assert said.error["message"].endswith("cancelled")
    assert said.code == 2


def test_an_interrupt_leaves_a_run_that_has_begun(runctl: Runctl, world: World) -> None:
    words = confirmed(runctl, "runs", "stop", "r-01")
    world.views = [view(ended=False), view(ended=False)]
    world.interrupted_at = 1
    assert runctl(*words).code == 130
    assert world.cancelled == []


def test_several_machines_at_once(runctl: Runctl, world: World) -> None:
    world.machines = (machine(), machine(id="i-2", name="other"))
    runctl("instances", "stop", "llama-7b", "other", "--json")
    assert world.planned == [(Operation.STOP, (KEY, "aws/i-2"))]


def test_resuming_a_run_of_another_machine_keeps_its_arguments(runctl: Runctl, world: World) -> None:
    world.runs = [run(job=None)]
    world.defaults = LaunchRequest(job=TrainingJob("train.py", project_root="/home/me/project"))
    runctl("runs", "resume", "r-01", "--json")
    job = world.requests[0].job
    assert job is not None
    assert (job.script, job.args, job.project_root) == ("train.py", ("--steps", "20"), "/home/me/project")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("instances", "claim", "db"), MarkRequest(Operation.CLAIM, "instance", ("db",))),
        (("instances", "protect", "a", "b"), MarkRequest(Operation.PROTECT, "instance", ("a", "b"))),
        (
            ("volumes", "protect", "a", "--until", "2026-12-31"),
            MarkRequest(Operation.PROTECT, "volume", ("a",), Way.UNTIL, date(2026, 12, 31)),
        ),
        (
            ("instances", "unprotect", "a", "--termination"),
            MarkRequest(Operation.UNPROTECT, "instance", ("a",), Way.TERMINATION),
        ),
        (("instances", "protect", "a", "--stop"), MarkRequest(Operation.PROTECT, "instance", ("a",), Way.STOP)),
        (("snapshots", "unprotect", "a", "--until"), MarkRequest(Operation.UNPROTECT, "snapshot", ("a",), Way.UNTIL)),
        (
            ("snapshots", "schedule", "a", "--after", "2026-12-31"),
            MarkRequest(Operation.SCHEDULE, "snapshot", ("a",), day=date(2026, 12, 31)),
        ),
        (("volumes", "unschedule", "a"), MarkRequest(Operation.UNSCHEDULE, "volume", ("a",))),
    ],
)
def test_marks_are_planned_and_carried_out(
    runctl: Runctl, world: World, words: tuple[str, ...], wanted: MarkRequest
) -> None:
    said = runctl(*words, "--json")
    assert (said.code, world.marks, world.committed) == (0, [wanted], [])
    assert runctl(*words, "--yes", "--plan-hash", said.data["plan_hash"]).code == 0
    ((plan_, _),) = world.committed
    assert plan_.operation is wanted.operation


@pytest.mark.parametrize(
    "words",
    [
        ("volumes", "protect", "a", "--stop"),
        ("instances", "protect", "a", "--until", "soon"),
        ("instances", "protect", "a", "--stop", "--termination"),
        ("instances", "schedule", "a"),
        ("instances", "claim"),
    ],
)
def test_marks_that_make_no_sense_are_said_to(runctl: Runctl, world: World, words: tuple[str, ...]) -> None:
    assert runctl(*words, "--json").error["type"] == "UsageError"
    assert world.marks == []
