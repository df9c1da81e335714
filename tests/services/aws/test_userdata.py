from __future__ import annotations

import subprocess

from runctl_tui.services.aws.userdata import user_data


def test_without_a_data_volume_nothing_is_run() -> None:
    assert user_data(data_volume=False) == ""


def test_the_script_is_whole_and_small_enough_for_ec2() -> None:
    script = user_data(data_volume=True)
    checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=10, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "@" not in script
    assert len(script.encode()) < 16_384


def test_only_an_ebs_volume_with_nothing_on_it_is_formatted() -> None:
    script = user_data(data_volume=True)
    before, _, after = script.partition("mkfs.ext4")
    assert "Amazon_Elastic_Block_Store" in before
    assert "Instance_Storage" not in script, "the host's own disks are never touched"
    for condition in ("FSTYPE", "blkid -p", "-eq 1"):
        assert condition in before[before.rindex("made=no") :]
    assert "defaults,nofail" in after
