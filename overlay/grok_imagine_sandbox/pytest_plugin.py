"""The plugin for pytest: a sandbox for the tests of programs that use `grok_imagine`.

A test is with the sandbox if it takes one of the fixtures here, itself, by others or by `getfixturevalue`, or has the marker
`grok_imagine`. Only for such tests anything is loaded, started or changed: pytest imports this module in every project where the
package is installed.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

if TYPE_CHECKING:
    from grok_imagine import AsyncClient, Client

    from .server import Sandbox

MARKER = "grok_imagine"
SANDBOX = "grok_imagine_sandbox"
FIXTURES = frozenset({SANDBOX, "grok_imagine_client", "grok_imagine_async_client"})
SLOW_SECONDS = 0.05
"""Real seconds by which the slow scenarios are late, if the marker says nothing else."""

_KEY = "sandbox-key"
_SHOWN = 20  # POSTs in a report
_stages = pytest.StashKey["_Stage"]()
_items = pytest.StashKey[pytest.Item]()


class _Stage:
    """The sandbox of a run, and what a test has changed."""

    def __init__(self) -> None:
        self._found: Sandbox | None = None
        self._test = ExitStack()
        self.item: pytest.Item | None = None
        self.is_begun = False
        self.refused: list[str] = []

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox, started when it is first needed."""
        if self._found is None:
            from . import Sandbox

            self._found = Sandbox().start()
            with self._found.client() as client:  # what is loaded at the first call is not the first test's to wait for
                client.video.generate("a first call")
        return self._found

    def begin(self, item: pytest.Item, options: dict[str, Any]) -> None:
        """Makes the sandbox new, and the environment that of a test."""
        from .real_host import environment, refused

        sandbox = self.sandbox
        if not sandbox.is_running:  # a test had its service end
            sandbox.start()
        self.refused.clear()
        # No two tests have the same ids, and each has its own in every run.
        sandbox.reset(**{"seed": crc32(item.nodeid.encode()), "slow_seconds": SLOW_SECONDS, **options})
        key = options.get("api_key") or _KEY
        self._test.enter_context(environment({"XAI_API_KEY": key, "XAI_BASE_URL": sandbox.base_url}))
        self._test.enter_context(refused(self.refused.append))
        self.item, self.is_begun = item, True

    def end(self) -> None:
        """Puts back what the test had changed."""
        self._test.close()
        self.is_begun = False

    def report(self) -> str:
        """What the test asked of the sandbox, and of the real host."""
        posts = self.sandbox.posts
        lines = [f"POSTs for videos to {self.sandbox.base_url}: {len(posts)}", *map(str, posts[-_SHOWN:])]
        if self.refused:
            lines.append(f"refused: requests to {', '.join(self.refused)}")
        return "\n".join(lines)

    def close(self) -> None:
        """Stops the sandbox."""
        if self._found is not None:
            self._found.stop()
            self._found = None


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    text = (
        f"{MARKER}(scenario=None, speed=None, **options): the test asks an offline sandbox of the Grok Imagine API, by"
        " XAI_BASE_URL; the options are those of grok_imagine_sandbox.Sandbox.reset"
    )
    config.addinivalue_line("markers", text)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Sets up what such a test needs, before any fixture is."""
    item.config.stash[_items] = item
    if _is_ours(item):
        _begin(item)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """Has a test that did not name the sandbox begin when it asks for it, as by `getfixturevalue`."""
    if fixturedef.argname != SANDBOX:
        return
    execute, config = fixturedef.execute, request.config

    def begun(request: Any) -> Any:  # is asked each time, the hook but once in a run
        _begin_late(config)
        return execute(request)

    fixturedef.execute = begun  # type: ignore[method-assign]
    _begin_late(config)


# Wrappers of the old kind: an older pytest, in a project without the sandbox, must not stumble over this module.
@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, None]:
    """Puts it back when all fixtures have ended."""
    yield
    stage = item.config.stash.get(_stages, None)
    if stage is not None:
        stage.end()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Says in the report of a failed test what it asked."""
    report = (yield).get_result()
    stage = item.config.stash.get(_stages, None)
    if report.failed and stage is not None and stage.item is item:
        report.sections.append(("grok-imagine", stage.report()))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the sandbox, if there is one."""
    stage = config.stash.get(_stages, None)
    if stage is not None:
        stage.close()


@pytest.fixture(scope="session")
def grok_imagine_sandbox(pytestconfig: pytest.Config) -> Sandbox:
    """An offline sandbox of the Grok Imagine API, new for each test: `posts`, `jobs`, `assert_posted_once`, `advance`."""
    return _needed(_stage(pytestconfig))


@pytest.fixture
def grok_imagine_client(grok_imagine_sandbox: Sandbox) -> Iterator[Client]:
    """A Client of the sandbox, which never waits."""
    with grok_imagine_sandbox.client() as client:
        yield client


@pytest.fixture
def grok_imagine_async_client(grok_imagine_sandbox: Sandbox) -> Iterator[AsyncClient]:
    """An AsyncClient of the sandbox, which never waits; for tests of any plugin for asyncio."""
    # No connection outlives its request: when this fixture ends, the loop that would have to close it may have ended.
    client = grok_imagine_sandbox.async_client(headers={"connection": "close"})
    yield client
    thread = threading.Thread(target=_close, args=(client,), name="grok-imagine-close")
    thread.start()
    thread.join()


def _close(client: AsyncClient) -> None:
    import asyncio

    asyncio.run(client.close())


def _is_ours(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return not FIXTURES.isdisjoint(fixtures) or item.get_closest_marker(MARKER) is not None


def _stage(config: pytest.Config) -> _Stage:
    return config.stash.setdefault(_stages, _Stage())


def _needed(stage: _Stage) -> Sandbox:
    try:
        return stage.sandbox
    except ModuleNotFoundError as error:
        pytest.fail(str(error).replace("[sandbox]", "[testing]"), pytrace=False)


def _begin_late(config: pytest.Config) -> None:
    item = config.stash.get(_items, None)
    if item is not None and not _stage(config).is_begun:
        _begin(item)


def _begin(item: pytest.Item) -> None:
    options: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers(MARKER))):  # the nearest comes last, and wins
        if marker.args:
            pytest.fail(
                f"@pytest.mark.{MARKER} takes keywords only, such as scenario={marker.args[0]!r}", pytrace=False
            )
        options |= marker.kwargs
    stage = _stage(item.config)
    _needed(stage)
    try:
        stage.begin(item, options)
        return
    except (TypeError, ValueError) as error:  # an option that there is not, or an unknown scenario
        trouble = error
    pytest.fail(f"@pytest.mark.{MARKER}: {trouble}", pytrace=False)
