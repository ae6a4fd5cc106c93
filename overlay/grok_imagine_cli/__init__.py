"""The command line `grok-imagine`: the client for those who never write Python. It adds no logic of its own.

What it needs besides the client comes with the extra `[cli]`, and for pictures with `[preview]`; each command imports what it needs when it runs, so that
`--help` and `--version` load neither httpx nor the client.
"""

import sys

__all__ = ["main", "print_version"]

NEEDED = ("typer", "rich")


def print_version() -> None:
    """Prints the version that is installed."""
    from importlib.metadata import version

    print(f"grok-imagine {version('grok-imagine')}")


def main() -> None:
    """Runs the command line with the process's arguments, and ends the process with a documented exit code."""
    if sys.argv[1:] == ["--version"]:  # by itself it needs no program, which takes twice as long to import
        print_version()
        return
    try:
        from .signals import sigterm_interrupts

        with sigterm_interrupts():
            sys.exit(_run())
    except KeyboardInterrupt as error:  # before the command began, or again while it ended
        from .codes import code_of

        sys.exit(code_of(error))


def _run() -> int:
    from .signals import quits_at_once

    try:
        with quits_at_once():
            from .codes import NUMBERS
            from .output import set_up_streams

            set_up_streams()
            from .app import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in NEEDED:
            raise
        print(
            f"grok-imagine needs {error.name}: install grok-imagine with its extra [cli]; in a checkout: pip install '.[cli]'",
            file=sys.stderr,
        )
        return NUMBERS["usage"]
    return run(sys.argv[1:])
