"""Pages of the site from executed notebooks: text, code and outputs as they are saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat


def page(path: Path) -> str:
    """A notebook as Markdown. Its HTML outputs stay HTML: this package made them, and escaped what is in them."""
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return "\n".join(part for cell in notebook.cells for part in _cell(cell))


def _cell(cell: Any) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield f"{cell.source}\n"
        return
    yield f"```python\n{cell.source}\n```\n"
    streams = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    if streams:
        yield f"```\n{streams}```\n"
    for output in cell.outputs:
        data = output.get("data", {})
        if "text/html" in data:
            yield f'<div class="output">\n{_lines(data["text/html"])}\n</div>\n'
        elif "text/plain" in data:
            yield f"```\n{data['text/plain']}\n```\n"


def _lines(html: str) -> str:
    """Without empty lines, after which Markdown would go on."""
    return "\n".join(line for line in html.splitlines() if line.strip())
