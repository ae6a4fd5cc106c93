"""The plugin for pytest, as a project has it: pytest runs as a program in a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="paths in the programs are POSIX'")

APP = '''
from grok_imagine import AsyncClient, Client

def film(prompt):
    """As a program would: the client comes from the environment."""
    with Client() as client:
        return client.video.generate(prompt)

async def film_async(prompt):
    async with AsyncClient() as client:
        return await client.video.generate(prompt)
'''

TESTS = '''
import asyncio, os, socket, sys, threading, time, urllib.request
from datetime import timedelta
import pytest
from app import film, film_async

def quick(work):
    """In seconds of the processor, the best of some; and in real ones no more than a busy machine needs that never waits."""
    found = []
    while len(found) < 20 and min(found, default=(1, 1)) >= (0.1, 0):
        begin, real = time.process_time(), time.perf_counter()
        result = work()
        found.append((time.process_time() - begin, time.perf_counter() - real))
    assert min(found) < (0.1, 0) and min(real for _, real in found) < 5, found
    return result

def test_client(grok_imagine_client, grok_imagine_sandbox):
    video = quick(lambda: grok_imagine_client.video.generate("a cat"))
    assert video.status == "done" and grok_imagine_sandbox.jobs

def test_each_test_begins_anew(grok_imagine_sandbox):
    assert grok_imagine_sandbox.posts == grok_imagine_sandbox.jobs == []

def test_own_client(grok_imagine_sandbox):
    film("a cat")
    assert grok_imagine_sandbox.assert_posted_once(prompt="a cat").status == 200
    quick(lambda: film("a dog"))
    film("a dog")
    with pytest.raises(AssertionError, match="jobs were started"):
        grok_imagine_sandbox.assert_posted_once(prompt="a dog")

@pytest.mark.grok_imagine(scenario="rate-limit:5")
def test_five_429s(grok_imagine_sandbox):
    begin = time.perf_counter()
    film("a cat")
    assert time.perf_counter() - begin < 5
    assert [post.status for post in grok_imagine_sandbox.posts] == [429] * 5 + [200]
    grok_imagine_sandbox.assert_posted_once(prompt="a cat")

@pytest.mark.grok_imagine(scenario="moderated")
class TestModerated:
    def test_of_the_class(self):
        import grok_imagine
        with pytest.raises(grok_imagine.VideoModeratedError):
            film("a cat")

    @pytest.mark.grok_imagine(scenario=None, seed=7)
    def test_the_nearest_marker_wins(self, grok_imagine_sandbox):
        assert film("a cat").status == "done"

@pytest.mark.grok_imagine(speed=200)
def test_speed():
    begin = time.perf_counter()
    film("a cat")
    assert time.perf_counter() - begin > 11 / 200

def test_expired(grok_imagine_client, grok_imagine_sandbox, tmp_path):
    import grok_imagine
    video = grok_imagine_client.video.generate("a cat")
    grok_imagine_sandbox.advance(timedelta(days=2))
    def work():
        with pytest.raises(grok_imagine.DownloadError, match="expired"):
            grok_imagine_client.video.download(video, tmp_path / "a.mp4")
    quick(work)

def test_async(grok_imagine_async_client, grok_imagine_sandbox):
    async def main():
        return await asyncio.gather(*(grok_imagine_async_client.video.generate(f"{n}") for n in range(5)))
    assert {video.status for video in asyncio.run(main())} == {"done"}
    assert {video.status for video in asyncio.run(main())} == {"done"}  # another loop
    quick(lambda: asyncio.run(film_async("a cat")))

def test_threads(grok_imagine_client, grok_imagine_sandbox):
    threads = [threading.Thread(target=grok_imagine_client.video.generate, args=(f"{n}",)) for n in range(5)]
    for each in threads: each.start()
    for each in threads: each.join()
    for n in range(5): grok_imagine_sandbox.assert_posted_once(prompt=f"{n}")

@pytest.mark.grok_imagine
@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"])
def test_no_way_to_the_real_host(proxy, monkeypatch):
    import grok_imagine, httpx
    if proxy: monkeypatch.setenv("HTTPS_PROXY", proxy)
    begin = time.perf_counter()
    for host in ("api.x.ai", "API.X.AI.", "us-east-1.api.x.ai"):
        with grok_imagine.Client(base_url=f"https://{host}/v1") as client:
            for call in (lambda: client.video.generate("x"), client.models.list):
                with pytest.raises(grok_imagine.ConfigurationError, match="sandbox, never"): call()
        async def main():
            async with grok_imagine.AsyncClient(base_url=f"https://{host}/v1") as client:
                await client.video.generate("x")
        with pytest.raises(grok_imagine.ConfigurationError, match="sandbox, never"): asyncio.run(main())
        with pytest.raises(OSError, match="sandbox, never"): urllib.request.urlopen(f"https://{host}/")
        by_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({"https": "http://127.0.0.1:9"}))
        monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: False)
        with pytest.raises(OSError, match="sandbox, never"): by_proxy.open(f"https://{host}/")
        with pytest.raises(OSError, match="sandbox, never"): httpx.get(f"https://{host}/", trust_env=False)
        with pytest.raises(OSError, match="sandbox, never"): httpx.get(f"https://{host}/", proxy="http://127.0.0.1:9")
        async def raw():
            await asyncio.open_connection(host, 443)
        with socket.socket() as bare:
            with pytest.raises(OSError, match="sandbox, never"): bare.connect((host, 443))
        with pytest.raises(OSError, match="sandbox, never"): asyncio.run(raw())
    assert time.perf_counter() - begin < 30

def test_without():
    """Nothing is left of the others."""
    import socket
    import httpx
    assert os.environ["XAI_API_KEY"] == "mine" and "XAI_BASE_URL" not in os.environ
    assert os.environ.get("NO_PROXY") == "before" and "no_proxy" not in os.environ
    assert socket.getaddrinfo.__module__ == "socket" and httpx.HTTPTransport.handle_request.__module__.startswith("httpx.")
'''

PLAIN = """
import sys
def test_plain():
    loaded = {name for name in sys.modules if name.split(".")[0] in ("grok_imagine", "grok_imagine_api", "uvicorn", "starlette", "httpx")}
    assert not loaded
    assert {name for name in sys.modules if name.startswith("grok_imagine_sandbox")} == {
        "grok_imagine_sandbox", "grok_imagine_sandbox.pytest_plugin"}
"""


def run(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Pytest as a program. `PYTHONPATH` of this run is not the project's."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("XAI_", "PYTEST_")) and "PROXY" not in name.upper()
    }
    own |= {"XAI_API_KEY": "mine", "NO_PROXY": "before", **environment}
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "--strict-markers", "-W", "error", *arguments]
    if "asyncio_mode=strict" not in arguments:  # its plugin warns where a project has not set it up
        command += ["-p", "no:asyncio"]
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "test_film.py").write_text(TESTS)
    return tmp_path


@pytest.mark.parametrize("options", [("-p", "no:cacheprovider"), ("-n", "2"), ("-p", "no:xdist", "-p", "no:anyio")])
def test_a_project_s_tests(project: Path, options: tuple[str, ...]) -> None:
    code, said = run(project, *options)
    assert code == 0, said
    assert re.search(r"\b13 passed", said), said


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(PLAIN)
    code, said = run(
        tmp_path, "-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:recording", "-p", "no:hypothesispytest"
    )
    assert code == 0, said


def test_without_its_extra_it_says_which_and_others_run(project: Path) -> None:
    (project / "test_film.py").write_text("def test_a(grok_imagine_client): pass\ndef test_b(): pass\n")
    (project / "sitecustomize.py").write_text(
        "import sys\nsys.modules['uvicorn'] = None\n"  # as if it were not installed
    )
    code, said = run(project, PYTHONPATH=str(project))
    assert code == 1, said
    assert (
        "the sandbox needs uvicorn: install grok-imagine with its extra [testing]; in a checkout: pip install '.[testing]'"
        in said
    )
    assert "1 passed, 1 error" in said


WRONG = {
    "(scenario='nope')": "there is no scenario 'nope'",
    "(scenario='Rate_Limit')": "there is no scenario 'Rate_Limit' (did you mean 'rate-limit'?)",
    "(scenario=5)": "scenario must be a name, or None, not 5",
    "('moderated')": "takes keywords only, such as scenario='moderated'",
    "(port=1)": "a sandbox has no port that can be changed; it has as_of",
    "(speed=0)": "speed must be a number above 0",
    "(requests_per_minute='x')": "requests_per_minute must be at least 1",
}


def test_a_marker_that_is_wrong_is_an_error_of_its_test(project: Path) -> None:
    tests = "import pytest\n@pytest.mark.grok_imagine\ndef test_b(): pass\n"
    for number, marker in enumerate(WRONG):
        tests += f"@pytest.mark.grok_imagine{marker}\ndef test_{number}(): pass\n"
    (project / "test_film.py").write_text(tests)
    code, said = run(project)
    assert code == 1, said
    assert f"1 passed, {len(WRONG)} errors" in said, said
    assert "KeyError" not in said and "Traceback" not in said, said
    for says in WRONG.values():
        assert says in said, said


def test_a_refused_request_is_in_the_report_of_a_failed_test(project: Path) -> None:
    text = "import pytest\nfrom grok_imagine import Client\n@pytest.mark.grok_imagine\ndef test_a():\n    Client(base_url='https://api.x.ai/v1').models.list()\n"
    (project / "test_film.py").write_text(text)
    code, said = run(project)
    assert code == 1 and "refused: requests to api.x.ai" in said, said


def test_a_test_may_have_the_service_end(project: Path) -> None:
    text = "import pytest\nfrom app import film\nfrom grok_imagine import NotDelivered\n"
    text += "def test_a(grok_imagine_sandbox):\n    grok_imagine_sandbox.stop()\n"
    text += "    with pytest.raises(NotDelivered): film('a cat')\n"
    text += "def test_b(grok_imagine_client, grok_imagine_sandbox):\n    film('a cat')\n"
    text += "    grok_imagine_client.video.generate('a dog')\n    assert len(grok_imagine_sandbox.jobs) == 2\n"
    (project / "test_film.py").write_text(text)
    code, said = run(project)
    assert code == 0 and "2 passed" in said, said


LATE = """
import os, socket
import pytest
from app import film

def asks(sandbox):
    '''The whole of what a test is promised, although it did not name the sandbox.'''
    assert sandbox.posts == []
    assert os.environ["XAI_BASE_URL"] == sandbox.base_url
    with pytest.raises(OSError, match="sandbox, never"): socket.getaddrinfo("api.x.ai", 443)
    film("a cat")
    sandbox.assert_posted_once()

@pytest.fixture(scope="module")
def of_module(grok_imagine_sandbox): return grok_imagine_sandbox
@pytest.fixture
def by_name(request): return request.getfixturevalue("grok_imagine_sandbox")

@pytest.mark.parametrize("name", ["grok_imagine_sandbox", "of_module", "by_name", "grok_imagine_client"] * 2)
def test_by_name(request, name):
    request.getfixturevalue(name)
    asks(request.getfixturevalue("grok_imagine_sandbox"))

def test_by_argument(grok_imagine_sandbox): asks(grok_imagine_sandbox)

def test_by_fixture(by_name): asks(by_name)

@pytest.mark.grok_imagine(scenario="rate-limit:1")
def test_by_marker(request):
    film("a cat")
    assert len(request.getfixturevalue("grok_imagine_sandbox").posts) == 2

def test_without():
    assert "XAI_BASE_URL" not in os.environ and os.environ["XAI_API_KEY"] == "mine"

def documented():
    '''
    >>> asks(getfixture("grok_imagine_sandbox"))
    '''
"""


@pytest.mark.parametrize("order", ["asks", "name", "reversed"])
def test_who_asks_for_the_sandbox_by_name_never_meets_the_real_host(project: Path, order: str) -> None:
    (project / "test_film.py").write_text(LATE)
    sort = {"asks": "", "name": "items.sort(key=lambda item: item.name)", "reversed": "items.reverse()"}[order]
    (project / "conftest.py").write_text(f"def pytest_collection_modifyitems(items): {sort or 'pass'}\n")
    code, said = run(project, "--doctest-modules")
    assert code == 0 and "13 passed" in said, said


def test_the_journal_is_in_the_report_of_a_failed_test(project: Path) -> None:
    text = "from app import film\n"
    text += "def test_a(grok_imagine_sandbox): film('a cat'); film('a dog'); assert not grok_imagine_sandbox.jobs\n"
    text += "def test_b(grok_imagine_sandbox): film('a bird')\ndef test_c(): assert 0\n"
    (project / "test_film.py").write_text(text)
    code, said = run(project)
    assert code == 1 and said.count(" grok-imagine -") == 1, said
    for prompt in ("a cat", "a dog"):
        assert re.search(rf"generateVideo .*'{prompt}'.*: started [0-9a-f-]{{36}} at", said), said
    assert "a bird" not in said


ASYNC = """
import pytest
@pytest.mark.{marker}
async def test_a(grok_imagine_async_client, grok_imagine_sandbox):
    await grok_imagine_async_client.video.generate("a cat")
    grok_imagine_sandbox.assert_posted_once(prompt="a cat")
"""


ASYNCIO = ("-o", "asyncio_default_fixture_loop_scope=function", "-o", "asyncio_mode=strict")


@pytest.mark.parametrize(("marker", "options"), [("anyio", ()), ("asyncio", ASYNCIO)])
def test_with_a_plugin_for_asyncio(project: Path, marker: str, options: tuple[str, ...]) -> None:
    (project / "test_film.py").write_text(ASYNC.format(marker=marker))
    (project / "conftest.py").write_text("import pytest\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n")
    code, said = run(project, *options)
    assert code == 0 and "1 passed" in said, said
