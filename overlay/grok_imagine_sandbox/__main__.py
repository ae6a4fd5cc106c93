"""`python -m grok_imagine_sandbox`: run a sandbox until Ctrl-C or SIGTERM."""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence

import grok_imagine_sandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the first line of the output is the base URL, each request is a line on stderr."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        scenarios, sandbox_of = grok_imagine_sandbox.SCENARIOS, grok_imagine_sandbox.Sandbox
    except ModuleNotFoundError as error:  # its extra is not installed
        parser.exit(2, f"{parser.prog}: {error}\n")
    if options.list_scenarios:
        width = max(map(len, scenarios))
        print("\n".join(f"{scenario.name:{width}}  {scenario.summary}" for scenario in scenarios.values()))
        return 0
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    logging.getLogger("grok_imagine_sandbox").setLevel(logging.INFO)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        sandbox = sandbox_of(
            port=options.port,
            host=options.host,
            as_of=options.as_of,
            speed=options.speed,
            scenario=options.scenario,
            api_key=options.api_key,
            seed=options.seed,
            requests_per_minute=options.requests_per_minute,
            requests_per_second=options.requests_per_second,
            concurrent_jobs=options.concurrent_jobs,
            zero_data_retention=options.zero_data_retention,
            slow_seconds=options.slow_seconds,
            allow_hosts=options.allow_host,
        ).start()
    except (ValueError, OSError) as error:  # for example an unknown scenario, a port in use
        parser.error(str(error))
    if sandbox.exposure:
        print(f"warning: {sandbox.exposure}", file=sys.stderr)
    try:
        print(sandbox.base_url, flush=True)
        ended.wait()
    finally:
        sandbox.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grok_imagine_sandbox", description=__doc__)
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="address to listen on (default 127.0.0.1); 0.0.0.0 for all of this machine, which others can reach",
    )
    parser.add_argument("--port", type=_port, default=0, help="port to listen on; 0 (default) takes a free one")
    parser.add_argument(
        "--as-of", metavar="ERA", help="the service's state in spring or autumn of 2026 (default autumn)"
    )
    parser.add_argument("--speed", type=_speed, default=60.0, help="simulated seconds in a second (default 60)")
    parser.add_argument("--scenario", metavar="NAME[:N]", help="the failure to simulate, the first N times or always")
    parser.add_argument("--list-scenarios", action="store_true", help="list the scenarios and exit")
    parser.add_argument("--api-key", metavar="KEY", help="the only accepted key (default: any)")
    parser.add_argument("--seed", type=int, default=0, help="decides ids and the progress of jobs (default 0)")
    parser.add_argument(
        "--requests-per-minute", metavar="N", type=_count, help="limit of POSTs and polls for each model"
    )
    parser.add_argument("--requests-per-second", metavar="N", type=_count, help="the same for a second")
    parser.add_argument("--concurrent-jobs", metavar="N", type=_count, help="limit of jobs that run at once")
    parser.add_argument("--zero-data-retention", action="store_true", help="require output.upload_url")
    parser.add_argument(
        "--slow-seconds", metavar="S", type=_speed, default=5.0, help="delay of slow answers (default 5)"
    )
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="an accepted host name beside localhost, such as a container's; may be given several times",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"a port is 0 to 65535, not {text!r}")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return speed


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
