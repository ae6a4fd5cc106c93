"""Executes the notebooks of docs/ anew, each in a kernel and a folder of its own, and writes their outputs: notebooks.py."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))
ENDED = re.compile(r'<video src="http://127[^>]*></video>')
"""A player of a URL of the sandbox, which has ended with it."""

SECONDS = 120
"""What a cell may take."""


def executed(path: Path) -> Any:
    """A notebook with the outputs of this run, without what only says when that was."""
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}}
        ).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = ENDED.sub("", data["text/html"])
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return notebook


def main() -> None:
    """Writes them all."""
    for path in NOTEBOOKS:
        text: str = nbformat.writes(executed(path))  # type: ignore[no-untyped-call]
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
