"""Whatever the keys of a bucket are called, no file of a download lies outside its folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.services.storage.names import unfit

PART = st.sampled_from(["", ".", "..", "a", "A", "b", "link", "\u00e9", "e\u0301", "~", "-rf", "a\x00b", "\x1b[2J",
                        "x" * 256, "a\nb",
                        "\\", "C:", " "]) | st.text(max_size=4)  # fmt: skip
KEYS = st.sets(st.lists(PART, min_size=1, max_size=4).map("/".join), max_size=8)


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
