from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.settings import AwsCredentials, AwsSettings, require_loopback
from runctl_tui.services.errors import ConfigError, CredentialsError
from runctl_tui.services.threads import BackendPool
from tests.services.aws.world import FakeClock, World


def clients(settings: AwsSettings, clock: FakeClock) -> AwsClients:
    return AwsClients(settings, BackendPool("t", 1), clock)


@pytest.mark.parametrize("url", ["http://10.0.0.1", "https://ec2.amazonaws.com", "http://localhost.evil.example", "x"])
def test_an_endpoint_beyond_this_machine_is_refused(settings: AwsSettings, clock: FakeClock, url: str) -> None:
    with pytest.raises(ConfigError, match="refused"):
        clients(replace(settings, endpoint_url=url), clock)


def test_loopback_is_accepted() -> None:
    for url in ("http://127.0.0.1:5000", "http://localhost:1", "http://[::1]:1"):
        require_loopback(url)


def test_an_endpoint_without_own_keys_is_refused(settings: AwsSettings, clock: FakeClock) -> None:
    with pytest.raises(ConfigError, match="explicit credentials"):
        clients(replace(settings, credentials=None), clock)


def test_real_credentials_and_settings_never_reach_an_own_endpoint(
    settings: AwsSettings, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    (own_home / ".aws").mkdir()
    (own_home / ".aws" / "credentials").write_text("[default]\naws_access_key_id=REAL\naws_secret_access_key=REAL\n")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "REAL",
        "AWS_SECRET_ACCESS_KEY": "REAL",
        "AWS_SESSION_TOKEN": "REAL",
        "AWS_PROFILE": "does-not-exist",
        "AWS_ENDPOINT_URL": "https://real.example",
        "AWS_CA_BUNDLE": "/nonexistent",
        "HTTP_PROXY": "http://192.0.2.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    found = clients(settings, clock)
    for service in ("ec2", "s3", "sts", "ssm", "pricing"):
        client = found._client(service, "us-east-1", False)
        keys = client._request_signer._credentials.get_frozen_credentials()  # type: ignore[attr-defined]  # to see what boto3 would sign with
        assert (keys.access_key, keys.secret_key, keys.token) == ("AKIATEST", "secret", None)
        assert client.meta.endpoint_url == settings.endpoint_url  # type: ignore[attr-defined]  # a boto3 client
        assert client.meta.config.proxies == {}  # type: ignore[attr-defined]  # a boto3 client


def test_time_outs_and_attempts(settings: AwsSettings, clock: FakeClock) -> None:
    found = clients(settings, clock)
    for changes, attempts in ((False, 5), (True, 1)):
        config = found._client("ec2", "us-east-1", changes).meta.config  # type: ignore[attr-defined]  # a boto3 client
        assert (config.connect_timeout, config.read_timeout) == (5, 20)
        assert config.retries == {"mode": "standard", "total_max_attempts": attempts}
        assert config.user_agent_extra.startswith("runctl-tui/")


def test_clients_are_made_once(settings: AwsSettings, clock: FakeClock) -> None:
    found = clients(settings, clock)
    assert found._client("ec2", "us-east-1", False) is found._client("ec2", "us-east-1", False)
    assert found._client("ec2", "us-east-1", False) is not found._client("ec2", "us-west-2", False)


async def test_without_credentials_it_is_said_what_was_tried(settings: AwsSettings, clock: FakeClock) -> None:
    provider = AwsProvider(replace(settings, endpoint_url="", credentials=None), clock)
    snapshot = await provider.list_resources()
    assert snapshot.missing[0].code == "NoCredentialsError"
    assert "aws sso login" in snapshot.missing[0].todo
    found = await provider.identity()
    assert isinstance(found, Unknown)
    assert "tried" in found.reason
    assert "aws sso login" in found.todo
    assert "aws sso login" not in found.reason, "the next step is said once, by whoever shows both"
    provider.close()


async def test_a_profile_that_does_not_exist_is_said(settings: AwsSettings, clock: FakeClock) -> None:
    provider = AwsProvider(replace(settings, endpoint_url="", credentials=None, profile="lab"), clock)
    with pytest.raises(CredentialsError, match="lab"):
        await provider.get_resource_status("i-0123456789abcdef0")
    provider.close()


async def test_who_we_are(world: World) -> None:
    found = await world.provider.identity()
    assert isinstance(found, Known)
    assert found.value.account == "123456789012"
    assert found.value.expires_at is None


def test_no_region_is_a_configuration_error(settings: AwsSettings, clock: FakeClock) -> None:
    with pytest.raises(ConfigError, match="No AWS region"):
        clients(replace(settings, regions=()), clock)


def test_keys_folder(settings: AwsSettings, tmp_path: Path) -> None:
    assert settings.keys == tmp_path / "keys"
    assert replace(settings, keys_dir=tmp_path / "own").keys == tmp_path / "own"
    assert AwsCredentials("a", "b").session_token == ""
