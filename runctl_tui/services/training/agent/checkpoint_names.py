"""What a checkpoint's name and its files' names tell; the checkpoint book uses it for names in S3 too."""

import os
import re
from typing import List, Optional

TMP_NAME = re.compile(r"(^tmp[-_.])|(\.tmp$)|(\.tmp[-_.])|(\.incomplete$)|(\.part(ial)?$)|(checkpoint-tmp)|(~$)")
STEP_NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        r"global_?step[-_=]?(\d+)",
        r"(?:^|[^a-z])(?:step|steps|iter|iteration|iters)[-_=]?(\d+)",
        r"checkpoint[-_](?:\d+_)?(\d+)",
        r"(?:ckpt|model)[-_.](\d+)",
        r"checkpoint(\d+)",
        r"^(\d+)$",
    )
)
EPOCH_NAME = re.compile(r"epoch[-_=]?(\d+)")
MARKERS = ("latest", "last_checkpoint", "latest_checkpointed_iteration.txt", "checkpoint")
SUFFIX_FORMATS = (
    (".safetensors", "safetensors"),
    (".pt", "pt"),
    (".pth", "pt"),
    (".pth.tar", "pt"),
    (".bin", "pt"),
    (".ckpt", "ckpt"),
    (".json", "json"),
    (".pkl", "pickle"),
    (".npz", "npz"),
    (".npy", "npy"),
    (".keras", "keras"),
    (".h5", "hdf5"),
    (".gguf", "gguf"),
    (".nemo", "nemo"),
)


def step_of(name: str) -> Optional[int]:
    """Return the training step that a checkpoint's name tells."""
    for pattern in STEP_NAMES:
        match = pattern.search(name.lower())
        if match:
            return int(match.group(1))
    return None


def format_of(name: str, files: List[str]) -> str:
    """Return a checkpoint's format by names alone, 'unknown' if need be."""
    inside = {os.path.basename(file) for file in files}
    folders = (("trainer_state.json", "hf-folder"), ("config.json", "hf-folder"), (".metadata", "dcp"),
               ("_CHECKPOINT_METADATA", "orbax"), ("zero_to_fp32.py", "deepspeed"))  # fmt: skip
    if name in MARKERS:
        return "marker"
    if len(files) != 1 or files[0] != name:
        named = [kind for file, kind in folders if file in inside]
        if not named and re.search(r"global_?step", name):
            named = ["deepspeed"]
        if not named and name.startswith("iter_"):
            named = ["megatron"]
        return (
            named[0] if named else ("hf-folder" if any(file.endswith(".safetensors") for file in inside) else "unknown")
        )
    return next((kind for suffix, kind in SUFFIX_FORMATS if name.endswith(suffix)), "unknown")
