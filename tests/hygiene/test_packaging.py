"""The wheel and the source distribution: what is in them, and that the wheel starts in a bare environment."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import runctl_tui
from tests.hygiene.source import PACKAGE, ROOT

STYLES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "styles").rglob("*.tcss"))
DATA = sorted(
    str(path.relative_to(ROOT))
    for path in PACKAGE.rglob("*")
    if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, built without the network."""
    folder = tmp_path_factory.mktemp("dist")
    script = (
        "import sys\nfrom hatchling.builders.wheel import WheelBuilder\n"
        "from hatchling.builders.sdist import SdistBuilder\n"
        "for builder in (WheelBuilder, SdistBuilder): list(builder(sys.argv[1]).build(directory=sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, str(ROOT), str(folder)]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, timeout=120)
    return folder


def test_the_wheel_holds_the_package_with_its_data_and_the_styles(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert set(DATA) - names == set()
    assert {f"runctl_tui/{name}" for name in STYLES} - names == set()
    assert STYLES
    assert {name.partition("/")[0] for name in names} == {
        "runctl_tui",
        f"runctl_tui-{runctl_tui.__version__}.dist-info",
    }


def test_the_source_distribution_can_be_built_from_and_tested(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {*DATA, *STYLES, "pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/conftest.py"} - names == set()


def test_the_wheel_starts_in_a_bare_environment(built: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False, symlinks=True)
    site = next(bare.glob("lib/python*/site-packages"))
    (wheel,) = built.glob("*.whl")
    install = [sys.executable, "-m", "pip", "--python", str(bare / "bin/python"), "install", "--quiet"]
    install += ["--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=120, cwd=tmp_path)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    program = str(bare / "bin/runctl-tui")
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C"}

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *words], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)

    assert start("--version").stdout.strip() == f"runctl-tui {runctl_tui.__version__}"
    assert start("config", "show", "aws.region", "--json").returncode == 0
    where = "import runctl_tui.paths as p; print(p.__file__); print(len(list(p.styles_dir().glob('*.tcss'))))"
    done = subprocess.run(
        [str(bare / "bin/python"), "-c", where], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    file, count = done.stdout.split()
    assert Path(file).is_relative_to(bare)
    assert int(count) == len(STYLES)
