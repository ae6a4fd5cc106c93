"""Makes what a release is made of, in dist/, and uploads nothing: release.py. docs/releasing.md is the recipe.

Checked before anything is built: the version, the changelog, and that all is committed. Checked afterwards: the metadata, and that
the files of sdist and wheel are those of this checkout. All that is wrong is said at once.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.metadata import ExceptionGroup, Metadata
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
HEADING = re.compile(r"^## (\S+)(?: \((.*)\))?$", re.M)
IN_SDIST = ("CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml", "openapi/grok-imagine.yaml")
NEVER = re.compile(r"(^|/)(\.env|\.git|\.venv|__pycache__|.*\.pyc|.*\.mp4|.*\.db)(/|$)")


def version_of(source: str) -> str:
    """The version that _version.py gives."""
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.M)
    return found[1] if found else ""


def version_problems(version: str, changelog: str, today: datetime.date) -> Iterator[str]:
    """What is wrong with a version and its changelog."""
    try:
        if str(Version(version)) != version:
            yield f"_version.py: {version!r} is written {Version(version)} by packaging tools"
    except InvalidVersion:
        yield f"_version.py: {version!r} is no version; write one such as 1.2.0"
        return
    headings = HEADING.findall(changelog)
    if not headings or headings[0][0] != version:
        told = headings[0][0] if headings else "nothing"
        yield f"CHANGELOG.md: its first heading is of {told}, and _version.py says {version}; make them agree"
        return
    try:
        date = datetime.date.fromisoformat(headings[0][1])
        if date > today:
            yield f"CHANGELOG.md: {date} is not yet; write the day of the release"
    except ValueError:
        yield f"CHANGELOG.md: write the day of the release: `## {version} ({today})`; it says ({headings[0][1]})"
    text = changelog.partition(f"## {version}")[2].partition("\n## ")[0]
    if not re.search(r"^- \S", text, re.M):
        yield f"CHANGELOG.md: nothing is told of {version}"
    try:
        versions = [Version(name) for name, _ in headings]
    except InvalidVersion as error:
        yield f"CHANGELOG.md: a heading is of no version: {error}"
    else:
        if versions != sorted(set(versions), reverse=True):
            yield "CHANGELOG.md: versions go from the newest to the oldest, each once"


def uncommitted(folder: Path) -> Iterator[str]:
    """What would be released without being committed."""
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        yield "git status fails: a release is made of a commit"
    for line in done.stdout.splitlines():
        yield f"{line[3:]}: not committed"


def wheel_problems(wheel: Path, version: str, folder: Path) -> Iterator[str]:
    """What is wrong with a wheel: its metadata, and files that are not those of the checkout."""
    settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    packages = [Path(name) for name in settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
    info = f"grok_imagine-{version}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    yield from metadata_problems(files.get(f"{info}/METADATA", b""), version, settings["project"], folder)
    for name in ("entry_points.txt", "licenses/LICENSE"):
        if f"{info}/{name}" not in files:
            yield f"{wheel.name}: has no {name}"
    ours = {
        path.relative_to(folder / package.parent).as_posix(): path.read_bytes()
        for package in packages
        for path in (folder / package).rglob("*")
        if path.is_file() and not NEVER.search(path.relative_to(folder).as_posix())
    }
    yield from differences(wheel.name, ours, {name: data for name, data in files.items() if not name.startswith(info)})


def differences(archive: str, ours: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> Iterator[str]:
    """Files of an archive that are not those of the checkout."""
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            what = "is missing" if name not in theirs else "is not in the checkout" if name not in ours else "differs"
            yield f"{archive}: {name} {what}"


def metadata_problems(raw: bytes, version: str, project: Mapping[str, object], folder: Path) -> Iterator[str]:
    """What an index would refuse, or show wrongly."""
    try:
        data = Metadata.from_email(raw, validate=True)
    except ExceptionGroup as group:
        yield from (f"METADATA: {error}" for error in group.exceptions)
        return
    wanted = {"name": project["name"], "version": Version(version), "license_expression": project["license"]}
    for name, value in wanted.items():
        if getattr(data, name) != value:
            yield f"METADATA: {name} is {getattr(data, name)!s}, not {value!s}"
    extras = project["optional-dependencies"]
    if {*(data.provides_extra or ())} != {*(extras if isinstance(extras, dict) else ())}:
        yield "METADATA: its extras are not those of pyproject.toml"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    if (data.description or "").strip() != readme.strip() or data.description_content_type != "text/markdown":
        yield "METADATA: its description is not README.md"


def sdist_problems(sdist: Path, version: str, folder: Path) -> Iterator[str]:
    """What is wrong with an sdist: files that are missing, changed, or never to be in one."""
    root = f"grok_imagine-{version}/"
    with tarfile.open(sdist) as archive:
        members = [each for each in archive.getmembers() if each.isfile()]
        files = {each.name.removeprefix(root): archive.extractfile(each) for each in members}
        read = {name: file.read() for name, file in files.items() if file}
    for name in IN_SDIST:
        if name not in read:
            yield f"{sdist.name}: has no {name}"
    for name, data in read.items():
        path = folder / name
        if NEVER.search(name) and name != ".gitignore":
            yield f"{sdist.name}: {name} is in it"
        elif name != "PKG-INFO" and not (path.is_file() and path.read_bytes() == data):
            yield f"{sdist.name}: {name} is not that of the checkout"


def stop(problems: list[str]) -> None:
    """Ends the program if there is any."""
    if problems:
        sys.exit("\n".join([*problems, "no release was made"]))


def main() -> None:
    """Checks, builds, checks what was built, and keeps it."""
    version = version_of((ROOT / "overlay" / "grok_imagine" / "_version.py").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    today = datetime.datetime.now(datetime.UTC).date()
    stop([*version_problems(version, changelog, today), *uncommitted(ROOT)])
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "build", "--outdir", name, str(ROOT)]  # the wheel is made of the sdist
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        sdist, wheel = (Path(name, f"grok_imagine-{version}{end}") for end in (".tar.gz", "-py3-none-any.whl"))
        stop([f"{path.name} was not made" for path in (sdist, wheel) if not path.is_file()])
        stop([*wheel_problems(wheel, version, ROOT), *sdist_problems(sdist, version, ROOT)])
        shutil.rmtree(ROOT / "dist", ignore_errors=True)
        (ROOT / "dist").mkdir()
        sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in (sdist, wheel))
        for path in (sdist, wheel):
            shutil.copy2(path, ROOT / "dist")
        (ROOT / "dist" / "SHA256SUMS").write_text(sums, encoding="utf-8")
    print(sums + f"{version} is in dist/; nothing was uploaded")


if __name__ == "__main__":
    main()
