"""Whatever is written into a configuration file, a filter or after the colon is read or refused, never a crash."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.commands.line import COMMANDS, Vocabulary, among, begun, complete, nearest
from runctl_tui.domain.setting_spec import Kind
from runctl_tui.domain.settings import SCHEMA
from runctl_tui.domain.settings_sample import sample
from runctl_tui.services.config import files, values
from runctl_tui.services.errors import ConfigParseError
from runctl_tui.widgets.table_filter import parse_filter
from tests.properties.mutants import INPUTS, inputs

TOML: Final = (
    '[aws]\nregion = "us-west-2"\nregions = ["us-east-1", "eu-west-1"]\nspot_max_price = 0.40\n',
    '[ssh.overrides]\n"i-0123456789abcdef0" = "ubuntu@10.0.0.7:22"\n',
    "[costs]\nproject_budgets = { demo = 50, big = 1e3 }\nmonthly_budget = 12_000\n",
    "a = 2026-11-30T18:00:00Z\nb = '''x\ny'''\nc = 0xff\nd = [[1], [2]]\n[[e]]\nf.g = inf\n",
    "[ui]\nmouse = true\n# words\n",
)
ROWS: Final = (("trainer-1", "running", "us-east-1"), ("böse[/]", "", "\x1b[31m"))
COLUMNS: Final = (("name",), ("state", "st"), ("region",))
VOCABULARY: Final = Vocabulary(*(among(lambda: ("alpha", "a b", "[/]")) for _ in range(4)))


def test_a_file_is_tables_or_told_wrong(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    read = 0
    for text in inputs((*TOML, sample())):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            tables = files.read(path)
        except ConfigParseError:
            continue
        read += 1
        for spec in SCHEMA:
            section: Any = tables.get(spec.section, {}) if spec.section else tables
            if isinstance(section, dict) and spec.name in section:
                _decode(spec.key, section[spec.name])
    assert read > INPUTS / 20


def _decode(key: str, value: object) -> None:
    spec = next(spec for spec in SCHEMA if spec.key == key)
    with suppress(ValueError):
        found = values.decode(spec, value)
        assert spec.kind in (Kind.SECRET, Kind.TABLE, Kind.AMOUNTS) or values.parse(spec, values.show(found)) == found


@given(st.sampled_from(SCHEMA), st.recursive(
    st.one_of(st.text(), st.integers(), st.floats(), st.decimals(), st.booleans(), st.dates()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
))  # fmt: skip
def test_any_value_of_any_key_is_right_or_told_wrong(spec: Any, value: object) -> None:
    _decode(spec.key, value)


def test_texts_of_flags_and_variables_are_read_or_told_wrong() -> None:
    for text in inputs(("true", "10", "0.40", "us-east-1,eu-west-1", "a=b;c=d", "203.0.113.0/24")):
        for spec in SCHEMA[:: max(1, INPUTS // 2000)]:
            with suppress(ValueError):
                values.parse(spec, text)


def test_any_filter_keeps_or_leaves_rows() -> None:
    for text in inputs(("word", "!word", "-f wrd", "state:running", "!-f st:run", "a:b:c", "s3://x")):
        found = parse_filter(text, COLUMNS)
        kept = [found.keeps(row) for row in ROWS]
        assert found.needle or all(kept)
        if found.needle and not found.fuzzy and found.column is None:
            assert kept == [any(found.needle in cell for cell in row) is not found.invert for row in ROWS]


def test_any_line_is_completed_to_lines_that_begin_with_it() -> None:
    for text in inputs(
        (*COMMANDS, "instances a", "view save x", "sandbox cut al", "region us-east-1,eu", "config aws.")
    ):
        begin = " ".join(word for word in text.split(" ")[:-1] if word)
        assert all(line.startswith(begin) for line in complete(text, VOCABULARY))
        word = begun(text)
        assert not word or word.startswith(text)
        assert nearest(text)
