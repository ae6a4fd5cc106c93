"""Build the documentation into build/site: site_build.py [--into FOLDER].

The pages of the contract are made of the document; the others are copied from docs/ and from where they stand. Links into the
repository become links to pages, or downloads. What is built says nothing of when and where. It is not built again if nothing
that goes into it has changed.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from site_sources import ROOT, Sources

SITE = ROOT / "build" / "site"
STAMP = ROOT / "build" / "site.stamp"
INPUTS = ("docs", "openapi", "overlay", "scripts", "*.md", "pyproject.toml")


def fingerprint() -> str:
    """What goes into the site."""
    files = {
        file
        for pattern in INPUTS
        for path in ROOT.glob(pattern)
        for file in (path.rglob("*") if path.is_dir() else [path])
    }
    total = hashlib.sha256(sys.version.encode())
    for file in sorted(files):
        if file.is_file() and "__pycache__" not in file.parts:
            total.update(
                file.relative_to(ROOT).as_posix().encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest()
            )
    return total.hexdigest()


def build(into: Path = SITE) -> None:
    """Builds the site anew. A warning is an error.

    Raises:
        SystemExit: Sphinx found something wrong.
    """
    from sphinx.cmd.build import build_main

    sources = Sources(into.with_name(f"{into.name}-source"))
    shutil.rmtree(into, ignore_errors=True)
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    trees = into.with_name(f"{into.name}-trees")
    arguments = ["-q", "-W", "--keep-going", "-E", "-b", "html", "-d", str(trees), str(sources.folder), str(into)]
    try:
        if failed := build_main(arguments):
            raise SystemExit(failed)
    finally:
        shutil.rmtree(trees, ignore_errors=True)
    for left in (".buildinfo", ".nojekyll"):
        (into / left).unlink(missing_ok=True)


def ensure() -> Path:
    """The site as it is to be: built, unless it is there. Of several processes one builds it, and the others wait."""
    STAMP.parent.mkdir(exist_ok=True)
    with STAMP.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _ensure()
    return SITE


def _ensure() -> None:
    now = fingerprint()
    if not (SITE / "index.html").is_file() or not STAMP.is_file() or STAMP.read_text(encoding="utf-8") != now:
        STAMP.unlink(missing_ok=True)
        # In a process of its own: it is nothing to Sphinx what its caller makes of warnings, the time zone or the folder.
        subprocess.run([sys.executable, __file__, "--into", str(SITE)], check=True, cwd=ROOT)
        STAMP.write_text(now, encoding="utf-8")


def main() -> None:
    """As the first line of this file says."""
    parser = argparse.ArgumentParser(description="Build the documentation.")
    parser.add_argument("--into", type=Path, help="another folder than build/site")
    given = parser.parse_args()
    if given.into:
        build(given.into)
    else:
        print(f"{ensure() / 'index.html'}")


if __name__ == "__main__":
    main()
