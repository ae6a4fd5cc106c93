"""The commands about the service and this machine: models, modes, sandbox, doctor."""

from __future__ import annotations

import signal
import threading
from typing import Annotated, Any

import typer

from .options import examples
from .session import PROGRAM, needed_sandbox, service_session_of, session_of

__all__ = ["doctor", "models", "modes", "sandbox"]

COMMANDS = {"edit-video": "edit", "extend-video": "extend"}
"""The command of a mode, where it is not `generate`."""

sandbox = typer.Typer(name="sandbox", help="Run an offline server of the same contract.", no_args_is_help=True)


def models(context: typer.Context) -> None:
    """List the video models of the key, with their prices.

    The list is the service's. Modes and prices are the contract's, and stand only where it knows them.
    """
    from grok_imagine_api import contract

    session = session_of(context)
    with session.client(noted=False) as client:
        found = client.models.list()
    rows = []
    for model in found:
        name = str(model.id)  # whatever the service gives for one
        price = contract.PRICES.get(name)
        known = contract.MODELS.get(name)
        rows.append(
            {
                "id": model.id,
                "aliases": list(known.aliases) if known else [],
                "modes": list(known.modes) if known else [],
                "usd_per_second": {name: float(usd) for name, usd in price.output_second.items()} if price else {},
            }
        )
    shown = (
        rows if session.output.as_json else [row | {"usd_per_second": _prices(row["usd_per_second"])} for row in rows]
    )
    columns = {"id": "Model", "usd_per_second": "USD a second", "modes": "Modes", "aliases": "Other names"}
    session.output.table("model", shown, columns)


def _prices(prices: Any) -> list[str]:
    return [f"{resolution} {usd:g}" for resolution, usd in prices.items()]


def modes(
    context: typer.Context,
    mode: Annotated[str | None, typer.Argument(metavar="MODE", help="Only this one, in full.")] = None,
) -> None:
    """Say what each mode takes and refuses, and which models have it.

    It is what the contract says. Of one mode it is said in full, with each range and the reason for each refusal. The last
    ones are other names for a mode with certain fields.
    """
    from grok_imagine_api import contract

    output = session_of(context).output
    names = [*contract.MODES, *contract.VARIANTS]
    if mode is not None and mode not in names:
        raise typer.BadParameter(f"{mode} is none of {', '.join(names)}", param_hint="MODE")
    rows = [_mode(name) for name in ([mode] if mode else names)]
    if mode is None or output.as_json:
        columns = {"mode": "Mode", "command": "Command", "required": "Needs", "allowed": "Takes", "refused": "Refuses"}
        output.table("mode", rows if output.as_json else [row | _shortly(row) for row in rows], columns)
        return
    found = [
        {
            "field": field,
            "rule": "needed" if field in rows[0]["required"] else "taken",
            "range": rows[0]["ranges"].get(field, rows[0]["models"] if field == "model" else None),
        }
        for field in (*rows[0]["required"], *rows[0]["allowed"])
    ]
    found += [{"field": field, "rule": "refused", "range": reason} for field, reason in rows[0]["refused"].items()]
    output.table("field", found, {"field": "Field", "rule": "Is", "range": "Range, or why not"})


def _shortly(row: dict[str, Any]) -> dict[str, Any]:
    """A row as people see it among others; another name of a mode takes and refuses what the mode does."""
    from grok_imagine_api import contract

    if variant := contract.VARIANTS.get(row["mode"]):
        return {"allowed": f"as {variant.mode}", "refused": f"as {variant.mode}"}
    return {"refused": list(row["refused"])}


def _mode(name: str) -> dict[str, Any]:
    """A mode, or another name of one, which then needs more fields."""
    from grok_imagine_api import contract

    variant = contract.VARIANTS.get(name)
    own = variant.mode if variant else name
    mode = contract.MODES[own]
    required = list(dict.fromkeys([*mode.required, *(variant.fields if variant else ())]))
    return {
        "mode": name,
        "command": COMMANDS.get(own, "generate"),
        "models": [
            model
            for model, known in contract.MODELS.items()
            if own in known.modes and not known.modes[own].forbidden.keys() & {*required}
        ],
        "required": required,
        "allowed": [field for field in mode.allowed if field not in required],
        "ranges": {field: "; ".join([_range(limit), *_narrower(own, field)]) for field, limit in mode.limits.items()},
        "refused": {field: f"{rule.rule}; {rule.instead}" for field, rule in mode.forbidden.items()},
    }


def _narrower(mode: str, field: str) -> list[str]:
    """What the models make of a range."""
    from grok_imagine_api import contract

    known = {name: model.modes[mode].limits for name, model in contract.MODELS.items() if mode in model.modes}
    return [f"{name}: {_range(limits[field])}" for name, limits in known.items() if field in limits]


def _range(limit: Any) -> str:
    """A limit in words."""
    if limit.values:
        words = ", ".join(limit.values)
    elif limit.maximum is not None:
        words = f"{limit.minimum} to {limit.maximum} s"
    elif limit.max_length is not None:
        words = f"{limit.min_length or 0} to {limit.max_length} characters"
    else:
        words = f"{limit.min_items or 0} to {limit.max_items}"
    return words if limit.default is None else f"{words}; by default {limit.default}"


@sandbox.command(epilog=examples(f"{PROGRAM} sandbox scenarios"))
def scenarios(context: typer.Context) -> None:
    """List what can go wrong on command, for --sandbox-scenario and --scenario."""
    rows = [
        {"name": each.name, "when": each.when, "summary": each.summary} for each in needed_sandbox().SCENARIOS.values()
    ]
    session_of(context).output.table("scenario", rows, {"name": "Scenario", "when": "When", "summary": "What"})


@sandbox.command(epilog=examples(f"{PROGRAM} sandbox serve --port 8080 --speed 20"))
def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="What to listen on; 0.0.0.0 lets other machines ask.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    speed: Annotated[float, typer.Option(help="Simulated seconds a second.")] = 1.0,
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME[:N]", help="What goes wrong, N times or always.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides ids, and how jobs progress.")] = 0,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A host name it answers to beside localhost's; repeatable.")
    ] = None,
) -> None:
    """Run a sandbox until Ctrl-C. Its address is printed first; give it to the other commands with --base-url."""
    made, output, ended = needed_sandbox(), session_of(context).output, threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        server = made.Sandbox(
            host=host, port=port, speed=speed, scenario=scenario, seed=seed, allow_hosts=allow_host or ()
        ).start()
    except (ValueError, OSError) as error:  # also an unknown scenario, and a port that is taken
        raise typer.BadParameter(str(error)) from error
    if server.exposure:
        output.say(f"warning: {server.exposure}")
    try:
        output.result("sandbox", {"base_url": server.base_url}, server.base_url)
        if not output.as_json:
            output.say(f"`{PROGRAM} --base-url {server.base_url}` asks it, with any key; Ctrl-C ends it")
        ended.wait()
    finally:
        server.stop()


def doctor(context: typer.Context) -> None:
    """Check what a job needs: key, address, ledger, extras.

    Nothing that costs is asked for, and the key is not shown. Exits with 0 if all is well, else with the code of the first trouble.
    """
    from .checks import checks

    output = session_of(context).output
    found = list(checks(service_session_of(context)))
    rows = [{"check": each.name, "ok": each.code == 0, "about": each.about, "exit_code": each.code} for each in found]
    shown = rows if output.as_json else [row | {"ok": "ok" if row["ok"] else "NO"} for row in rows]
    output.table("check", shown, {"check": "Check", "ok": "", "about": "What was found"})
    code = next((each.code for each in found if each.code), 0)
    if code:
        raise typer.Exit(code)
