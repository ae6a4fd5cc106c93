"""The file of a manifest, whatever program wrote it: opened once, and read as UTF-8; what is no text says how it becomes one."""

from __future__ import annotations

import codecs
import io
import os
import shlex
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

import typer

__all__ = ["BadFile", "opened"]

PIECE = 1 << 14
"""Bytes, or characters, that are looked at at a time."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),  # the readers skip it
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and what they say."""

ANSI = "cp1252"
"""What programs on Windows write where nobody told them to write UTF-8, in western countries."""

SPREADSHEET = "pandas.read_excel({0!r}).to_csv({1!r}, index=False)"
COLUMNAR = "pandas.read_{2}({0!r}).to_json({1!r}, orient='records', lines=True)"
FORMATS = (
    (b"PAR1", "Parquet", COLUMNAR, "parquet"),
    (b"ARROW1", "Feather", COLUMNAR, "feather"),
    (b"PK\x03\x04", "Excel", SPREADSHEET, ""),
    (b"\xd0\xcf\x11\xe0", "Excel", SPREADSHEET, ""),
)
"""How files of other formats begin, and the second of the two lines that convert one."""

PACKED = ((b"\x1f\x8b", "", "gunzip -c"), (b"\x28\xb5\x2f\xfd", "", "zstd -dc"), (b"PK\x03\x04", ".zip", "unzip -p"))
"""How compressed files begin and are called, and what unpacks one."""

FOLDERS = {".parquet": FORMATS[0]}
"""Formats that may be a folder."""


class BadFile(typer.BadParameter):
    """A manifest of which no line can be read, or none as it stands.

    Attributes:
        told: The lines that say why, and how it becomes one.
    """

    def __init__(self, *told: str) -> None:
        self.told = list(told)
        super().__init__("; ".join(text.strip() for text in told), param_hint="MANIFEST")


def opened(name: str, encoding: str | None = None) -> BinaryIO:
    """A manifest as UTF-8 whose lines end with a line feed. It is kept in a temporary file if it is none, or can't be read twice.

    Args:
        name: A path, or `-` for stdin.
        encoding: What it is written in, if it has no byte order mark and is no UTF-8.

    Raises:
        BadFile: It can't be read, or is no text.
        BadParameter: There is no such encoding.
    """
    is_stdin = name == "-"
    shown = "stdin" if is_stdin else name
    try:
        source: BinaryIO = sys.stdin.buffer if is_stdin else Path(name).open("rb")  # noqa: SIM115  # the manifest closes it
    except OSError as error:
        known = FOLDERS.get(Path(name).suffix.lower()) if isinstance(error, IsADirectoryError) else None
        raise (_foreign(name, *known[1:]) if known else BadFile(f"{name}: {error.strerror or error}")) from None
    if is_stdin or not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
        source = _kept(source, is_stdin)
    try:
        return _readable(source, name, shown, encoding)
    except BaseException:
        source.close()
        raise


def _readable(source: BinaryIO, name: str, shown: str, encoding: str | None) -> BinaryIO:
    head = source.read(64)
    if packed := next((way for mark, suffix, way in PACKED if head.startswith(mark) and name.endswith(suffix)), None):
        raise BadFile(f"{shown} is compressed: {packed} {shlex.quote(shown)} | grok-imagine batch - ...")
    for mark, what, code, reader in FORMATS:
        if head.startswith(mark):
            raise _foreign(shown, what, code, reader)
    found = _encoding(head) or _known(encoding)
    if found != "utf-8":
        return _decoded(source, found, shown, None if encoding is None else "--encoding")
    is_unix = _scan(source, shown)
    source.seek(0)
    return source if is_unix else _decoded(source, "utf-8", shown, None)


def _kept(source: BinaryIO, is_stdin: bool) -> BinaryIO:
    spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # the manifest closes it
    shutil.copyfileobj(source, spool)
    spool.seek(0)
    if not is_stdin:
        source.close()
    return spool


def _foreign(name: str, what: str, code: str, reader: str) -> BadFile:
    """A file of a format that is not read: the two lines that make another of it."""
    path = Path("table" if name == "stdin" else name)
    target = path.with_suffix(".csv" if code is SPREADSHEET else ".jsonl")
    needed = "pandas and openpyxl" if code is SPREADSHEET else "pandas and pyarrow"
    return BadFile(
        f"{name} is {what}, which is not read; with {needed}, these two lines of Python make {target} of it:",
        "  import pandas",
        f"  {code.format(str(path), str(target), reader)}",
    )


def _known(encoding: str | None) -> str:
    if encoding is None:
        return "utf-8"
    try:
        "".encode(encoding)  # a codec of another kind refuses a text
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        text = f"there is no encoding {encoding[:40]!r}; such as {ANSI}, utf-16 or latin-1"
        raise typer.BadParameter(text, param_hint="--encoding") from None


def _encoding(head: bytes) -> str | None:
    """What a file says that it is written in: by its mark, or by the zeros of UTF-16 between letters."""
    for mark, name in BOMS:
        if head.startswith(mark):
            return name
    zeros = tuple(not byte for byte in head[:4])
    if zeros == (False, True, False, True):
        return "utf-16-le"
    return "utf-16-be" if zeros == (True, False, True, False) else None


def _scan(source: BinaryIO, name: str) -> bool:
    """Holds a file to UTF-8; returns whether its lines end with line feeds, not with carriage returns alone."""
    source.seek(0)
    decoder, line, has_return = codecs.getincrementaldecoder("utf-8")(), 1, False
    while True:
        piece = source.read(PIECE)
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise _no_utf8(name, line, error.object, error.start) from None
        if b"\0" in piece:
            line += piece[: piece.index(b"\0")].count(b"\n")
            raise BadFile(f"{name}:{line}: holds a byte of 0: is it a text?")
        if not piece:
            return line > 1 or not has_return
        line += piece.count(b"\n")
        has_return = has_return or b"\r" in piece


def _no_utf8(name: str, line: int, data: bytes, at: int) -> BadFile:
    word = data[max(0, at - 20) : at].split()[-1:] if data[max(0, at - 1) : at].strip() else []
    rest = data[at : at + 20].split()[:1]
    text = b"".join([*word, *rest])
    try:
        reads = f"in {ANSI}, as of Excel on Windows, it reads {text.decode(ANSI)!r}: --encoding {ANSI} reads it so"
    except UnicodeDecodeError:
        reads = "--encoding NAME reads another encoding"
    return BadFile(f"{name}:{line}: is no UTF-8 text; {reads}, or save it as UTF-8; nothing was sent")


def _decoded(source: BinaryIO, encoding: str, name: str, option: str | None) -> BinaryIO:
    """A copy in UTF-8, with line feeds."""
    source.seek(0)
    spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # the manifest closes it
    line = 1
    with io.TextIOWrapper(source, encoding) as text:
        try:
            while piece := text.read(PIECE):
                line += piece.count("\n")
                spool.write(piece.encode())
        except UnicodeError as error:
            of = f", as {option} says" if option else ""
            spool.close()
            raise BadFile(f"{name}:{line}: can't be read as {encoding}{of}: {error}; nothing was sent") from None
    spool.seek(0)
    return spool
