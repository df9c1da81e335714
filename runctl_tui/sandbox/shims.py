"""Commands that would reach the machine below a host: in the sandbox they act on the instance, as on EC2."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

POWER: Final = """#!{python} -IS
import os, sys, urllib.request
url = os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"] + "/sandbox/{act}"
request = urllib.request.Request(url, method="POST", headers={{"X-Runctl-Sandbox": "1"}}, data=b"")
urllib.request.urlopen(request, timeout=10).close()
"""
SUDO: Final = """#!/bin/sh
# You are the superuser of this instance already.
while [ $# -gt 0 ]; do
    case "$1" in
        -u|-g|-h|-p|-C|-D|-R|-T) shift 2 ;;
        --) shift; break ;;
        -i|-s) shift; [ $# -gt 0 ] || set -- "${SHELL:-/bin/sh}" ;;
        -*) shift ;;
        *=*) export "${1?}"; shift ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || exit 1
exec "$@"
"""
ACTS: Final = {"shutdown": "off", "poweroff": "off", "halt": "off", "reboot": "reboot"}


def write(folder: Path) -> None:
    """Write every shim into a folder."""
    texts = {name: POWER.format(python=sys.executable, act=act) for name, act in ACTS.items()}
    for name, text in {**texts, "sudo": SUDO}.items():
        path = folder / name
        path.write_text(text)
        path.chmod(0o700)
