"""Files made of tables: no cell acts in a spreadsheet, a browser or a terminal; time and scope are in every one."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.sheet import ABSENT, Sheet, SheetFormat, sheet_of, written

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SHEET = Sheet(
    "instances",
    ("name", "usd"),
    (("box", 1.5), ("db", None)),
    NOON,
    ("aws/us-east-1",),
    ("us-west-2: throttled",),
    "all",
)

_FRAME = [
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "p",
    "time",
    "table",
    "thead",
    "tr",
    "th",
    "th",
    "tbody",
]


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


class Cells(HTMLParser):
    """Tags and the text of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["td"] and self.cells and data != "\n":
            self.cells[-1] += data


def test_each_format_holds_rows_time_scope_and_what_is_missing() -> None:
    rows = table(written(SHEET, SheetFormat.CSV))
    about = "aws/us-east-1; without us-west-2: throttled; all"
    assert rows == [
        ["name", "usd", "as_of", "scope"],
        ["box", "1.5", "2026-11-20T12:00:00+00:00", about],
        ["db", "?", "2026-11-20T12:00:00+00:00", about],
    ]
    found = json.loads(written(SHEET, SheetFormat.JSON))
    assert found["rows"] == [{"name": "box", "usd": 1.5}, {"name": "db", "usd": None}]
    assert (found["as_of"], found["scope"]) == ("2026-11-20T12:00:00+00:00", ["aws/us-east-1"])
    assert found["missing"] == ["us-west-2: throttled"]
    for form in (SheetFormat.HTML, SheetFormat.MARKDOWN):
        text = written(SHEET, form)
        assert "2026-11-20T12:00:00+00:00" in text
        assert about in text
        assert "box" in text


@pytest.mark.parametrize("cell", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3"])
def test_no_cell_is_a_formula(cell: str) -> None:
    sheet = replace(SHEET, titles=(cell, "x"), rows=((cell, 1),), scope=(cell,))
    for row in table(written(sheet, SheetFormat.CSV)):
        assert row[0] == f"'{cell}"
    assert table(written(sheet, SheetFormat.CSV))[1][3].startswith(f"'{cell}")


@pytest.mark.parametrize("cell", ["-", "-4.5", "1,204.55", 'say "hi", twice'])
def test_plain_cells_stay_as_they_are(cell: str) -> None:
    assert table(written(replace(SHEET, rows=((cell, 1),)), SheetFormat.CSV))[1][0] == cell


@given(st.text())
def test_no_text_leaves_its_cell_in_a_browser(text: str) -> None:
    sheet = replace(SHEET, name=text, titles=(text, "x"), rows=((f"<script>{text}", f"</td>{text}"),), scope=(text,))
    found = Cells(written(sheet, SheetFormat.HTML))
    assert len(found.cells) == 2
    assert found.tags == [*_FRAME, "tr", "td", "td"]


@given(st.text(), st.sampled_from(SheetFormat))
def test_nothing_in_a_file_acts_on_a_terminal(text: str, form: SheetFormat) -> None:
    sheet = replace(SHEET, rows=((f"\x1b[2J{text}", {"key": text}),), scope=(text,), missing=(text,))
    assert not [letter for letter in written(sheet, form) if ord(letter) < 32 and letter != "\n"]


def test_markdown_keeps_a_name_a_name() -> None:
    sheet = replace(SHEET, rows=(("a|b [x](javascript:alert(1)) <b> `c`", "d\ne"),))
    lines = written(sheet, SheetFormat.MARKDOWN).splitlines()
    assert lines[-1] == r"| a\|b \[x\](javascript:alert(1)) \<b\> \`c\` | d␊e |"
    assert lines[-2] == "| --- | --- |"


def test_rows_of_different_keys_share_the_columns() -> None:
    sheet = sheet_of("all", [{"a": 1}, {"b": {"k": "v", "w": True}, "a": ["x", "y"]}], NOON)
    assert sheet.titles == ("a", "b")
    assert [row[:2] for row in table(written(sheet, SheetFormat.CSV))[1:]] == [["1", "-"], ["x; y", "k=v; w=yes"]]
    assert written(sheet_of("none", [], NOON), SheetFormat.CSV) == '"as_of","scope"\n'


def test_what_there_is_none_of_is_no_question_to_a_reader_and_null_to_a_program() -> None:
    sheet = sheet_of("all", [{"a": None, "b": ABSENT}], NOON)
    assert table(written(sheet, SheetFormat.CSV))[1][:2] == ["?", "-"]
    assert written(sheet, SheetFormat.MARKDOWN).splitlines()[-1] == "| ? | - |"
    assert "<td>?</td><td>-</td>" in written(sheet, SheetFormat.HTML)
    assert json.loads(written(sheet, SheetFormat.JSON))["rows"] == [{"a": None, "b": None}]
