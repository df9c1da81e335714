"""The script that a new instance runs at its first start: it mounts the data volume, nothing else."""

from __future__ import annotations

from typing import Final

DATA_DEVICE: Final = "/dev/sdf"
MOUNT_POINT: Final = "/mnt/data"

_MOUNT: Final = """#!/bin/bash
# Mounts the data volume at @POINT@. The volume is found by its EBS serial, because device names change
# from start to start and the host's own disks look alike; a volume with anything on it is never formatted.
set -u
exec >>/var/log/runctl-data-volume.log 2>&1
point=@POINT@

in_use() { lsblk -nro MOUNTPOINT "$1" | grep -q .; }

find_volume() {
    local link disk
    for link in /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol*; do
        case "$link" in *-part*) continue ;; esac
        [ -e "$link" ] || continue
        disk=$(readlink -f "$link")
        in_use "$disk" || { echo "$disk"; return 0; }
    done
    for disk in @DEVICE@ @XEN@; do
        [ -b "$disk" ] || continue
        disk=$(readlink -f "$disk")
        in_use "$disk" || { echo "$disk"; return 0; }
    done
    return 1
}

for _ in $(seq 60); do
    volume=$(find_volume) && break
    sleep 2
done
[ -n "${volume:-}" ] || { echo "no data volume appeared within 2 minutes"; exit 0; }

made=no
if [ -z "$(lsblk -nro FSTYPE "$volume" | tr -d '[:space:]')" ] && ! blkid -p "$volume" >/dev/null 2>&1 \\
    && [ "$(lsblk -nro NAME "$volume" | wc -l)" -eq 1 ]; then
    mkfs.ext4 -q -L runctl-data "$volume" || exit 0
    made=yes
fi
uuid=$(blkid -s UUID -o value "$volume")
[ -n "$uuid" ] || { echo "$volume holds partitions or something unknown and is left alone"; exit 0; }
mkdir -p "$point"
grep -q "UUID=$uuid" /etc/fstab || echo "UUID=$uuid $point auto defaults,nofail 0 2" >>/etc/fstab
mountpoint -q "$point" || mount "$point"
[ "$made" = no ] || chown 1000:1000 "$point"
"""


def user_data(*, data_volume: bool) -> str:
    """Return the script for RunInstances, or nothing where there is nothing to do."""
    if not data_volume:
        return ""
    xen = DATA_DEVICE.replace("/sd", "/xvd")
    return _MOUNT.replace("@POINT@", MOUNT_POINT).replace("@DEVICE@", DATA_DEVICE).replace("@XEN@", xen)
