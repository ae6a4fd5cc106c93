"""The program: its global options, its commands, and the one place where an error becomes words and an exit code."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import about, batch, gallery, jobs, making, print_version
from .codes import CODES, code_of
from .options import examples
from .output import Output
from .report import misused, report, warning_in_words
from .session import PROGRAM, SPEED, Session
from .signals import Terminated

__all__ = ["app", "run"]

SANDBOX = "Trying things out, without a key"


class Program(TyperGroup):
    """The group of all commands. Global options may stand anywhere, and every error ends with its exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Takes global options from behind the command to before it."""
        values = {name: 0 if getattr(option, "is_flag", True) else 1 for option in self.params for name in option.opts}
        return super().parse_args(ctx, _hoisted(args, values))

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; what ends it too early is reported here, and nowhere else."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except BrokenPipeError as error:
            session = ctx.find_object(Session)
            if session and (session.request_id or session.command):  # what is paid for is told where it can be read
                report(error, session)
            raise
        except (KeyboardInterrupt, Exception) as error:
            session = ctx.find_object(Session)
            if session is None:  # nothing was done by then
                raise
            code = report(error, session)
            if _is_defect(error):
                raise
            raise typer.Exit(code) from error


def _is_defect(error: BaseException) -> bool:
    """Whether it is a mistake of this program, which is told with its traceback."""
    known = {"GrokImagineError", "OSError", "KeyboardInterrupt"}
    return known.isdisjoint(cls.__name__ for cls in type(error).__mro__)


def _hoisted(args: Sequence[str], values: Mapping[str, int]) -> list[str]:
    """The arguments, those of `values` first; it says how many further ones each takes. What follows `--` is no option."""
    first: list[str] = []
    rest: list[str] = []
    given = list(args)
    while given and given[0] != "--":
        name, equals, _ = given[0].partition("=")
        count = 1 if equals else 1 + values.get(name, 0)
        (first if name in values else rest).extend(given[:count])
        del given[:count]
    return [*first, *rest, *given]


EXIT_CODES = "\n".join(["[bold]Exit codes[/bold]", *(f"{code.number:>3}  {code.meaning}" for code in CODES)])

app = typer.Typer(
    cls=Program,
    name=PROGRAM,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=EXIT_CODES,
)


def _version(is_asked: bool) -> None:
    if is_asked:
        print_version()
        raise typer.Exit


@app.callback(
    help="Videos from xAI's Grok Imagine.\n\nA paid job is never lost: its id is in the ledger before it is waited for."
    " The key is read from XAI_API_KEY. The global options may stand anywhere."
    " Results go to stdout, all else to stderr."
)
def program(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, errors too.")] = False,
    ledger: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            envvar="GROK_IMAGINE_LEDGER",
            help="The ledger of paid jobs. \\[default: jobs.db in the user's data folder]",
        ),
    ] = None,
    keep_prompts: Annotated[
        bool,
        typer.Option(
            "--keep-prompts",
            envvar="GROK_IMAGINE_KEEP_PROMPTS",
            help="Keep prompts in the ledger, not only their hashes.",
        ),
    ] = False,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The service's address. \\[default: XAI_BASE_URL, else xAI's]")
    ] = None,
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="Ask a sandbox that lives as long as the command.", rich_help_panel=SANDBOX),
    ] = False,
    sandbox_scenario: Annotated[
        str | None,
        typer.Option(metavar="NAME[:N]", help="What goes wrong in it, N times or always.", rich_help_panel=SANDBOX),
    ] = None,
    sandbox_speed: Annotated[
        float, typer.Option(metavar="N", help="How much faster its time runs.", rich_help_panel=SANDBOX)
    ] = SPEED,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Makes the session of the run of its global options."""
    context.obj = Session(
        Output(as_json),
        ledger=ledger,
        base_url=base_url,
        sandbox=sandbox or sandbox_scenario is not None,
        scenario=sandbox_scenario,
        speed=sandbox_speed,
        keep_prompts=keep_prompts,
    )


def _unwrapped(docstring: str | None) -> str:
    """A docstring whose paragraphs are lines, for a terminal of any width."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (docstring or "").split("\n\n"))


JOB = "The videos"
LEDGER = "The ledger"
ABOUT = "The service and this machine"
ID = "d97415a1-5796-b7ec-379f-4e6819e08fdf"

for panel, command, lines in (
    (JOB, making.generate, [
        'generate "A paper boat drifts down a rainy street" --duration 6 -o boat.mp4',
        'generate "The clouds begin to move" --image sky.png --duration 4 --resolution 720p -o clouds.mp4 --preview',
        'generate "<IMAGE_1> meets <IMAGE_2>" --reference cat.png --reference dog.jpg --contact-sheet sheet.png',
        "generate @prompt.txt --aspect-ratio 9:16 --no-wait",
        "generate 'A heron in the fog' --duration 4 -o heron.mp4 --exec 'ls -l {path}'",
    ]),
    (JOB, making.edit, ['edit "Make it snow" --video https://example.com/street.mp4 -o snow.mp4']),
    (JOB, making.extend, ['extend "The camera rises" --video https://example.com/street.mp4 --duration 5 -o longer.mp4']),
    (JOB, batch.batch, [
        "batch spring.jsonl -o spring --max-cost 5 --yes",
        "batch spring.csv -o spring --name spring --concurrency 4 --yes",
        "batch spring.csv -o spring --extra-columns id,campaign --encoding cp1252 --yes",
    ]),
    (JOB, gallery.gallery, ["gallery spring"]),
    (JOB, jobs.get, [f"get {ID}"]),
    (JOB, jobs.wait, [f"wait {ID} -o boat.mp4 --timeout 900"]),
    (JOB, jobs.download, [f"download {ID} -o boat.mp4 --overwrite"]),
    (LEDGER, jobs.jobs, ['jobs --since "2 Nov"', "jobs --state unknown --state failed --json"]),
    (LEDGER, jobs.reconcile, ["reconcile --timeout 60"]),
    (ABOUT, making.estimate, [
        "estimate --duration 15 --resolution 720p",
        "estimate --video https://example.com/street.mp4 --extend --input-seconds 6",
    ]),
    (ABOUT, about.models, ["models"]),
    (ABOUT, about.modes, ["modes", "modes edit-video"]),
    (ABOUT, about.doctor, ["doctor"]),
):  # fmt: skip
    epilog = examples(*(f"{PROGRAM} {line}" for line in lines))
    app.command(rich_help_panel=panel, epilog=epilog, help=_unwrapped(command.__doc__))(command)
app.add_typer(about.sandbox, rich_help_panel=ABOUT)


def run(arguments: Sequence[str]) -> int:
    """Runs the program and returns its exit code."""
    arguments = list(arguments)
    command = typer.main.get_command(app)
    output = Output("--json" in arguments)
    is_batch = "batch" in arguments

    def show(message: Warning | str, *_: object, **__: object) -> None:
        output.say(warning_in_words(message, is_batch=is_batch))

    shown, warnings.showwarning = warnings.showwarning, show
    try:
        code = command.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        return misused(error, output)
    except typer.Abort as error:  # the end of a file instead of an answer, or a signal before the command began
        return code_of(error.__cause__ if isinstance(error.__cause__, Terminated) else KeyboardInterrupt())
    finally:
        warnings.showwarning = shown
    return code if isinstance(code, int) else 0
