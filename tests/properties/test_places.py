"""Whatever the keys of a bucket are called, no file of a download lies outside its folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.services.storage.names import unfit
from runctl_tui.services.storage.spelling import one_file

PART = st.sampled_from(["", ".", "..", "a", "A", "b", "link", "AB", "aB", "\u00e9", "\u00c9", "e\u0301",
                        "~", "-rf", "a\x00b", "\x1b[2J",
                        "x" * 256, "a\nb",
                        "\\", "C:", " "]) | st.text(max_size=4)  # fmt: skip
KEYS = st.sets(st.lists(PART, min_size=1, max_size=4).map("/".join), max_size=8)


@given(KEYS, st.booleans())
def test_no_two_keys_are_one_file(keys: set[str], cased: bool) -> None:
    with tempfile.TemporaryDirectory() as root:
        refused = unfit(Path(root), keys, lambda folder: cased)
        fit = keys - refused.keys()
        alone = {one_file(key, cased=cased) for key in fit}
        assert len(alone) == len(fit)
        assert not alone & {one_file(key[:at], cased=cased) for key in fit for at in range(len(key)) if key[at] == "/"}
        others = {one_file(key, cased=cased) for key in refused}
        for key in fit:
            assert one_file(key, cased=cased) not in others, "nobody can tell which of two was meant"


@given(KEYS)
def test_no_file_lies_outside(keys: set[str]) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder, elsewhere = Path(root, "folder"), Path(root, "elsewhere")
        folder.mkdir()
        elsewhere.mkdir()
        (folder / "link").symlink_to(elsewhere)
        fit = keys - unfit(folder, keys).keys() - {"link"}
        for key in fit:
            target = folder / key
            assert os.path.normpath(target) == str(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(key)
        assert not list(elsewhere.iterdir())
        assert {path.name for path in Path(root).iterdir()} == {"folder", "elsewhere"}
        assert all((folder / key).read_text() == key for key in fit)
