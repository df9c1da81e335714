"""The short description of EC2 holds what is called, is made anew when it should be, and never stands in the way."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.session import Session

from runctl_tui.services.aws import models
from tests.hygiene.source import PACKAGE


def client(folder: Path) -> Any:
    core = models.teach(Session(), folder)
    return core.create_client("ec2", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def words() -> Iterator[str]:
    """Every name and every text in the AWS services, among them whatever is called."""
    for path in sorted((PACKAGE / "services" / "aws").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_it_holds_exactly_what_is_called() -> None:
    told = Loader().load_service_model("ec2", "service-2")
    methods = {xform_name(name): name for name in told["operations"]}
    called = {methods[word] for word in words() if word in methods}
    assert called == models.EC2_CALLS


def test_a_client_made_from_it_reads_what_the_whole_one_reads(tmp_path: Path) -> None:
    whole = Session().create_client("ec2", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    for short in (client(tmp_path), client(tmp_path)):
        for name in models.EC2_CALLS:
            ours, theirs = short.meta.service_model, whole.meta.service_model
            assert outline(ours.operation_model(name)) == outline(theirs.operation_model(name))
        assert not hasattr(short, "delete_vpc")
    assert [path.stat().st_mode & 0o077 for path in tmp_path.iterdir()] == [0]


def outline(operation: Any) -> object:
    def of(shape: Any, seen: tuple[str, ...] = ()) -> object:
        if shape is None or shape.name in seen:
            return shape and shape.name
        below = (*seen, shape.name)
        members = {name: of(one, below) for name, one in getattr(shape, "members", {}).items()}
        inner = of(shape.member, below) if shape.type_name == "list" else None
        return shape.name, shape.type_name, members, inner

    return of(operation.input_shape), of(operation.output_shape)


@pytest.mark.parametrize(
    "content", ["", "no json", "[]", '{"operations": {}}', '{"operations": {"RunInstances": {}}, "shapes": {"a": {}}}']
)
def test_what_is_wrong_or_of_another_version_is_made_anew(tmp_path: Path, content: str) -> None:
    client(tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text(content)
    (tmp_path / "ec2-0.0.1.json").write_text("{}")
    assert client(tmp_path).describe_instances
    assert json.loads(path.read_text())["operations"].keys() == models.EC2_CALLS
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert client(blocked).run_instances
