"""Builds sdist and wheel, installs the wheel in an empty environment, imports it and runs its program there: build.py."""

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


BARE = """
import subprocess, sys
def said(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr
import grok_imagine
assert said("--version") == (0, f"grok-imagine {grok_imagine.__version__}\\n", ""), said("--version")
needs = "grok-imagine needs typer: install grok-imagine with its extra [cli]; in a checkout: pip install '.[cli]'\\n"
assert said("models") == (2, "", needs), said("models")
print("the bare wheel's program says what it needs")
"""
LEAN = """
import subprocess
def said(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
code, told = said("estimate", "x", "--duration", "2")
assert code == 0 and told.startswith("$0.10"), told
code, told = said("--base-url", "http://127.0.0.1:9", "generate", "x", "--preview")
assert code == 2 and "install grok-imagine with its extra [preview]; in a checkout: pip install '.[preview]'" in told, told
print("the program runs without the libraries of pictures")
"""
COMMAND = """
import subprocess
subprocess.run([PROGRAM, "--sandbox", "--sandbox-speed", "100", "generate", "x", "-o", "x.mp4"], check=True, timeout=120)
with open("x.mp4", "rb") as file:
    assert file.read(8)[4:] == b"ftyp"
"""


def main() -> None:
    """Builds and tries."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, stdout=subprocess.DEVNULL)
        wheel, sdist = next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))
        venv.create(folder / "empty", with_pip=True)
        python = folder / "empty" / "bin" / "python"
        program = f"PROGRAM = {str(python.with_name('grok-imagine'))!r}\n"
        for requirement, code in (
            (str(wheel), IMPORTS),
            (str(wheel), program + BARE),
            (f"{wheel}[cli]", program + LEAN),
            (f"{wheel}[sandbox]", SANDBOX),
            (f"{wheel}[cli,sandbox]", program + COMMAND),
        ):
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement], check=True
            )
            subprocess.run([python, "-I", "-c", code], check=True, cwd=folder)
        print(sdist.name, "and", wheel.name, "build; tried in an empty environment, and not kept")


if __name__ == "__main__":
    main()
