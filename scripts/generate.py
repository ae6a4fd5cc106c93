"""Compiles the contract into the binding, from nothing and byte for byte the same each time: generate.py [--check].

With --check it compiles into a temporary folder and fails if generated/ differs by a single byte or file.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "openapi" / "grok-imagine.yaml"
CONFIG = ROOT / "openapi" / "generator.yaml"
TARGET = ROOT / "generated" / "grok_imagine_api"
HEADER = "# Generated from {} by `make generate`. Do not edit.\n"
# Where a file that is not made of the document comes from.
COPIED = {"_records.py": "scripts/contract_records.py"}
RUFF = ["--isolated", "--no-cache", "--line-length", "120", "--target-version", "py311"]


def run(*command: object, cwd: Path = ROOT) -> None:
    """Runs a tool of this environment and stops at its failure."""
    tool, *arguments = map(str, command)
    here = Path(sys.executable).parent
    # The generator's hooks call ruff by its name, and must get this environment's.
    environment = {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run([here / tool, *arguments], cwd=cwd, check=True, stdout=subprocess.DEVNULL, env=environment)


def generate(out: Path) -> None:
    """Writes the whole package into `out`, which must not exist: a stale file would survive."""
    run("openapi-python-client", "generate", "--path", DOCUMENT, "--config", CONFIG, "--meta", "none",
        "--output-path", out, "--fail-on-warning")  # fmt: skip
    run("python", ROOT / "scripts" / "compile_contract.py", DOCUMENT, out)
    run("ruff", "format", *RUFF, "contract.py", cwd=out)
    for path in sorted(out.rglob("*.py")):
        header = HEADER.format(COPIED.get(path.name, "openapi/grok-imagine.yaml"))
        path.write_text(header + path.read_text(encoding="utf-8"), encoding="utf-8")


def files(folder: Path) -> set[str]:
    """Every file below a folder, but for what running Python leaves behind."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


def differences(fresh: Path, committed: Path) -> list[str]:
    """The files that differ, are missing or should not be there."""
    both = files(fresh) & files(committed)
    changed = [name for name in both if not filecmp.cmp(fresh / name, committed / name, shallow=False)]
    return sorted([*changed, *(files(fresh) ^ files(committed))])


def main() -> int:
    """Generates, or checks."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / TARGET.name
        generate(fresh)
        if "--check" in sys.argv[1:]:
            wrong = differences(fresh.parent, TARGET.parent)
            print(
                "\n".join(
                    [f"generated/ differs from openapi/: {name}" for name in wrong] or ["generated/ is up to date"]
                )
            )
            return 1 if wrong else 0
        shutil.rmtree(TARGET, ignore_errors=True)
        shutil.copytree(fresh, TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
