"""What this library costs beside httpx and the bare binding: `python tests/benchmarks/bench.py`, or `make bench`.

Absolute times drift with the machine, so a figure counts only beside its peer's of the same run: the variants take
turns, and the ratio is the median of the ratios of the rounds. It reports and never judges: a missed aim says NO and
exits with 0. Everything stays on 127.0.0.1, but for the first run, which installs the runtime dependencies into a
clean environment; httpx alone would import rich and click where they happen to be installed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import venv
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx

from grok_imagine import AsyncClient, Client, Limits, __version__
from grok_imagine_api import AuthenticatedClient
from grok_imagine_api.api.videos import get_video
from grok_imagine_api.types import Response

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEY = "xai-benchmark"
OFF = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
JOB = "d97415a1-5796-b7ec-379f-4e6819e08fdf"
AGENT = {"User-Agent": f"grok-imagine/{__version__} python/{platform.python_version()}"}  # all send the same headers


@dataclass
class Row:
    """A line of the table: two medians, and the median of their ratios, which need not be the ratio of the medians."""

    name: str
    unit: str
    ours: float
    peer: float
    ratio: float | None = None
    aim: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """The line as text."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        met = "" if self.met is None else "yes" if self.met else "NO"
        return self.name, self.figure(self.ours), self.figure(self.peer), ratio, self.aim, met

    def figure(self, value: float) -> str:
        """A figure with its unit; what was counted has none."""
        return f"{value:.1f} {self.unit}" if self.unit else f"{value:.0f}"


@dataclass
class Options:
    """What the command line says."""

    rounds: int | None
    calls: int
    jobs: int
    pending: float
    python: Path
    notes: list[str]


def interleaved(variants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measures each variant once a round, after one turn that is not counted."""
    for measure in variants.values():
        measure()
    figures: dict[str, list[float]] = {name: [] for name in variants}
    order = list(variants)
    for _ in range(rounds):
        for name in order:
            figures[name].append(variants[name]())
        order.append(order.pop(0))  # or the same one would always pay for what the one before it left behind
    return figures


def compared(name: str, unit: str, ours: list[float], peer: list[float], most: float | None = None) -> Row:
    """A row of figures that were measured in turns, with the ratio it should at most have."""
    ratio = statistics.median(a / b for a, b in zip(ours, peer, strict=True))
    row = Row(name, unit, statistics.median(ours), statistics.median(peer), ratio)
    if most is not None:
        row.aim, row.met = f"<= {most:g}", ratio <= most
    return row


# 1 and 2: imports, in fresh interpreters


def clean_env() -> Path:
    """An environment with the runtime dependencies alone, made once for each set of versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[^\w.-]", requirement)[0] for requirement in project["dependencies"]]
    wanted = [f"{name}=={metadata.version(name)}" for name in names]
    key = hashlib.sha256(repr((sys.version, ROOT, wanted)).encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"grok-imagine-bench-{key}"
    if home.exists():
        return home
    # It finds the library in this checkout, so is never stale, and is put in its place only once it is whole.
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        fresh = Path(scratch) / "env"
        venv.create(fresh, with_pip=True)
        subprocess.run([python_of(fresh), "-m", "pip", "install", "--quiet", *wanted], check=True, timeout=300)
        library = Path(sysconfig.get_path("purelib", "venv", {"base": str(fresh)})) / "grok_imagine_bench.pth"
        library.write_text(f"{ROOT / 'generated'}\n{ROOT / 'overlay'}\n", encoding="utf-8")
        return fresh.rename(home)


def python_of(home: Path) -> Path:
    """The interpreter of a virtual environment."""
    return Path(sysconfig.get_path("scripts", "venv", {"base": str(home)})) / "python"


def fresh_ms(options: Options, code: Mapping[str, str]) -> dict[str, list[float]]:
    """Figures of lines of code, each in fresh interpreters. The turn not counted compiles what has to be compiled."""
    return interleaved({name: partial(line_ms, options.python, code[name]) for name in code}, options.rounds or 25)


def line_ms(python: Path, code: str) -> float:
    """Milliseconds that a fresh interpreter takes for a line of code; its own start, the same for all, not counted."""
    program = f"from time import perf_counter as now; began = now(); {code}; print((now() - began) * 1e3)"
    done = subprocess.run([python, "-I", "-c", program], stdout=subprocess.PIPE, check=True, timeout=60)
    return float(done.stdout)


def bench_import(options: Options) -> list[Row]:
    """Importing the bare binding and the library, beside httpx."""
    bare = "from grok_imagine_api import AuthenticatedClient"
    took = fresh_ms(options, {"httpx": "import httpx", "bare": bare, "ours": "import grok_imagine"})
    return [
        compared("import bare binding / httpx", "ms", took["bare"], took["httpx"]),
        compared("import grok_imagine / httpx", "ms", took["ours"], took["httpx"], 1.5),
    ]


def bench_ready(options: Options) -> list[Row]:
    """From nothing to a client that can send."""
    ours, httpx_code = "from grok_imagine import Client; Client(api_key='key')", "import httpx; httpx.Client()"
    took = fresh_ms(options, {"ours": ours, "httpx": httpx_code})
    return [compared("ready Client / httpx.Client", "ms", took["ours"], took["httpx"], 1.3)]


# 3: one look at a finished job, up to its URL, over a kept connection to a server in another process


@dataclass
class Server:
    """The server of `server.py`: how long its jobs run, and after it ran how many requests it had for them."""

    pending: float = 0
    requests: int = 0

    @contextlib.contextmanager
    def run(self) -> Iterator[str]:
        """Its address."""
        command = [sys.executable, "-I", str(HERE / "server.py"), str(self.pending)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
            self.requests = int(process.communicate(timeout=10)[0])
        finally:
            process.kill()
            process.wait()


def url_of(response: Response[Any]) -> object:
    """The video's URL in an answer of the bare binding."""
    return response.parsed.video.url if response.parsed else None


def cpu_us(block: Callable[[], object], calls: int) -> float:
    """Microseconds of CPU that one of a block of calls takes."""
    began = time.process_time()
    block()
    return (time.process_time() - began) / calls * 1e6


def bench_get(options: Options) -> list[Row]:
    """CPU of a blocking look at a job."""
    with (
        Server().run() as url,
        httpx.Client(headers={**AGENT, "Authorization": f"Bearer {KEY}"}) as plain,
        AuthenticatedClient(url, KEY, headers=AGENT) as bare,
        Client(KEY, base_url=url, limits=OFF) as client,
    ):

        def repeat(call: Callable[[], object]) -> None:
            for _ in range(options.calls):
                call()

        calls: dict[str, Callable[[], object]] = {
            "httpx": lambda: plain.get(f"{url}/videos/{JOB}").json()["video"]["url"],
            "bare": lambda: url_of(get_video.sync_detailed(JOB, client=bare)),
            "ours": lambda: client.video.get(JOB).url,
        }
        blocks = {name: partial(cpu_us, partial(repeat, call), options.calls) for name, call in calls.items()}
        return looks("get", interleaved(blocks, options.rounds or 9))


def bench_async(options: Options) -> list[Row]:
    """CPU of an awaited look at a job."""
    with Server().run() as url, asyncio.Runner() as runner:
        plain = httpx.AsyncClient(headers={**AGENT, "Authorization": f"Bearer {KEY}"})
        bare = AuthenticatedClient(url, KEY, headers=AGENT)
        client = AsyncClient(KEY, base_url=url, limits=OFF)

        async def repeat(call: Callable[[], Awaitable[object]]) -> None:
            for _ in range(options.calls):
                await call()

        async def plain_get() -> object:
            return (await plain.get(f"{url}/videos/{JOB}")).json()["video"]["url"]

        async def bare_get() -> object:
            return url_of(await get_video.asyncio_detailed(JOB, client=bare))

        async def ours_get() -> object:
            return (await client.video.get(JOB)).url

        async def close() -> None:
            await plain.aclose()
            await bare.get_async_httpx_client().aclose()
            await client.close()

        def block(call: Callable[[], Awaitable[object]]) -> None:
            runner.run(repeat(call))

        calls = {"httpx": plain_get, "bare": bare_get, "ours": ours_get}
        blocks = {name: partial(cpu_us, partial(block, call), options.calls) for name, call in calls.items()}
        try:
            return looks("async get", interleaved(blocks, options.rounds or 9))
        finally:
            runner.run(close())


def looks(name: str, took: Mapping[str, list[float]]) -> list[Row]:
    """The rows of looks at a job."""
    return [
        compared(f"{name}, CPU / httpx", "us", took["ours"], took["httpx"], 1.15),
        compared(f"{name}, CPU / bare binding", "us", took["ours"], took["bare"]),
    ]


# 4: many jobs at once, each variant in a process and with a server of its own


def jobs_of(variant: str, count: int, pending: float) -> dict[str, Any]:
    """What many jobs at once cost with one of the variants of `jobs.py`."""
    server = Server(pending)
    with server.run() as url:
        command = [sys.executable, str(HERE / "jobs.py"), variant, url, str(count)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=120)
    cost: dict[str, Any] = json.loads(done.stdout)
    return cost | {"requests": server.requests, "CPU a request": cost["CPU"] / max(server.requests, 1) * 1e6}


def bench_jobs(options: Options) -> list[Row]:
    """Many jobs at once in one client, beside httpx as it comes, and beside httpx with a gate in front of it."""
    names = {"ours": "grok_imagine", "defaults": "httpx defaults", "gate": "httpx, gate of 8"}
    took = {name: jobs_of(variant, options.jobs, options.pending) for variant, name in names.items()}
    for name, cost in took.items():
        options.notes += [f"{name} lost {lost} of {options.jobs} jobs: {kind}" for kind, lost in cost["errors"].items()]
    ours = took.pop(names["ours"])
    return [row for name, peer in took.items() for row in jobs_rows(name, ours, peer, options.jobs)]


def jobs_rows(name: str, ours: Mapping[str, Any], peer: Mapping[str, Any], count: int) -> Iterator[Row]:
    """The rows of many jobs at once beside one peer; no ratios to one that lost jobs, since it did less."""
    yield Row(f"{count} jobs, done / {name}", "", ours["done"], peer["done"], None, f"= {count}", ours["done"] == count)
    # A slow first burst spares each job a look, so of the CPU only that of a request compares.
    units = {"CPU": "s", "wall": "s", "memory growth": "MiB", "requests": "", "CPU a request": "us"}
    for what, unit in units.items():
        ratio = ours[what] / peer[what] if peer[what] and ours["done"] == peer["done"] == count else None
        yield Row(f"{count} jobs, {what} / {name}", unit, ours[what], peer[what], ratio)


BENCHES: Mapping[str, Callable[[Options], list[Row]]] = {
    "import": bench_import,
    "ready": bench_ready,
    "get": bench_get,
    "async": bench_async,
    "jobs": bench_jobs,
}


def isolate() -> None:
    """Forgets what would send a call through a proxy, or the library elsewhere; for child processes too."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("XAI_"):
            del os.environ[name]


def table(rows: list[Row]) -> str:
    """The rows in aligned columns, the figures to the right."""
    lines = [("measured", "ours", "peer", "ratio", "aim", "met"), *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, "<>>><<", widths, strict=True)).rstrip()
        for line in lines
    )


def main() -> None:
    """Runs what is asked for, and prints the table."""
    parser = argparse.ArgumentParser(description="Measures the library beside its peers, as ratios of one run.")
    parser.add_argument("--only", action="append", choices=BENCHES, metavar="NAME", help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--rounds", type=int, help="turns of each variant; default 25 for imports, 9 for calls")
    parser.add_argument("--calls", type=int, default=300, help="calls in a turn")
    parser.add_argument("--jobs", type=int, default=1000, help="jobs at once")
    parser.add_argument("--pending", type=float, default=2, metavar="SECONDS", help="how long a job runs")
    parser.add_argument("--clean-env", type=Path, metavar="PATH", help="environment to measure imports in")
    given = parser.parse_args()
    options = Options(given.rounds, given.calls, given.jobs, given.pending, Path(sys.executable), [])
    names = given.only or list(BENCHES)
    if {"import", "ready"} & set(names):
        home = given.clean_env or clean_env()
        options.python = python_of(home)
        options.notes.append(f"imports measured in the environment {home}")
    isolate()
    rows = [row for name in names for row in BENCHES[name](options)]
    versions = {"grok-imagine": __version__, "httpx": httpx.__version__, "python": platform.python_version()}
    print(", ".join(f"{name} {version}" for name, version in versions.items()), f"on {os.cpu_count()} cores")
    print(*options.notes, "", table(rows), sep="\n")
    if given.json:
        report = {"versions": versions, "notes": options.notes, "rows": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
