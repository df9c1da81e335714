from __future__ import annotations

import hashlib
import json
import os
import struct
import time
import tomllib
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.services.training.agent.checkpoint_names import format_of, step_of
from runctl_tui.services.training.agent.dependencies import requirements, script_block, toml_list
from tests.services.agent.harness import Json, Machine


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("step_000100.json", 100),
        ("checkpoint-500", 500),
        ("epoch=9-step=100.ckpt", 100),
        ("iter_0000500", 500),
        ("global_step500", 500),
        ("step-500", 500),
        ("model_step_42.pt", 42),
        ("checkpoint_1_500.pt", 500),
        ("checkpoint12.pt", 12),
        ("ckpt-7.pt", 7),
        ("1000", 1000),
        ("last.ckpt", None),
        ("best_model.pt", None),
        ("epoch_12.pth", None),
        ("footstep9lanes", None),
    ],
)
def test_the_step_is_read_from_the_name(name: str, step: int | None) -> None:
    assert step_of(name) == step


@pytest.mark.parametrize(
    ("name", "files", "format_"),
    [
        ("step_1.json", ["step_1.json"], "json"),
        ("a.pt", ["a.pt"], "pt"),
        ("a.pth.tar", ["a.pth.tar"], "pt"),
        ("a.safetensors", ["a.safetensors"], "safetensors"),
        ("epoch=1.ckpt", ["epoch=1.ckpt"], "ckpt"),
        ("checkpoint-5", ["checkpoint-5/trainer_state.json", "checkpoint-5/model.safetensors"], "hf-folder"),
        ("global_step5", ["global_step5/mp_rank_00_model_states.pt"], "deepspeed"),
        ("iter_0000005", ["iter_0000005/mp_rank_00/model_optim_rng.pt"], "megatron"),
        ("step-5", ["step-5/.metadata", "step-5/__0_0.distcp"], "dcp"),
        ("latest", ["latest"], "marker"),
        ("weights.xyz", ["weights.xyz"], "unknown"),
        ("folder", ["folder/a", "folder/b"], "unknown"),
    ],
)
def test_the_format_is_read_from_names(name: str, files: list[str], format_: str) -> None:
    assert format_of(name, files) == format_


def old(path: Path, seconds: float = 120) -> None:
    os.utime(path, (time.time() - seconds, time.time() - seconds))


def safetensors(path: Path, cut: int = 0) -> None:
    head = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    path.write_bytes((struct.pack("<Q", len(head)) + head + b"\0" * 8)[: -cut or None])


def listed(machine: Machine, **request: object) -> dict[str, Json]:
    answer = machine.ask("checkpoints", dir=str(machine.project), **request)
    return {entry["name"]: entry for entry in answer["checkpoints"]}


def test_whole_unfinished_and_damaged_checkpoints_are_told_apart(machine: Machine) -> None:
    folder = machine.project
    with zipfile.ZipFile(folder / "step_1.pt", "w") as file:
        file.writestr("archive/data.pkl", b"x" * 1000)
    (folder / "step_2.pt").write_bytes((folder / "step_1.pt").read_bytes()[:500])
    safetensors(folder / "step_3.safetensors")
    safetensors(folder / "step_4.safetensors", cut=3)
    (folder / "step_5.json").write_text('{"loss": 1')
    (folder / "step_6.pt.tmp").write_text("x")
    (folder / "tmp-checkpoint-7").mkdir()
    (folder / "tmp-checkpoint-7/a").write_text("x")
    (folder / "fresh.json").write_text('{"loss": ')
    for path in folder.iterdir():
        if path.name != "fresh.json":
            old(path)
    states = {name: entry["state"] for name, entry in listed(machine).items()}
    assert states == {
        "step_1.pt": "ok", "step_2.pt": "damaged", "step_3.safetensors": "ok", "step_4.safetensors": "damaged",
        "step_5.json": "damaged", "step_6.pt.tmp": "writing", "tmp-checkpoint-7": "writing", "fresh.json": "writing",
    }  # fmt: skip


def test_a_folder_is_one_checkpoint_and_digests_come_on_request(machine: Machine) -> None:
    (machine.project / "checkpoint-5/deep").mkdir(parents=True)
    (machine.project / "checkpoint-5/a.bin").write_bytes(b"abc")
    (machine.project / "checkpoint-5/deep/b.bin").write_bytes(b"defg")
    (machine.project / "checkpoint-5/leak").symlink_to("/etc/passwd")
    (machine.project / ".hidden").write_text("x")
    entry = listed(machine, sha256=True)["checkpoint-5"]
    assert (entry["size"], entry["step"], len(listed(machine))) == (7, 5, 1)
    assert [file["path"] for file in entry["files"]] == ["checkpoint-5/a.bin", "checkpoint-5/deep/b.bin"]
    assert entry["files"][0]["sha256"] == hashlib.sha256(b"abc").hexdigest()


def test_only_names_that_were_asked_for_are_checkpoints(machine: Machine) -> None:
    machine.script(
        "import os\nfor name in ('a.pt', 'events.out', 'b.pt'):\n"
        "    open(os.environ['TRAINCTL_CHECKPOINT_DIR'] + '/' + name, 'w').write('x')\n"
    )
    machine.start(checkpoint_globs=["*.pt"])
    machine.ended()
    entries = machine.ask("checkpoints", run_id="r-1")["checkpoints"]
    assert [entry["name"] for entry in entries] == ["a.pt", "b.pt"]


NAME = st.from_regex(r"[a-z][a-z0-9-]{0,8}(\[[a-z]{1,4}\])?([<>=]=[0-9.]{1,5})?", fullmatch=True)


@given(st.lists(NAME, max_size=5), st.booleans(), st.booleans())
def test_lists_of_requirements_are_read_as_toml_reads_them(names: list[str], lines: bool, single: bool) -> None:
    quoted = [f"'{name}'" if single else json.dumps(name) for name in names]
    text = (
        "[project]\nname = 'x'\ndependencies = ["
        + (",  # why ] not\n  " if lines else ", ").join(quoted)
        + "]\nz = 1\n"
    )
    assert toml_list(text, "dependencies") == tomllib.loads(text)["project"]["dependencies"] == names


def test_the_block_of_a_script_is_found(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        '#!/usr/bin/env python\n# /// script\n# dependencies = [\n#   "numpy>=1",\n#\n# ]\n# ///\nimport x\n'
    )
    block = script_block(str(script))
    assert block is not None
    assert tomllib.loads(block) == {"dependencies": ["numpy>=1"]}
    script.write_text("# a comment\nimport x\n")
    assert script_block(str(script)) is None


def test_a_project_s_own_list_is_read_and_no_other_section(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.other]\ndependencies = ["wrong"]\n\n[project]\nname = "x"\ndependencies = ["right[extra]>=1"]\n\n[z]\n'
    )
    assert requirements(str(tmp_path)) == ("pyproject.toml", ["right[extra]>=1"])
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n\n[tool.o]\ndependencies = ["wrong"]\n')
    assert requirements(str(tmp_path)) == ("pyproject.toml", [])


def test_vitals_hold_what_nvidia_smi_says(machine: Machine) -> None:
    binaries = machine.home / "bin"
    binaries.mkdir()
    (binaries / "nvidia-smi").write_text(
        "#!/bin/sh\n"
        "echo '0, GPU-a1, NVIDIA A10G, 97, 20110, 23028, 61, 218.33'\n"
        "echo '1, GPU-b2, NVIDIA A10G, 0, 3, 23028, 30, [N/A]'\n"
    )
    (binaries / "nvidia-smi").chmod(0o755)
    machine.environment["PATH"] = f"{binaries}:{os.environ['PATH']}"
    vitals = machine.ask("vitals")["vitals"]
    assert [gpu["util_percent"] for gpu in vitals["gpus"]] == [97.0, 0.0]
    assert vitals["gpus"][1]["power_w"] is None
    assert 0 <= vitals["cpu_percent"] <= 100
    assert 0 < vitals["memory"]["used"] < vitals["memory"]["total"]
    assert 0 < vitals["disk_home"]["used"] < vitals["disk_home"]["total"]
