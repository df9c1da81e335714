"""Configuration: where values come from, what is refused and in which words, and writing that keeps comments."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from decimal import Decimal
from pathlib import Path

import pytest

from runctl_tui.domain.secret import Secret
from runctl_tui.domain.setting_spec import Section
from runctl_tui.domain.settings import SCHEMA, SPECS, Configuration
from runctl_tui.domain.settings_sample import sample
from runctl_tui.services.config.files import ConfigPlaces, heritage_file
from runctl_tui.services.config.load import Sources, effective, examine, load, unknown_key, variable_of
from runctl_tui.services.config.service import ConfigService
from runctl_tui.services.config.values import show
from runctl_tui.services.errors import ConfigError, ConfigNotFound, ConfigParseError, InvalidValue

HERITAGE_SAMPLE = """
[runpod]
api_key = "..."
default_gpu = "RTX 4080"

[aws]
region = "us-east-1"
default_instance_type = "t3.medium"

[checkpoint]
dir = "checkpoints"
save_interval = 5

[local]
"""


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def sources(
    folder: Path, environ: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None, explicit: str = ""
) -> Sources:
    places = ConfigPlaces(
        explicit=folder / explicit if explicit else None,
        folder=folder / "project" / "deep" / "inside",
        user=folder / "user" / "config.toml",
        heritage=folder / "heritage" / "config.toml",
    )
    return Sources(places, environ or {}, flags or {})


def test_without_any_file_everything_has_its_default(tmp_path: Path) -> None:
    configuration = load(sources(tmp_path))
    assert configuration == Configuration()
    assert configuration.regions == ("us-east-1",)


def test_runctls_defaults_are_ours() -> None:
    defaults = {spec.key: spec.default for spec in SCHEMA if spec.heritage}
    assert defaults == {
        "runpod.api_key": None,
        "runpod.default_gpu": "NVIDIA GeForce RTX 4080 SUPER",
        "runpod.default_disk_gb": 30,
        "runpod.default_image": "runpod/pytorch:2.1.0-py3.10-cuda11.8.0-devel-ubuntu22.04",
        "aws.region": "us-east-1",
        "aws.default_instance_type": "t3.medium",
        "aws.default_ami": None,
        "aws.use_spot": True,
        "aws.spot_max_price": None,
        "aws.iam_instance_profile": None,
        "aws.s3_bucket": None,
        "aws.default_project_name": None,
        "aws.user_id": None,
        "local.default_device": "auto",
        "local.checkpoint_dir": "checkpoints",
        "checkpoint.dir": "checkpoints",
        "checkpoint.save_interval": 5,
        "checkpoint.keep_last_n": 10,
        "monitoring.log_dir": "logs",
        "monitoring.update_interval_secs": 10,
        "monitoring.enable_warnings": True,
    }


def test_each_source_is_stronger_than_the_next(tmp_path: Path) -> None:
    write(
        tmp_path / "user/config.toml",
        '[aws]\nregion = "eu-west-1"\nprofile = "u"\nkey_name = "u"\n[ui]\nmouse = true\n',
    )
    project = write(tmp_path / "project/.runctl.toml", '[aws]\nregion = "eu-west-2"\nprofile = "p"\nkey_name = "p"\n')
    environ = {"RUNCTL_TUI_AWS_REGION": "eu-west-3", "RUNCTL_TUI_AWS_PROFILE": "e"}
    configuration = load(sources(tmp_path, environ, {"aws.region": "eu-north-1"}))
    assert configuration.aws.region == "eu-north-1"
    assert configuration.aws.profile == "e"
    assert configuration.aws.key_name == "p"
    assert configuration.ui.mouse is True
    assert configuration.origins["aws.region"] == "flag"
    assert configuration.origins["aws.profile"] == "environment (RUNCTL_TUI_AWS_PROFILE)"
    assert configuration.origins["aws.key_name"] == f"project ({project})"
    assert "aws.subnet" not in configuration.origins


def test_an_explicit_file_replaces_both_others(tmp_path: Path) -> None:
    write(tmp_path / "user/config.toml", '[aws]\nkey_name = "u"\n')
    write(tmp_path / "project/.runctl.toml", '[aws]\nprofile = "p"\n')
    write(tmp_path / "mine.toml", '[aws]\nregion = "eu-west-3"\n')
    configuration = load(sources(tmp_path, explicit="mine.toml"))
    assert configuration.aws.region == "eu-west-3"
    assert configuration.aws.profile is None
    assert configuration.aws.key_name is None


def test_an_explicit_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigNotFound, match=r"mine\.toml"):
        load(sources(tmp_path, explicit="mine.toml"))


def test_runctls_user_file_counts_while_ours_is_absent(tmp_path: Path) -> None:
    write(tmp_path / "heritage/config.toml", '[aws]\nkey_name = "old"\n')
    assert load(sources(tmp_path)).aws.key_name == "old"
    write(tmp_path / "user/config.toml", "")
    assert load(sources(tmp_path)).aws.key_name is None


def test_runctls_user_file_is_found_where_runctl_looked() -> None:
    assert heritage_file({}) is None
    if os.uname().sysname == "Linux":
        assert heritage_file({"HOME": "/h"}) == Path("/h/.config/runctl/config.toml")
        assert heritage_file({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == Path("/x/runctl/config.toml")


def test_runctls_own_sample_loads(tmp_path: Path) -> None:
    write(tmp_path / "project/.runctl.toml", HERITAGE_SAMPLE)
    configuration = load(sources(tmp_path))
    assert configuration.runpod.default_gpu == "RTX 4080"
    assert configuration.runpod.default_disk_gb == 30
    assert configuration.checkpoint.keep_last_n == 10


def test_our_own_sample_is_empty_configuration_and_loads_with_every_key_uncommented(tmp_path: Path) -> None:
    assert load(sources(tmp_path, explicit=write(tmp_path / "a.toml", sample()).name)) == Configuration()
    lines = [line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in sample().splitlines()]
    uncommented = write(tmp_path / "b.toml", "\n".join(lines))
    assert set(load(sources(tmp_path, explicit="b.toml")).origins) == set(SPECS)
    assert tomllib.loads(uncommented.read_text())["aws"]["region"] == "us-east-1"


@pytest.mark.parametrize(
    ("text", "named", "todo"),
    [
        ('[aws]\nregon = "x"\n', "aws.regon", "aws.region"),
        ("[asw]\n", "[asw]", "[aws]"),
        ('ownr = "x"\n', "ownr", "owner"),
        ("[ui]\nmosue = true\n", "ui.mosue", "ui.mouse"),
        ("[costs.project_budget]\nllama = 5\n", "costs.project_budget", "costs.project_budgets"),
        ("[zzzzz]\n", "[zzzzz]", "the sections are"),
    ],
)
def test_an_unknown_key_names_file_key_and_the_nearest(tmp_path: Path, text: str, named: str, todo: str) -> None:
    path = write(tmp_path / "project/.runctl.toml", text)
    with pytest.raises(InvalidValue) as caught:
        load(sources(tmp_path))
    assert str(path) in caught.value.what
    assert named in caught.value.what
    assert todo in caught.value.todo


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ("[aws]\nregion = 5\n", "aws.region", "a text"),
        ('[aws]\nregion = "moon"\n', "aws.region", "us-east-1"),
        ('[aws]\nregions = "us-east-1"\n', "aws.regions", "a list"),
        ("[aws]\nregions = [1]\n", "aws.regions", "1 in it is no text"),
        ('[aws]\nuse_spot = "yes"\n', "aws.use_spot", "true or false"),
        ('[aws]\ns3_bucket = "My Bucket"\n', "aws.s3_bucket", "bucket name"),
        ('[aws]\nspot_max_price = "much"\n', "aws.spot_max_price", "an amount"),
        ("[aws]\nspot_max_price = -1\n", "aws.spot_max_price", "at least 0"),
        ("[costs]\nmonthly_budget = nan\n", "costs.monthly_budget", "finite"),
        ("[costs]\nproject_budgets = 5\n", "costs.project_budgets", "a table of amounts"),
        ('[costs]\nproject_budgets = { a = "12O" }\n', "costs.project_budgets", "a: it must be an amount"),
        ("[costs]\nproject_budgets = { a = true }\n", "costs.project_budgets", "a: it must be an amount"),
        ("[costs.project_budgets]\na = -1\n", "costs.project_budgets", "a: it must be at least 0"),
        ("[costs.project_budgets]\n'a b' = 1\n", "costs.project_budgets", "no project name"),
        ("[costs]\nmonthly_budget = true\n", "costs.monthly_budget", "an amount"),
        ("[checkpoint]\nsave_interval = 0\n", "checkpoint.save_interval", "at least 1"),
        ("[checkpoint]\nsave_interval = 1.5\n", "checkpoint.save_interval", "whole number"),
        ("[checkpoint]\nsave_interval = true\n", "checkpoint.save_interval", "whole number"),
        ('[checkpoint]\ndir = "../up"\n', "checkpoint.dir", "relative path"),
        ('[ui]\ntheme = "blink"\n', "ui.theme", "runctl-dark"),
        ("[ui]\nkeymap = { a = 1 }\n", "ui.keymap", "no text"),
        ('[ssh]\noverrides = { i-1 = "a b" }\n', "ssh.overrides", "SSH address"),
        ('[safety]\nproduction_accounts = ["1"]\n', "safety.production_accounts", "12 digits"),
    ],
)
def test_a_wrong_value_names_file_key_and_what_is_wanted(tmp_path: Path, text: str, key: str, why: str) -> None:
    path = write(tmp_path / "project/.runctl.toml", text)
    with pytest.raises(InvalidValue) as caught:
        load(sources(tmp_path))
    assert str(path) in caught.value.what
    assert key in caught.value.what
    assert why in caught.value.why


def test_limits_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "project/.runctl.toml", "[safety]\nmax_instances_warn = 60\n")
    with pytest.raises(InvalidValue, match="max_instances_block"):
        load(sources(tmp_path))


def test_what_is_not_toml_names_the_line(tmp_path: Path) -> None:
    write(tmp_path / "project/.runctl.toml", "[aws\n")
    with pytest.raises(ConfigParseError, match="line 1"):
        load(sources(tmp_path))


@pytest.mark.parametrize("spec", SCHEMA, ids=lambda spec: spec.key)
def test_every_key_can_be_set_by_environment_and_by_set(tmp_path: Path, spec: object) -> None:
    from runctl_tui.domain.setting_spec import SettingSpec
    from runctl_tui.domain.settings_sample import example

    assert isinstance(spec, SettingSpec)
    tables = tomllib.loads(f"it = {example(spec)}")
    text = _as_text(tables["it"])
    by_environment = load(sources(tmp_path, {variable_of(spec.key): text}))
    service = ConfigService(sources(tmp_path))
    service.set(spec.key, text)
    assert effective(by_environment, spec.key) == service.value(spec.key)
    assert by_environment.origins[spec.key] == f"environment ({variable_of(spec.key)})"
    assert effective(by_environment, spec.key) not in (None, (), {})


def _as_text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ",".join(value)
        case dict():
            return ";".join(f"{name}={item}" for name, item in value.items())
    return str(value)


def test_a_misspelt_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="RUNCTL_TUI_AWS_REGON") as caught:
        load(sources(tmp_path, {"RUNCTL_TUI_AWS_REGON": "us-east-1"}))
    assert "RUNCTL_TUI_AWS_REGION" in caught.value.todo


def test_tables_of_several_files_are_joined_and_the_stronger_wins(tmp_path: Path) -> None:
    write(tmp_path / "user/config.toml", '[ui.keymap]\na = "x"\nb = "x"\n')
    write(tmp_path / "project/.runctl.toml", '[ui.keymap]\nb = "y"\n')
    assert dict(load(sources(tmp_path)).ui.keymap) == {"a": "x", "b": "y"}


def test_budgets_of_projects_are_written_as_amounts_and_keep_the_comments(tmp_path: Path) -> None:
    path = write(tmp_path / "project/.runctl.toml", "[costs]  # money\nproject_budgets = { sdxl = 5 }\n")
    ConfigService(sources(tmp_path)).set("costs.project_budgets", "llama=120.50; sdxl=$40")
    assert "# money" in path.read_text()
    assert tomllib.loads(path.read_text())["costs"]["project_budgets"] == {"llama": 120.5, "sdxl": 40}
    assert load(sources(tmp_path)).costs.project_budgets == {"llama": Decimal("120.5"), "sdxl": Decimal(40)}
    with pytest.raises(InvalidValue, match="'llama' is not NAME=VALUE"):
        ConfigService(sources(tmp_path)).set("costs.project_budgets", "llama")


def test_the_api_key_is_never_shown(tmp_path: Path) -> None:
    secret = "rpa_VERYSECRET"
    service = ConfigService(sources(tmp_path, {"RUNPOD_API_KEY": secret}))
    shown = next(setting for setting in service.all() if setting.key == "runpod.api_key")
    assert shown.value == "***"
    assert shown.origin == "environment (RUNPOD_API_KEY)"
    key = service.configuration.runpod.api_key
    assert key is not None
    assert key.reveal() == secret
    for text in (repr(service.configuration), str(key), f"{key}", f"{key:>10}", repr(service.all())):
        assert secret not in text


def test_a_wrong_secret_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    write(tmp_path / "project/.runctl.toml", "[runpod]\napi_key = 123456789\n")
    with pytest.raises(InvalidValue) as caught:
        load(sources(tmp_path))
    assert "123456789" not in f"{caught.value}{caught.value.todo}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "project/.runctl.toml", HERITAGE_SAMPLE, mode)
    with pytest.raises(ConfigError) as caught:
        load(sources(tmp_path))
    assert caught.value.todo == f"chmod 600 '{path}'"
    assert caught.value.exit_code == 3


def test_a_file_without_secrets_may_be_public(tmp_path: Path) -> None:
    write(tmp_path / "project/.runctl.toml", '[aws]\nkey_name = "k"\n', 0o644)
    assert load(sources(tmp_path)).aws.key_name == "k"


def test_set_keeps_comments_and_order_and_is_private(tmp_path: Path) -> None:
    path = write(
        tmp_path / "project/.runctl.toml", '# mine\n[aws] # cloud\nregion = "eu-west-1" # home\nkey_name = "k"\n'
    )
    service = ConfigService(sources(tmp_path))
    assert service.set("aws.region", "eu-west-2") == str(path)
    assert path.read_text() == '# mine\n[aws] # cloud\nregion = "eu-west-2" # home\nkey_name = "k"\n'
    assert service.configuration.aws.region == "eu-west-2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_set_without_any_file_makes_the_users_file(tmp_path: Path) -> None:
    service = ConfigService(sources(tmp_path))
    path = Path(service.set("costs.monthly_budget", "12.50"))
    assert path == tmp_path / "user/config.toml"
    assert service.configuration.costs.monthly_budget == Decimal("12.5")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_set_with_an_empty_text_removes_an_optional_key(tmp_path: Path) -> None:
    path = write(tmp_path / "project/.runctl.toml", '[aws]\nkey_name = "k"\n')
    ConfigService(sources(tmp_path)).set("aws.key_name", "")
    assert "key_name" not in path.read_text()


@pytest.mark.parametrize(("key", "text"), [("aws.regon", "x"), ("aws.region", "moon"), ("ui.mouse", "perhaps")])
def test_set_refuses_what_would_not_load_and_writes_nothing(tmp_path: Path, key: str, text: str) -> None:
    service = ConfigService(sources(tmp_path))
    with pytest.raises(InvalidValue):
        service.set(key, text)
    assert not (tmp_path / "user/config.toml").exists()


def test_set_follows_a_link(tmp_path: Path) -> None:
    real = write(tmp_path / "dotfiles/runctl.toml", '[aws]\nkey_name = "k"\n')
    link = tmp_path / "project/.runctl.toml"
    link.parent.mkdir()
    link.symlink_to(real)
    ConfigService(sources(tmp_path)).set("aws.key_name", "other")
    assert link.is_symlink()
    assert 'key_name = "other"' in real.read_text()


def test_validate_lists_everything_that_is_wrong_and_show_still_works(tmp_path: Path) -> None:
    write(tmp_path / "project/.runctl.toml", '[aws]\nregon = "x"\nuse_spot = 3\nkey_name = "k"\n')
    service = ConfigService(sources(tmp_path))
    problems = service.validate()
    assert [problem.code for problem in problems] == ["config.unknown-key", "config.value"]
    assert service.value("aws.key_name") == "k"
    with pytest.raises(InvalidValue):
        _ = service.configuration


@pytest.mark.parametrize(
    ("key", "todo"),
    [
        ("foo.bar", "the sections are aws, runpod, "),
        ("aws.zzzzz", "[aws] has profile, region, regions, "),
        ("cost.zzzzz", "[costs] has "),
    ],
)
def test_a_key_that_is_like_none_gets_what_there_is_near_it(key: str, todo: str) -> None:
    assert unknown_key(key, "").todo.startswith(todo)
    assert unknown_key(key, "").todo.endswith("'runctl-tui config show' lists every key")


def test_value_of_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue) as caught:
        ConfigService(sources(tmp_path)).value("region")
    assert "aws.region" in caught.value.todo


def test_show_says_what_parse_would_read() -> None:
    assert show(None) == ""
    assert show(("a", "b")) == "a,b"
    assert show({"a": "x,y", "b": "z"}) == "a=x,y;b=z"
    assert show(True) == "true"
    assert show(Secret("s")) == "***"


def test_what_is_quoted_of_a_long_value_is_cut(tmp_path: Path) -> None:
    long = "x" * 100_000
    for spec in SCHEMA:
        for text in (long, f"{long}={long}", f"a={long}", f"a,{long}"):
            for error in examine(sources(tmp_path, {variable_of(spec.key): text})).errors:
                assert len(f"{error}{error.todo}") < 700, spec.key


def test_what_is_quoted_of_a_long_name_is_cut(tmp_path: Path) -> None:
    long = "x" * 100_000
    for toml in (f'{long} = "a"\n', f"[{long}]\n", f"[aws]\n{long} = 1\n", f'[aws]\nregions = "{long}"\n'):
        write(tmp_path / "project/.runctl.toml", toml)
        with pytest.raises(InvalidValue) as caught:
            load(sources(tmp_path))
        assert "xxx…" in str(caught.value)
        assert len(f"{caught.value}{caught.value.todo}") < 700
    with pytest.raises(InvalidValue, match="'moon' is no region"):
        load(sources(tmp_path, {"RUNCTL_TUI_AWS_REGION": "moon"}))


def test_a_keymap_is_checked_by_those_who_know_the_bindings_and_only_where_one_is_set(tmp_path: Path) -> None:
    asked: list[object] = []

    def wrong(keymap: object) -> tuple[str, ...]:
        asked.append(keymap)
        return ("ui.keymap: there is no a",) if keymap else ()

    path = write(tmp_path / "project/.runctl.toml", '[ui.keymap]\na = "x"\n')
    service = ConfigService(sources(tmp_path), wrong)
    assert service.configuration.ui.keymap == {"a": "x"}
    (problem,) = service.validate()
    assert (problem.code, problem.what) == ("config.keymap", f"project ({path}): ui.keymap: there is no a")
    assert service.draft("ui.keymap", "b=y").problem == "ui.keymap: there is no a"
    with pytest.raises(InvalidValue, match="there is no a"):
        service.set("ui.keymap", "b=y")
    service.set("ui.keymap", None)
    assert service.validate() == ()
    assert asked[-1] == {}


class One(Section):
    theme: str = "dark"


class Other(Section):
    theme: str = "dark"


def test_a_table_of_the_configuration_is_frozen_as_a_frozen_dataclass_is() -> None:
    table = One()
    with pytest.raises(FrozenInstanceError, match=r"One\.theme cannot be set"):
        table.theme = "light"  # type: ignore[misc]  # that is what is refused
    with pytest.raises(FrozenInstanceError, match=r"One\.theme cannot be deleted"):
        del table.theme
    assert table == One()
    assert table != One(theme="light")
    assert vars(table) == vars(Other())
    assert table != Other(), "it is another table"
    assert len({One(), One(), One(theme="light"), Other()}) == 3
