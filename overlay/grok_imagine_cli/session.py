"""One run of the program: its global options, the client, the ledger and the sandbox they make, and how it is resumed."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import typer

from .output import Output
from .signals import quits_at_once
from .texts import command

if TYPE_CHECKING:
    from grok_imagine import Client, Ledger

    from .waiting import Waiting

__all__ = ["PROGRAM", "Session", "default_ledger", "needed_sandbox", "service_session_of", "session_of", "wait_for"]

PROGRAM = "grok-imagine"
SPEED = 20.0
SLOW_SECONDS = 1.0
"""Real seconds by which the embedded sandbox is late in the scenarios that are slow."""


class Unshared:
    """The quota of a service that no other process asks: the client's own count will do. That of a ledger is of real time."""

    def take(self, windows: object) -> float:
        """Nothing is in the way."""
        return 0.0

    def close(self) -> None:
        """Holds nothing open."""


NEEDED = ("grok_imagine.core.request", "grok_imagine.transport.sync")
"""The modules that import most of what a request needs, the HTTP library among it."""


class Session:
    """What the global options say, and what is known of the run when it ends.

    Attributes:
        output: Where its words go.
        sandbox: Whether it has a sandbox of its own, which ends with it.
        keep_prompts: Whether the ledger gets the prompts of what is started.
        request_id: The job of this run, as soon as there is one.
        is_own: Whether this run started it.
        after: Arguments that say what was to be done with the job, for the command that resumes it.
        command: Arguments of the command itself, if that is what resumes it: a batch is more than one job.
        running: Ids of the jobs of a batch that go on.
        used_ledger: The client's, once there is one.
        host: Where the client's requests go, once there is one; None for a sandbox of its own.
        waiting: What says what is waited for, once there is something.
        clock: Monotonic seconds; with a sandbox of its own, simulated ones.
        speed: How many of these pass in a real one.
    """

    def __init__(
        self,
        output: Output,
        *,
        ledger: Path | None = None,
        base_url: str | None = None,
        sandbox: bool = False,
        scenario: str | None = None,
        speed: float = SPEED,
        keep_prompts: bool = False,
    ) -> None:
        if sandbox and base_url is not None:
            raise typer.BadParameter(
                "--sandbox has an address of its own; leave one of the two out", param_hint="--base-url"
            )
        if not 0 < speed <= 1e6:
            raise typer.BadParameter("is above 0 and at most 1000000", param_hint="--sandbox-speed")
        self.output = output
        self.sandbox = sandbox
        self.keep_prompts = keep_prompts
        self.request_id: str | None = None
        self.is_own = False
        self.after: Sequence[str] = ()
        self.command: Sequence[str] = ()
        self.running: Sequence[str] = ()
        self.used_ledger: Ledger | None = None
        self.host: str | None = None
        self.waiting: Waiting | None = None
        self.clock: Callable[[], float] = time.monotonic
        self.speed = speed if sandbox else 1.0
        self._is_watched = False
        self._ledger, self._base_url, self._scenario = ledger, base_url, scenario

    @property
    def ledger_path(self) -> Path | None:
        """The ledger's file; None if it is a temporary one, since play must not mix with paid jobs."""
        return self._ledger or (None if self.sandbox else default_ledger())

    @contextmanager
    def client(self, *, noted: bool = True, **options: Any) -> Iterator[Client]:
        """The client of this run, with its sandbox if it has one.

        Args:
            noted: With a ledger. Only what touches no job may do without.
            **options: Of `Client`.
        """
        from grok_imagine import Client

        with ExitStack() as stack:
            stack.enter_context(self._waiting())
            settings: dict[str, Any] = {"base_url": self._base_url}
            if self.sandbox:
                settings = stack.enter_context(self._own_sandbox())
                self.clock = settings["clock"]
            self.used_ledger = stack.enter_context(self.ledger()) if noted else None
            client = stack.enter_context(Client(**settings | {"ledger": self.used_ledger} | options))
            if not self.sandbox:  # whose server is this process
                self.host = urlsplit(client.base_url).netloc
                if self.waiting:
                    self.waiting.asks(self.host)
            yield client

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Says, while nothing moves, what is waited for: on stderr, also beside JSON."""
        if self._is_watched:
            yield
            return
        from grok_imagine import RetryPolicy

        from .waiting import Waiting

        retries, self._is_watched = RetryPolicy().max_retries, True
        with Waiting(self.output.say, ledger=self.ledger_path, retries=retries, speed=self.speed) as self.waiting:
            try:
                yield
            finally:
                self._is_watched = False

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger of this run, made if it is missing."""
        from grok_imagine import Ledger, LedgerError

        with ExitStack() as stack:
            stack.enter_context(self._waiting())
            path = self.ledger_path
            if path is None:
                path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PROGRAM))) / "jobs.db"
            else:
                try:
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                except OSError as error:
                    text = f"the ledger's folder {path.parent} can't be made: {error.strerror or error}"
                    raise LedgerError(text) from error
            ledger = Ledger(path, keep_prompts=self.keep_prompts)
            stack.callback(ledger.close)
            yield ledger

    @property
    def address(self) -> str:
        """The service's address, as far as it is known before there is a client."""
        from grok_imagine import DEFAULT_BASE_URL

        given = self._base_url or os.environ.get("XAI_BASE_URL")
        return "its own sandbox" if self.sandbox else given or DEFAULT_BASE_URL

    def started(self, request_id: str) -> bool:
        """A job is under way; returns whether that is news."""
        if self.request_id == request_id:
            return False
        self.request_id, self.is_own = request_id, True
        return True

    @contextmanager
    def _own_sandbox(self) -> Iterator[dict[str, Any]]:
        """A sandbox, and the settings of a client that lives in its simulated time."""
        from grok_imagine import RetryPolicy

        found = needed_sandbox()
        if self._scenario and self._scenario.partition(":")[0] not in found.SCENARIOS:
            text = f"there is no scenario {self._scenario!r}; `{PROGRAM} sandbox scenarios` lists them"
            raise typer.BadParameter(text, param_hint="--sandbox-scenario")
        # A ledger may outlive many sandboxes, and no two of them may give the same id.
        speed, seed = self.speed, secrets.randbits(32)
        try:
            sandbox = found.Sandbox(speed=speed, scenario=self._scenario, slow_seconds=SLOW_SECONDS, seed=seed)
        except ValueError as error:  # a scenario's number of times
            raise typer.BadParameter(str(error), param_hint="--sandbox-scenario") from error
        with sandbox:
            yield {
                "api_key": "sandbox",
                "base_url": sandbox.base_url,
                "clock": lambda: time.monotonic() * speed,
                "sleep": lambda seconds: time.sleep(seconds / speed),
                # What a request takes is real time, and must not use a simulated budget up.
                "retry": RetryPolicy(budget=RetryPolicy().budget * speed),
                "quota": Unshared(),
            }

    def resume(self) -> str | None:
        """The command that takes the run up again, or None: without a job, or when it ends with the sandbox.

        A job whose id can't be written in a command is taken up by `reconcile`, with all others.
        """
        if (self.request_id is None and not self.command) or self.sandbox:
            return None
        own = [*(["--ledger", str(self._ledger.absolute())] if self._ledger else [])]
        own += ["--base-url", self._base_url] if self._base_url else []
        own += ["--json"] if self.output.as_json else []
        own += ["--keep-prompts"] if self.keep_prompts and self.command else []
        if self.command:
            return command([PROGRAM, *own, *self.command])
        line = command([PROGRAM, *own, *wait_for(str(self.request_id), self.after)])
        return line or (command([PROGRAM, *own, "reconcile"]) if self.ledger_path else None)


def wait_for(request_id: str, options: Sequence[str] = ()) -> list[str]:
    """The arguments that wait for a job. An id may look like an option."""
    return ["wait", *options, "--", request_id] if request_id.startswith("-") else ["wait", request_id, *options]


def service_session_of(context: typer.Context) -> Session:
    """As `session_of`, for a command that asks the service: what that needs is imported while a signal loses nothing."""
    with quits_at_once():
        for name in NEEDED:
            import_module(name)
    return session_of(context)


def session_of(context: typer.Context) -> Session:
    """The session that the global options made."""
    session = context.find_object(Session)
    assert session is not None, "the program's callback makes it"
    return session


def needed_sandbox() -> ModuleType:
    """The package of the sandbox.

    Raises:
        ConfigurationError: Its extra is not installed.
    """
    import grok_imagine_sandbox
    from grok_imagine import ConfigurationError

    try:
        _ = grok_imagine_sandbox.Sandbox, grok_imagine_sandbox.SCENARIOS  # loaded now
    except ModuleNotFoundError as error:
        raise ConfigurationError(str(error)) from error
    return grok_imagine_sandbox


def default_ledger() -> Path:
    """`jobs.db` in the folder that the system has for a program's data, such as ~/.local/share/grok-imagine."""
    from platformdirs import user_data_path

    return user_data_path(PROGRAM, appauthor=False) / "jobs.db"
