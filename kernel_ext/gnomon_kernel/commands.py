"""The commands of ``%remote``: one row for each, with its help, its options, and what does it.

Help, errors and tab completion are made from these rows, so that they can not differ. A word that names both a
view and a table (objects, actors, nodes) shows the live view as it stands; with a filter or ``--frame`` it
gives the table, as a pandas frame to work on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gnomon import observe
from gnomon.observe.words import ACTOR_STATES, NODE_STATES, OBJECT_STATES, TASK_STATES
from gnomon_kernel import arguments
from gnomon_kernel.arguments import ACTORS, CELLS, PINS, REFS, TARGETS, TOPICS, MagicParser

if TYPE_CHECKING:
    from gnomon_kernel.actions import Actions

ENGINES = ("local", "inline")

FAULTS = ("worker", "node", "delay", "object")


@dataclass(frozen=True, slots=True)
class MagicCommand:
    """One word after ``%remote``.

    Attributes:
        help: one line.
        run: does it; gets the actions and the parsed options, returns what the cell shows.
        parser: makes the parser of its options.
        example: a line to copy.
    """

    help: str
    run: Callable[[Actions, argparse.Namespace], Any]
    parser: Callable[[], MagicParser] | None = None
    example: str = ""


def parser_of(name: str) -> MagicParser:
    """The parser of a command's options; of one without options, one that takes none."""
    make = COMMANDS[name].parser
    return MagicParser(f"%remote {name}") if make is None else make()


def add_resources(parser: MagicParser, kind: Callable[[str], float], of: str) -> None:
    """The options that every command has which asks for resources."""
    parser.add("--cpus", "--num-cpus", type=kind, metavar="N", help=f"CPUs {of}")
    parser.add("--gpus", "--num-gpus", type=kind, metavar="N", help=f"GPUs {of}")
    parser.add("--resources", type=arguments.json_resources, metavar="JSON", help="resources of your own")


def _start_parser() -> MagicParser:
    parser = MagicParser("%remote start")
    add_resources(parser, int, "to use (default: all), of each node when there are several")
    parser.add(
        "--memory", type=arguments.size_bytes, metavar="SIZE", help="size of the object store, like 2GB"
    )
    parser.add("--namespace", metavar="NAME", help="where names of actors live")
    parser.add(
        "--nodes", type=arguments.positive, metavar="N", help="so many nodes on this machine, to try out"
    )
    parser.add(
        "--engine",
        choices=(*ENGINES, "ray"),
        metavar="|".join(ENGINES),
        help="local: processes; inline: in the kernel, to debug",
    )
    parser.add(
        "--address", metavar="A", help="join a cluster: auto, or the directory that gnomon start tells"
    )
    return parser


def _table_parser(name: str, states: tuple[str, ...], bad: str, cell: bool) -> Callable[[], MagicParser]:
    def make() -> MagicParser:
        parser = MagicParser(f"%remote {name}")
        live = ", not as a live view" if name != "tasks" else ", which it is in any case"
        parser.add("--frame", action="store_true", help=f"as a pandas frame{live}")
        parser.add(
            "--failed", action="store_const", const=bad, dest="state", help=f"only those that are {bad}"
        )
        listed = f"only those in this state: {', '.join(states)}"
        parser.add("--state", choices=states, metavar="STATE", help=listed)
        if cell:
            parser.add(
                "--cell",
                type=arguments.cell_number,
                metavar="N",
                completer=CELLS,
                help="only those of In [N]",
            )
        if name != "nodes":
            parser.add("--name", metavar="NAME", help="only those of this function, class or name")
        parser.add("--limit", type=arguments.positive, metavar="N", help="at most so many rows")
        return parser

    return make


def _memory_parser() -> MagicParser:
    parser = MagicParser("%remote memory")
    parser.add(
        "objects", nargs="*", metavar="REF", completer=REFS, help="only these references, or ids of objects"
    )
    parser.add("--group-by", choices=observe.MEMORY_GROUPS, default="NODE_ADDRESS", help="tables")
    parser.add("--sort-by", choices=observe.MEMORY_SORTS, default="OBJECT_SIZE", help="order in them")
    parser.add("--units", choices=tuple(observe.MEMORY_UNITS), default="auto", help="of sizes")
    parser.add("--num-entries", type=int, metavar="N", help="rows in each table")
    return parser


def _unpin_parser() -> MagicParser:
    parser = MagicParser("%remote unpin")
    meant = "the number of an output, all of Out, the tracebacks of the last error, or all of it (default)"
    parser.add("what", nargs="?", default="all", metavar="N|Out|tracebacks|all", completer=PINS, help=meant)
    return parser


def _target_parser(name: str, completer: str = TARGETS) -> Callable[[], MagicParser]:
    def make() -> MagicParser:
        parser = MagicParser(f"%remote {name}")
        what = "a reference, generator or handle, or an id in hexadecimal"
        parser.add("target", metavar="REF", completer=completer, help=what)
        if name == "logs":
            parser.add("--tail", type=arguments.positive, metavar="N", help="only so many of the last lines")
        return parser

    return make


def _cancel_parser() -> MagicParser:
    parser = MagicParser("%remote cancel")
    parser.add("ref", nargs="*", metavar="REF", completer=REFS, help="references, or names of lists of them")
    parser.add(
        "--cell", type=arguments.cell_number, metavar="N", completer=CELLS, help="all that In [N] submitted"
    )
    parser.add(
        "--force", action="store_true", help="end the worker of a task that does not heed (needs a REF)"
    )
    return parser


def _kill_parser() -> MagicParser:
    parser = MagicParser("%remote kill")
    parser.add(
        "name", metavar="NAME", completer=ACTORS, help="a variable with a handle, or the name of an actor"
    )
    parser.add("--restart", action="store_true", help="let it be restarted, if its max_restarts allows it")
    parser.add(
        "--namespace", metavar="NAME", help="where the name of the actor lives (default: this session's)"
    )
    return parser


def _check_parser() -> MagicParser:
    parser = MagicParser("%remote check")
    what = "auto for your newest cluster, or the directory that gnomon start tells"
    parser.add("address", nargs="?", default="auto", metavar="ADDRESS", help=what)
    return parser


def _fault_parser() -> MagicParser:
    parser = MagicParser("%remote fault")
    parser.add("kind", choices=FAULTS, help="kill a worker or a node, make a node late, or lose a value")
    parser.add(
        "target",
        nargs="?",
        metavar="WHAT",
        completer=REFS,
        help="worker: a reference, an actor or a pid (default: what began last); node, delay: its number; object: a reference",
    )
    parser.add(
        "--for",
        dest="seconds",
        type=arguments.seconds,
        metavar="TIME",
        help="delay: how long, like 5s (default: 3s)",
    )
    late = "delay: how late each message is, like 200ms (default: none passes until the end)"
    parser.add("--by", type=arguments.seconds, metavar="TIME", help=late)
    return parser


def _coach_parser() -> MagicParser:
    parser = MagicParser("%remote coach")
    parser.add("switch", nargs="?", choices=("on", "off"), help="give hints, or none (default: list them)")
    return parser


def _step_parser() -> MagicParser:
    parser = MagicParser("%remote step")
    parser.add("n", nargs="?", type=arguments.positive, default=1, metavar="N", help="how many (default: 1)")
    return parser


def _slow_parser() -> MagicParser:
    parser = MagicParser("%remote slow")
    parser.add("seconds", type=arguments.seconds, metavar="SECONDS", help="between two that begin, like 0.5")
    return parser


def _order_parser() -> MagicParser:
    parser = MagicParser("%remote order")
    parser.add("seed", type=arguments.seed, metavar="SEED", help="a whole number; the same draws the same")
    return parser


def _report_parser() -> MagicParser:
    parser = MagicParser("%remote report")
    parser.add(
        "file", metavar="FILE", help="run.html: a page that shows any moment; run.json: a Chrome trace"
    )
    parser.add("--replace", action="store_true", help="overwrite a file that is no report, too")
    return parser


def _help_parser() -> MagicParser:
    parser = MagicParser("%remote help")
    parser.add(
        "command", nargs="?", metavar="COMMAND", completer=TOPICS, help="what to tell of (default: all)"
    )
    return parser


def cell_parser() -> MagicParser:
    """The options of ``%%remote``."""
    parser = MagicParser("%%remote")
    parser.add(
        "-o",
        "--output",
        type=arguments.names,
        default=(),
        metavar="NAMES",
        help="names that come back, like a,b",
    )
    parser.add("--captures", action="store_true", help="first list what is taken along, with sizes")
    add_resources(parser, float, "for the task, or for each call")
    parser.add(
        "--name", metavar="NAME", help="of the task in lists; of the one function or class that it defines"
    )
    parser.add(
        "--replace",
        action="store_true",
        help="first cancel what this cell's run before left unfinished; with --name end the actor of that name",
    )
    parser.add(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait for the end (default), or go on: names of -o are references then",
    )
    return parser


def _view(name: str, what: str) -> MagicCommand:
    return MagicCommand(
        f"{what}, live, in this cell's output",
        lambda actions, _options: actions.view(name),
        example=f"%remote {name}",
    )


def _view_or_table(
    name: str, what: str, states: tuple[str, ...], bad: str, example: str, cell: bool = False
) -> MagicCommand:
    return MagicCommand(
        f"{what}: live, or with a filter as a pandas frame",
        lambda actions, options: actions.view_or_table(name, options),
        _table_parser(name, states, bad, cell),
        example,
    )


COMMANDS: dict[str, MagicCommand] = {
    "start": MagicCommand(
        "start a session, or tell what runs",
        lambda a, options: a.sessions.start(options),
        _start_parser,
        '%remote start --cpus 4 --resources {"disk": 2}',
    ),
    "stop": MagicCommand("end the session", lambda a, _options: a.sessions.stop()),
    "status": MagicCommand(
        "what runs, and how many tasks are waiting, running or done", lambda a, _options: a.sessions.status()
    ),
    "check": MagicCommand(
        "compare with a cluster before joining it",
        lambda a, options: a.sessions.check(options),
        _check_parser,
        "%remote check auto",
    ),
    "dashboard": _view("dashboard", "all views together"),
    "graph": _view("graph", "tasks and how they depend on each other"),
    "timeline": _view("timeline", "what ran where and when"),
    "objects": _view_or_table(
        "objects", "the object store", OBJECT_STATES, "error", "%remote objects --cell 3", cell=True
    ),
    "actors": _view_or_table(
        "actors", "actors and their calls", ACTOR_STATES, "dead", "%remote actors --state dead"
    ),
    "nodes": _view_or_table(
        "nodes", "the nodes and what they have", NODE_STATES, "dead", "%remote nodes --frame"
    ),
    "tasks": MagicCommand(
        "tasks as a pandas frame",
        lambda a, options: a.tables.frame("tasks", options),
        _table_parser("tasks", TASK_STATES, "failed", cell=True),
        "%remote tasks --failed --cell 3",
    ),
    "memory": MagicCommand(
        "objects and who holds each, by name",
        lambda a, options: a.memory(options),
        _memory_parser,
        "%remote memory ref --units KB",
    ),
    "why": MagicCommand(
        "why something waits, has failed or was slow",
        lambda a, options: a.why(options),
        _target_parser("why"),
        "%remote why ref",
    ),
    "logs": MagicCommand(
        "what a task or an actor has printed, from its start",
        lambda a, options: a.logs(options),
        _target_parser("logs"),
        "%remote logs ref --tail 20",
    ),
    "debug": MagicCommand(
        "run a failed task again, here; then %debug",
        lambda a, options: a.debug(options),
        _target_parser("debug", REFS),
        "%remote debug ref",
    ),
    "cancel": MagicCommand(
        "cancel a task, what a cell submitted, or all",
        lambda a, options: a.controls.cancel(options),
        _cancel_parser,
        "%remote cancel --cell 3",
    ),
    "kill": MagicCommand(
        "end an actor at once",
        lambda a, options: a.controls.kill(options),
        _kill_parser,
        "%remote kill counter",
    ),
    "fault": MagicCommand(
        "break something on purpose, and watch what is done about it",
        lambda a, options: a.faults.make(options),
        _fault_parser,
        "%remote fault worker",
    ),
    "pause": MagicCommand(
        "let nothing begin; what runs goes on", lambda a, _options: a.tempos.pause(), example="%remote pause"
    ),
    "step": MagicCommand(
        "let some begin, and pause", lambda a, options: a.tempos.step(options), _step_parser, "%remote step 2"
    ),
    "resume": MagicCommand(
        "let everything begin freely", lambda a, _options: a.tempos.resume(), example="%remote resume"
    ),
    "slow": MagicCommand(
        "slow motion: one begins every so many seconds",
        lambda a, options: a.tempos.slow(options),
        _slow_parser,
        "%remote slow 0.5",
    ),
    "order": MagicCommand(
        "one at a time, in an order drawn from a seed",
        lambda a, options: a.tempos.order(options),
        _order_parser,
        "%remote order 7",
    ),
    "coach": MagicCommand(
        "list the hints given so far, or switch them on or off",
        lambda a, options: a.coach.command(options.switch),
        _coach_parser,
        "%remote coach off",
    ),
    "report": MagicCommand(
        "the run as one file: a page that works offline, or a trace",
        lambda a, options: a.report(options),
        _report_parser,
        "%remote report run.html",
    ),
    "unpin": MagicCommand(
        "let go of what outputs and the last error hold",
        lambda a, options: a.unpin(options),
        _unpin_parser,
        "%remote unpin 3",
    ),
    "help": MagicCommand(
        "tell of all commands, or of one",
        lambda a, options: a.help(options),
        _help_parser,
        "%remote help start",
    ),
}
