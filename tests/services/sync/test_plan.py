from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runctl_tui.paths import project_root
from runctl_tui.services.errors import Refused, ValidationError
from runctl_tui.services.sync.ignore import Includes
from runctl_tui.services.sync.plan import build_plan, plan
from runctl_tui.services.sync.values import DEFAULT_LIMITS, SyncLimits

GIT = shutil.which("git")
ENVIRONMENT = {
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed")


def git(root: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=root, env=ENVIRONMENT, check=True, capture_output=True).stdout


def by_git(root: Path) -> set[str]:
    names = git(root, "ls-files", "-z", "-co", "--exclude-standard").decode().split("\0")
    return {
        name
        for name in names
        if name and (root / name).is_file() and not {"__pycache__", ".venv"} & set(name.split("/"))
    }


def by_us(root: Path, *includes: str) -> set[str]:
    return {file.path for file in build_plan(root, includes, DEFAULT_LIMITS, threading.Event()).files}


def write(root: Path, *paths: str, text: str = "x") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@needs_git
def test_nested_rules_negations_and_parents_hold_as_in_git(root: Path) -> None:
    git(root, "init", "-q")
    write(root, "train.py", "a b.txt", "ü.py", "data/x.bin", "data/keep.me", "src/a.py", "src/a.log", "src/keep.log",
          "src/sub/b.log", "src/sub/build/c.o", "logs/1/x", "logs/2/keep", "node/deep/er/file", "#x", "!y", "sp ",
          "secret", ".env", "out/1.txt", "out/2.txt", "a/b/c/d.tmp", "a/b/keep.tmp", "foo",
          "bar/foo", "bar/foofoo")  # fmt: skip
    write(
        root,
        ".gitignore",
        text="*.log\n!keep.log\ndata/\n!data/keep.me\n/out/*\n!/out/2.txt\n**/er\n\\#x\n\\!y\n/foo\n",
    )
    write(root, "src/.gitignore", text="!*.log\nbuild/\n")
    write(root, "a/.gitignore", text="*.tmp\n")
    write(root, "a/b/.gitignore", text="!keep.tmp\n")
    write(root, "bar/.gitignore", text="foo*\n!foo/\n")
    write(root, ".git/info/exclude", text="secret\n*.log\n")
    assert by_us(root) == by_git(root)


@needs_git
def test_a_tracked_file_is_sent_though_a_pattern_ignores_it(root: Path) -> None:
    git(root, "init", "-q")
    write(root, "data/small.csv", "data/large.csv", "other.log", "kept.log", "deep/data/er/x")
    write(root, ".gitignore", text="data/\n*.log\n")
    git(root, "add", "-f", "data/small.csv", "kept.log", "deep/data/er/x")
    assert by_us(root) == by_git(root) == {".gitignore", "data/small.csv", "kept.log", "deep/data/er/x"}


@needs_git
@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_every_version_of_the_index_is_read(root: Path, version: str) -> None:
    git(root, "init", "-q")
    write(root, *(f"d{number % 7}/{'n' * number}.txt" for number in range(1, 60)))
    write(root, ".gitignore", text="*\n")
    git(root, "add", "-f", ".")
    git(root, "update-index", "--index-version", version)
    assert by_us(root) == by_git(root)
    assert len(by_us(root)) == 60


@needs_git
def test_a_part_of_a_repository_obeys_the_rules_above_it(root: Path) -> None:
    git(root, "init", "-q")
    write(root, "part/a.py", "part/b.log", "part/sub/only.txt", "part/sub/c.txt")
    write(root, ".gitignore", text="*.log\n/part/sub/only.txt\n")
    assert by_us(root / "part") == {"a.py", "sub/c.txt"}


SEGMENT = st.sampled_from(["a", "b", "ab", "a.log", "b.txt", "data", "x y", "[a]", "ü"])
PATH = st.lists(SEGMENT, min_size=1, max_size=4).map("/".join)
PIECE = st.sampled_from(
    [
        "a",
        "b",
        "*",
        "?",
        "**",
        "a*",
        "*.log",
        "[ab]",
        "data",
        "x y",
        "[!a]",
        "ab",
        "\\[a]",
        "ü",
        "[a-b]*",
        "a**",
        "[[:alpha:]]*",
        "[",
        "a\\",
        "??",
    ]
)
PATTERN = st.builds(
    lambda bang, lead, pieces, tail: bang + lead + "/".join(pieces) + tail,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(PIECE, min_size=1, max_size=3),
    st.sampled_from(["", "", "/", " ", "/**"]),
)
RULES = st.lists(PATTERN, max_size=5)


@needs_git
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    paths=st.lists(PATH, min_size=1, max_size=12),
    rules=st.dictionaries(st.one_of(st.just(""), PATH), RULES, max_size=4),
)
def test_any_tree_is_judged_as_git_judges_it(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], rules: dict[str, list[str]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    git(root, "init", "-q")
    for path in paths:
        try:
            write(root, path)
        except OSError:
            continue
    for folder, lines in rules.items():
        if (root / folder).is_dir():
            write(root, os.path.join(folder, ".gitignore"), text="\n".join(lines) + "\n")
    try:
        assert by_us(root) == by_git(root)
    finally:
        shutil.rmtree(root)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("data/", "data/a.bin", True),
        ("data", "data/deep/a.bin", True),
        ("data/", "my_data_file.txt", False),
        ("data/", "database/x", False),
        ("data/", "src/data/x", False),
        ("data/train/", "data/train/x", True),
        ("data/train", "data/test/x", False),
        ("./data", "data/x", True),
        ("data/*.bin", "data/a.bin", True),
        ("data/*.bin", "data/a.txt", False),
        ("", "data/x", False),
        ("/", "data/x", False),
        ("  ", "data/x", False),
        ("a.txt", "a.txt", True),
    ],
)
def test_include_patterns_name_folders_and_files(pattern: str, path: str, matches: bool) -> None:
    assert Includes([pattern]).match(path) is matches


def test_includes_bring_back_what_git_ignores_and_nothing_else(root: Path) -> None:
    write(
        root,
        "train.py",
        "data/a.bin",
        "data/deep/b.bin",
        "other/c",
        "data/__pycache__/d",
        ".venv/e",
        "my_data_file.txt",
    )
    write(root, ".gitignore", text="data/\nother/\nmy_data_file.txt\n")
    assert by_us(root) == {".gitignore", "train.py"}
    assert by_us(root, "data/") == {".gitignore", "train.py", "data/a.bin", "data/deep/b.bin"}
    assert by_us(root, "data/deep") == {".gitignore", "train.py", "data/deep/b.bin"}
    assert by_us(root, ".venv", "/", "") == {".gitignore", "train.py"}


async def test_the_plan_says_what_was_left_out_and_why(root: Path) -> None:
    write(root, "train.py", "data/a", "data/b/c", ".venv/x", "src/wandb/run", text="12345")
    write(root, ".gitignore", text="data/\nwandb\n")
    made = await plan(root)
    assert made.ignored_top == (
        (".venv", "always left out"),
        ("data", ".gitignore: data/"),
        ("src/wandb", ".gitignore: wandb"),
    )
    train = next(file for file in made.files if file.path == "train.py")
    assert (train.size, train.sha256[:8]) == (5, "5994471a")
    assert made.total_bytes == 5 + (root / ".gitignore").stat().st_size
    assert made.root == root


async def test_links_stay_links_when_they_stay_inside(root: Path) -> None:
    write(root, "real.py", "pkg/x.py")
    (root / "pkg/link.py").symlink_to("../real.py")
    (root / "folder").symlink_to("pkg")
    (root / "outside").symlink_to("../../etc")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "pkg/sly").symlink_to("../outside/passwd")
    made = await plan(root)
    assert {file.path: file.link for file in made.files if file.link} == {"pkg/link.py": "../real.py", "folder": "pkg"}
    assert [path for path, _ in made.skipped_links] == ["absolute", "outside", "pkg/sly"]


async def test_a_data_set_is_refused_unless_the_limit_is_raised(root: Path) -> None:
    write(root, "train.py", *(f"images/{number}" for number in range(30)))
    with pytest.raises(Refused) as caught:
        await plan(root, limits=SyncLimits(files=20))
    assert "looks like a data set" in caught.value.what
    assert "images" in caught.value.why
    with pytest.raises(Refused):
        await plan(root, limits=SyncLimits(total_bytes=10))
    assert len((await plan(root, limits=SyncLimits(files=31))).files) == 31


async def test_a_home_folder_and_the_root_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "someone"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (tmp_path / "link").symlink_to(home)
    for folder in (home, tmp_path, Path("/"), Path("~"), tmp_path / "link"):
        with pytest.raises(Refused) as caught:
            await plan(folder)
        assert caught.value.code == "sync.home"
    with pytest.raises(ValidationError):
        await plan(home / "missing")


def test_the_root_is_the_repository_else_the_nearest_marker_else_the_script_s_folder(tmp_path: Path) -> None:
    write(tmp_path, "repo/.git/HEAD", "repo/sub/requirements.txt", "repo/sub/train.py")
    write(tmp_path, "a/pyproject.toml", "a/b/setup.py", "a/b/c/train.py", "plain/train.py")
    assert project_root(tmp_path / "repo/sub/train.py") == tmp_path / "repo"
    assert project_root(tmp_path / "a/b/c/train.py") == tmp_path / "a/b"
    assert project_root(tmp_path / "plain/train.py") == tmp_path / "plain"


def test_a_home_folder_that_is_kept_in_git_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, ".git/HEAD", "requirements.txt", "a/train.py")
    assert project_root(tmp_path / "a/train.py") == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert project_root(tmp_path / "a/train.py") == tmp_path / "a"
