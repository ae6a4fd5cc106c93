"""Whether what is to be written can be: tried before a job is paid for, by what will write it."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from .report import in_words

__all__ = ["check_picture", "check_video"]

PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def check_video(target: Path, overwrite: bool, option: str) -> None:
    """Tries whether a video can be saved there.

    Args:
        target: A file, or a folder, in which it would be called by its id.
        overwrite: Whether a file may be replaced.
        option: That names it.

    Raises:
        BadParameter: No video can be saved there, and why.
    """
    from grok_imagine import DownloadError, check_target

    try:
        check_target(target, overwrite=overwrite)
    except DownloadError as error:
        raise _refusal(in_words(error), option) from None


def check_picture(target: Path, overwrite: bool, option: str) -> None:
    """Opens the file, and leaves it as it is.

    Raises:
        BadParameter: No picture can be written there, and why.
    """
    if target.suffix.lower() not in PICTURES:
        raise _refusal(f"{target} is not named .png, .jpg or .webp", option)
    if not target.parent.is_dir():
        raise _refusal(f"{target.parent} is no directory", option)
    if os.path.lexists(target) and not target.is_file():
        raise _refusal(f"{target} exists, and is no file", option)
    if os.path.lexists(target) and not overwrite:
        raise _refusal(f"{target} exists; --overwrite replaces it", option)
    try:
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            target.unlink()
        except FileExistsError:
            os.close(os.open(target, os.O_WRONLY))
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        raise _refusal(f"{target}: {getattr(error, 'strerror', None) or error}", option) from None


def _refusal(text: str, option: str) -> typer.BadParameter:
    return typer.BadParameter(f"{text}; nothing was sent", param_hint=option)
