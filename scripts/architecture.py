"""Draws the packages and their imports into docs/architecture.svg, as the code has them; with --check, says if that has changed."""

from __future__ import annotations

import ast
import sys
import tomllib
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
WIDTH, ROW, BOX, HEIGHT, MARGIN = 1180, 96, 206, 54, 24
PACKAGES = ("grok_imagine", "grok_imagine_cli", "grok_imagine_sandbox", "grok_imagine_api")


def layers() -> list[list[str]]:
    """The layers that the linter holds, from the top."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    inner = next(each for each in settings["contracts"] if each.get("containers") == ["grok_imagine"])
    rows = [[f"grok_imagine.{name.strip()}" for name in row.replace(":", "|").split("|")] for row in inner["layers"]]
    return [["grok_imagine_cli", "grok_imagine_sandbox"], *rows, ["grok_imagine_api"]]


def folder(name: str) -> Path:
    """Where a package or module is."""
    parent = "generated" if name == "grok_imagine_api" else "overlay"
    return ROOT / parent / name.replace(".", "/")


def size_and_role(name: str) -> tuple[int, str]:
    """Lines of a package or module, docstrings included, and the first sentence of what it says of itself."""
    path = folder(name)
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    first = path / "__init__.py" if path.is_dir() else files[0]
    text = first.read_text(encoding="utf-8")
    role = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    return round(lines, -2) or 50, role  # rounded, so that the picture changes when the house does


def arrows(boxes: list[str]) -> set[tuple[str, str]]:
    """Which box imports which, without what follows from two others."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=False)

    def box_of(module: str) -> str | None:
        parts = module.split(".")
        names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
        return next((name for name in names if name in boxes), None)

    found = set[tuple[str, str]]()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            begin, end = box_of(module), box_of(imported)
            if begin and end and begin != end:
                found.add((begin, end))
    reached = dict[str, set[str]]()
    for box in reversed(boxes):  # from the bottom
        below = {end for begin, end in found if begin == box}
        reached[box] = below.union(*(reached.get(each, set()) for each in below))
    return {
        (begin, end)
        for begin, end in found
        if not any((begin, other) in found and end in reached.get(other, set()) for other in boxes if other != end)
    }


def wrapped(text: str, most: int) -> list[str]:
    """A text in at most two lines."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [lines[0], lines[1] + ("…" if len(lines) > 2 else "")] if len(lines) > 1 else lines


def picture() -> str:
    """The picture as SVG."""
    rows = layers()
    boxes = [box for row in rows for box in row]
    height = MARGIN * 2 + ROW * (len(rows) - 1) + HEIGHT
    places = dict[str, tuple[float, float]]()
    for number, row in enumerate(rows):
        step = (WIDTH - 2 * MARGIN) / len(row)
        for position, box in enumerate(row):
            places[box] = (MARGIN + step * (position + 0.5), MARGIN + number * ROW)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif">',
        "<title>Packages and imports; an arrow goes down only</title>",
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#64748b"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for (x, y), (to_x, to_y) in _lines(arrows(boxes), places):
        bend = (to_y - y) / 2
        parts.append(
            f'<path d="M{x:.0f} {y:.0f} C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y:.0f}"'
            ' fill="none" stroke="#94a3b8" stroke-width="1.2" marker-end="url(#a)"/>'
        )
    for box in boxes:
        parts.extend(_box(box, *places[box]))
    return "\n".join([*parts, "</svg>", ""])


def _lines(
    found: set[tuple[str, str]], places: dict[str, tuple[float, float]]
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Where each arrow begins and ends: spread over the edge of a box, in the order of the boxes at the other end."""

    def spread(box: str, others: list[str], other: str) -> float:
        others.sort(key=lambda name: (places[name], name))
        return places[box][0] + (others.index(other) - (len(others) - 1) / 2) * min(24, 0.8 * BOX / len(others))

    lines = []
    for begin, end in sorted(found):
        x = spread(begin, [other for one, other in found if one == begin], end)
        to_x = spread(end, [one for one, other in found if other == end], begin)
        lines.append(((x, places[begin][1] + HEIGHT), (to_x, places[end][1] - 2)))
    return lines


def _box(name: str, x: float, y: float) -> list[str]:
    lines, role = size_and_role(name)
    fill = {"grok_imagine_api": "#e2e8f0", "grok_imagine.core": "#dcfce7"}.get(name, "#f1f5f9")
    left, label = x - BOX / 2, name.removeprefix("grok_imagine.")
    # Of small modules several stand beside each other: their names alone.
    said = [
        f'<text x="{x:.0f}" y="{y + 31 + 11 * number:.0f}" font-size="9" text-anchor="middle" fill="#475569">{escape(line)}</text>'
        for number, line in enumerate(wrapped(role, 34))
    ]
    return [
        f'<rect x="{left:.0f}" y="{y:.0f}" width="{BOX}" height="{HEIGHT}" rx="6" fill="{fill}" stroke="#475569"/>',
        f'<text x="{x:.0f}" y="{y + 17:.0f}" font-size="13" text-anchor="middle" fill="#0f172a">{escape(label)} · {lines:,}</text>',
        *said,
    ]


def main() -> int:
    """Writes or checks the picture."""
    made = picture()
    if "--check" in sys.argv:
        is_current = PICTURE.is_file() and PICTURE.read_text(encoding="utf-8") == made
        print("docs/architecture.svg: as the code has it" if is_current else "docs/architecture.svg: run `make docs`")
        return 0 if is_current else 1
    PICTURE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
