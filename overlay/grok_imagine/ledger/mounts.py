"""File systems that are safe for a ledger. SQLite shares its log index in memory, which works on one machine only."""

from __future__ import annotations

import os
import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

REMOTE = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "fuse",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
    }
    | {"ocfs2", "orangefs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"}
)

LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.bindfs", "fuse.ntfs-3g"})
"""FUSE file systems that are known to be on a local disk."""


def unsafe_kind(path: str, mounts: Path = MOUNTS) -> str | None:
    """The type of a file's file system, if processes of several machines may use it. None if not, or if it is unknown.

    Args:
        path: An absolute path with symbolic links resolved.
        mounts: The table of mounts. Only Linux has it.
    """
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    best, kind = -1, None
    for line in table.splitlines():
        fields, _, rest = line.partition(" - ")
        if not rest or len(fields.split()) < 5:
            continue
        point = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), fields.split()[4])
        # Of two mounts at one point the later one is visible.
        if len(point) >= best and os.path.commonpath([point, path]) == point:
            best, kind = len(point), rest.split()[0]
    if kind is None:
        return None
    return kind if kind in REMOTE or (kind.startswith("fuse.") and kind not in LOCAL_FUSE) else None
