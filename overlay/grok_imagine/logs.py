"""What this package logs, under the name `grok_imagine`: nothing, unless a program or `GROK_IMAGINE_LOG` asks for it.

At `info`: requests, retries and changes of a job's state; at `debug` also pauses. A record names jobs, paths, hosts and types of
errors. It never holds a prompt, a body, a query, or the text of an error, which may repeat what came over the wire.
"""

from __future__ import annotations

import logging
import os
import re
import traceback

LOGGER = logging.getLogger("grok_imagine")

VARIABLE = "GROK_IMAGINE_LOG"

_PLAIN = re.compile(r"[\w.:~\[\]-]{1,128}", re.ASCII)


def set_up() -> bool:
    """Has the logger write to stderr if the environment says so; done when a client is made.

    Else it stays as the program has set it up: where it has not, Python itself shows errors, such as a paid job that nobody waits
    for, and nothing else.

    Returns:
        False if `GROK_IMAGINE_LOG` is no level.
    """
    named = os.environ.get(VARIABLE, "").strip().upper()
    if named in ("", "OFF"):
        return True
    level = logging.getLevelNamesMapping().get(named)
    if level is None:
        return False
    if not any(handler.get_name() == VARIABLE for handler in LOGGER.handlers):
        handler = logging.StreamHandler()
        handler.set_name(VARIABLE)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        LOGGER.addHandler(handler)
    LOGGER.setLevel(level)
    return True


def tell(level: int, text: str, *values: object) -> None:
    """Logs a line. A handler or filter of the program's own that fails is reported as `logging` does, and costs no answer."""
    try:
        LOGGER.log(level, text, *values)
    except Exception:
        if logging.raiseExceptions:
            traceback.print_exc()


def request(method: str, path: str, status: int, seconds: float, request_id: str | None = None) -> None:
    """An answer came."""
    if LOGGER.isEnabledFor(logging.INFO):
        tell(
            logging.INFO, "%s %s: %d in %.0f ms%s", method.upper(), _path(path), status, seconds * 1000, _of(request_id)
        )


def request_failed(method: str, path: str, error: BaseException, seconds: float) -> None:
    """No answer came."""
    if LOGGER.isEnabledFor(logging.INFO):
        tell(logging.INFO, "%s %s: %s after %.0f ms", method.upper(), _path(path), _kind(error), seconds * 1000)


def retry(error: BaseException, pause: float, tries: int, request_id: str | None = None) -> None:
    """A request is sent again after a pause."""
    if LOGGER.isEnabledFor(logging.INFO):
        tell(logging.INFO, "retry %d in %.2f s after %s%s", tries, pause, _kind(error), _of(request_id))


def paced(seconds: float, what: str, request_id: str | None = None) -> None:
    """A request waits for its turn, such as a `start` or a `poll`."""
    if LOGGER.isEnabledFor(logging.DEBUG):
        tell(logging.DEBUG, "%s waits %.2f s for its turn%s", what, seconds, _of(request_id))


def state(request_id: str, status: str, progress: float | None = None) -> None:
    """A job is in another state than before."""
    if LOGGER.isEnabledFor(logging.INFO):
        tell(
            logging.INFO,
            "job is %s%s%s",
            _plain(status),
            "" if progress is None else f", {progress:g} %",
            _of(request_id),
        )


def _plain(text: str) -> str:
    """A name as it is; anything else may be anything."""
    return text if _PLAIN.fullmatch(text) else "..."


def _path(path: str) -> str:
    return "/".join(_plain(part) if part else "" for part in path.partition("?")[0].split("/"))


def _of(request_id: str | None) -> str:
    return f" [request_id={_plain(request_id)}]" if request_id else ""


def _kind(error: BaseException) -> str:
    """What an error is, without its text."""
    name = type(error).__name__
    if isinstance(status := getattr(error, "status_code", None), int):
        return f"{name} (HTTP {status})"
    if host := getattr(error, "host", None):
        name += f" at {_plain(str(host))}:{getattr(error, 'port', None)}"
    return f"{name} ({type(error.__cause__).__name__})" if error.__cause__ else name
