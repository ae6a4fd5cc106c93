"""Builds sdist and wheel, installs the wheel in an empty environment and imports it there: build.py."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

IMPORTS = """
import sys, grok_imagine, grok_imagine_api
assert grok_imagine.Client(api_key="k").video and grok_imagine_api.Client
assert not {"av", "starlette", "asyncio"} & set(sys.modules), "an import that is not light"
print("imported", grok_imagine.__version__, "from the wheel")
"""
SANDBOX = """
from grok_imagine import Client
from grok_imagine_sandbox import Sandbox
with Sandbox() as sandbox, Client(api_key="k", base_url=sandbox.base_url) as client:
    print("the wheel's sandbox has", [model.id for model in client.models.list()])
"""


def main() -> None:
    """Builds and tries."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, stdout=subprocess.DEVNULL)
        wheel, sdist = next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))
        venv.create(folder / "empty", with_pip=True)
        python = folder / "empty" / "bin" / "python"
        for requirement, code in ((str(wheel), IMPORTS), (f"{wheel}[sandbox]", SANDBOX)):
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement], check=True
            )
            subprocess.run([python, "-I", "-c", code], check=True, cwd=folder)
        print(sdist.name, "and", wheel.name, "build; tried in an empty environment, and not kept")


if __name__ == "__main__":
    main()
