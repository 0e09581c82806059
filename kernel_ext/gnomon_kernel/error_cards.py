"""Error cards: an error of gnomon's in a notebook as one card, with what helps to find its cause and nothing else.

    ZeroDivisionError: division by zero            what
      in the task divide(x=1, y=0), submitted at In [2], line 7, in outer
      from In [3], line 4: outer > divide          who called whom, from the notebook's own line on
      In [2], line 3, in divide                where: the user's lines alone
          return x / y
      got at In [3], line 5                    where it was asked for
      37 tasks failed the same way
      What to do: ...

As text no longer than ``LINES_MAX``; as HTML with all of a dead process's last output. A cell that fails has both, the
text as its ``error`` output: programs that run notebooks look for that, and front ends without HTML show it. Nothing is
looked up but lines of source and the rows of tasks.
"""

from __future__ import annotations

import linecache
import re
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import FrameType

import gnomon
from gnomon import exceptions, observe
from gnomon.exceptions import GnomonError, TaskError
from gnomon_kernel.cell_links import CellOf, linked, no_cell
from gnomon_kernel.object_names import is_id

LINES_MAX = 15
_FRAMES_MAX = 3
_OUTPUT_LINES_MAX = 6
_NAMED_MAX = 4
_WIDTH = 110

_PACKAGES = tuple(f"{path}/" for path in (Path(gnomon.__file__).parent, Path(__file__).parent))
_PLACE = re.compile(
    r'^  (?:File "(?P<file>.+)"|(?P<cell>\S.*?)), line (?P<line>\d+)(?:, in (?P<function>.+))?$'
)
_SITE = re.compile(r"In \[(?P<cell>\d*)\], line (?P<line>\d+)")
_LINK = re.compile(r"\n\n(?:The above exception was|During handling of the above).*\n\n")
_LIBRARIES = re.compile(r"/(?:site|dist)-packages/|/lib/python3")

_HIDES_TWIN = (
    "<style>.jp-OutputArea-child:has(.jp-gnomon-error)+.jp-OutputArea-child"
    ':has(>[data-mime-type="application/vnd.jupyter.stderr"]){display:none}</style>'
)
"""For JupyterLab, Notebook and the pages of nbconvert. A notebook that is not trusted has no styles of its own: there the
lab extension's do the same.
"""

_CAPTURED = re.compile(r"global '(\w+)'")
"""What the path to a culprit says of a function that has one of the notebook's variables in its code."""

CellName = Callable[[str], str | None]
AssignedIn = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class CodePlace:
    """One line of the user's: what people call its file, and its text."""

    where: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class ErrorCard:
    """What a card shows.

    Attributes:
        title: class and message.
        facts: sentences, one line each.
        places: in the task, outermost first.
        output: what a dead process printed last.
        advice: what to do.
    """

    title: str
    facts: tuple[str, ...] = ()
    places: tuple[CodePlace, ...] = ()
    asked: CodePlace | None = None
    more: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    advice: str = ""

    def text(self) -> str:
        """Plain text of at most ``LINES_MAX`` lines."""
        lines = [*_wrapped("", self.title), *(line for fact in self.facts for line in _wrapped("  ", fact))]
        for place in self.places[-_FRAMES_MAX:]:
            lines += [f"  {place.where}", *([f"      {place.source}"] if place.source else [])]
        if self.asked is not None:
            lines.append(
                f"  got at {self.asked.where}{f': {self.asked.source}' if self.asked.source else ''}"
            )
        advice = _wrapped("  ", f"What to do: {self.advice}") if self.advice else []
        room = LINES_MAX - len(advice)
        lines = [*lines, *(f"  {each}" for each in self.more)][:room]
        room -= len(lines) + 1
        output = self.output[-min(_OUTPUT_LINES_MAX, room) :] if room > 0 else ()
        printed = ["  It printed last:", *(f"    {line}" for line in output)] if output else []
        return "\n".join(_cut(line) for line in [*lines, *printed, *advice])

    def message(self) -> str:
        """The title without the name of the class."""
        return self.title.partition(": ")[2]

    def html(self, cell_of: CellOf = no_cell) -> str:
        """The same as a card of the notebook's colours; it hides the error output that follows, which has the text.

        Args:
            cell_of: by which the cells that it names become links.
        """
        facts = "".join(f"<div>{linked(fact, cell_of)}</div>" for fact in self.facts)
        places = "".join(_place_html(place, cell_of) for place in self.places)
        asked = "" if self.asked is None else f"<div>got at {_place_html(self.asked, cell_of)}</div>"
        more = "".join(f"<div>{linked(each, cell_of)}</div>" for each in self.more)
        printed = ""
        if self.output:
            text = escape("\n".join(self.output))
            printed = (
                f"<details open><summary>It printed last ({len(self.output)} lines)</summary>"
                f'<pre style="margin:2px 0 2px 12px;white-space:pre-wrap">{text}</pre></details>'
            )
        advice = f"<div><b>What to do:</b> {linked(self.advice, cell_of)}</div>" if self.advice else ""
        return (
            '<div class="jp-gnomon-error" role="alert" style="border-left:4px solid var(--jp-error-color1, #d32f2f);'
            'padding:4px 10px;line-height:1.45">'
            f"<div><b>{linked(self.title, cell_of)}</b></div>{facts}{places}{asked}{more}{printed}{advice}{_HIDES_TWIN}</div>"
        )


def _place_html(place: CodePlace, cell_of: CellOf) -> str:
    source = (
        f'<pre style="margin:0 0 2px 24px;background:none">{escape(place.source)}</pre>'
        if place.source
        else ""
    )
    return f"<div>{linked(place.where, cell_of)}</div>{source}"


def _wrapped(indent: str, text: str) -> list[str]:
    """At most three lines."""
    first, rest = indent, f"{indent}    "
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, max_lines=3, break_on_hyphens=False
    )


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."


def has_card(error: BaseException) -> bool:
    """Whether an error is shown as a card: those of ours are bugs to be reported whole."""
    return isinstance(error, GnomonError) and not isinstance(error, exceptions.InternalError)


def card_of(
    error: GnomonError,
    cell_name: CellName,
    assigned_in: AssignedIn = lambda name: "",
    word: str = "",
) -> ErrorCard:
    """The card of an error that was raised in a cell.

    Args:
        error: with its traceback.
        cell_name: what people call the cell that was compiled as a file; None for other files.
        assigned_in: what people call the cell that has last given a value to a name; "" if that is not known.
        word: what names the object after a command whose value was asked for; "" if nothing does.
    """
    if isinstance(error, TaskError):
        return _of_task(error, cell_name, word)
    if isinstance(error, exceptions.SerializationError):
        return _of_pickling(error, cell_name, assigned_in)
    created = error.__cause__
    root = created if isinstance(created, TaskError) else None
    text = getattr(error, "traceback_str", "") or (root.traceback_str if root is not None else "")
    output = tuple(str(getattr(error, "last_output", "") or "").splitlines())
    sentence = exceptions.sentence_of(error)
    title = f"{type(error).__name__}: {sentence}"
    facts = [*(_called(root, cell_name) if root is not None else []), *_path(error)]
    places = tuple(_places(text, cell_name))
    return ErrorCard(
        title, tuple(facts), places, _asked(error, cell_name), (), output, exceptions.advice_of(error)
    )


def _of_pickling(
    error: exceptions.SerializationError, cell_name: CellName, assigned_in: AssignedIn
) -> ErrorCard:
    """What can not travel, and where it stands; of the way to it only the user's own lines (a ``__getstate__`` of his)."""
    sentence, _, advice = exceptions.sentence_of(error).partition(". ")
    title = f"{type(error).__name__}: {sentence.rstrip('.')}"
    names = {name: assigned_in(name) for name in _CAPTURED.findall(error.path)}
    facts = [f"{name} was given its value in {cell}" for name, cell in names.items() if cell]
    places = []
    cause = error.__cause__
    for frame, line in traceback.walk_tb(cause.__traceback__ if cause is not None else None):
        file = frame.f_code.co_filename
        if not file.startswith((*_PACKAGES, "<frozen")) and not _LIBRARIES.search(file):
            places.append(_code_place(frame, line, cell_name))
    return ErrorCard(title, tuple(facts), tuple(places), _asked(error, cell_name), advice=advice)


def _of_task(error: TaskError, cell_name: CellName, word: str = "") -> ErrorCard:
    links = [error]
    while isinstance(links[-1].cause, TaskError) and len(links) < 20:
        links.append(links[-1].cause)
    root = links[-1]
    cause = root.cause
    if isinstance(cause, GnomonError):  # the cluster's answer to what the task has asked
        inner = card_of(cause, cell_name)
        title, output, advice = inner.title, inner.output, inner.advice
    else:
        title = exceptions.headline(cause) if cause is not None else exceptions.sentence_of(root)
        output, advice = (), _file_advice(root) or _look_into(links, word)
    facts = (
        *_called(root, cell_name, _site(root, error, cell_name)),
        *_path(error),
        *getattr(error, "__notes__", ()),
    )
    more = (*_asked_by(links), *_alike(root))
    places = tuple(_places(root.traceback_str, cell_name))
    return ErrorCard(title, facts, places, _asked(error, cell_name), more, output, advice)


def _look_into(links: list[TaskError], word: str) -> str:
    """How to find out more of what the user's own code has raised: in the task that raised; in who called it, if that is a
    method, which can not be run again.
    """
    name = word or "REF"
    classes = {row.get("class") for row in observe.actors()}
    tasks = [each.function_name for each in links if each.function_name.partition(".")[0] not in classes]
    what = (tasks[-1] if tasks else "") or "it"
    if not tasks:
        return f"%remote logs {name} shows what it printed; with the actor's handle, what its actor did."
    same = "" if is_id(word) else f" (or gnomon.observe.debug({word or 'ref'}))"
    return f"%remote debug {name}{same} runs {what} in this process, for %debug."


def _called(root: TaskError, cell_name: CellName, site: str = "") -> list[str]:
    """``in the task divide(x=1, y=0), submitted at In [3], line 4, attempt 2``; of what a task has called, the line in its
    code, and the tasks from the notebook's own line on (``site``, by default what the error tells).
    """
    if not root.function_name:
        return []
    site = site or root.site
    submitted = f", submitted at {site}" if site else ""
    chain = []
    if root.called_at is not None:
        file, line, function = root.called_at
        submitted = f", submitted at {cell_name(file) or Path(file).name}, line {line}, in {function}"
        chain = [f"from {site}: {' > '.join((*root.callers, root.function_name))}"]
    attempt = f", attempt {root.attempt + 1}" if root.attempt else ""
    looked = [f"it was looked for in {root.directory}"] if root.directory else []
    return [
        f"in the task {root.function_name}({', '.join(root.arguments)}){submitted}{attempt}",
        *chain,
        *looked,
    ]


def _site(root: TaskError, error: BaseException, cell_name: CellName) -> str:
    """The notebook's line that an error tells, with the cell in which it stands: a submission is noted with the cell that ran,
    and the line of the function that submitted, which another cell may have defined. That function is looked for among
    those which the error has passed through here; if it is not there, or not the only one, what the error tells.
    """
    told = _SITE.fullmatch(root.site)
    if told is None:
        return ""
    line, found = int(told["line"]), set()
    for frame, _ in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        file = code.co_filename
        if not file.startswith(_PACKAGES) and line in {number for *_, number in code.co_lines()}:
            if ".remote(" in linecache.getline(file, line):
                found.add(_code_place(frame, line, cell_name).where)
    where = found.pop() if len(found) == 1 else ""
    return "" if where.startswith(f"In [{told['cell']}],") else where


def _asked_by(links: list[TaskError]) -> list[str]:
    """Which tasks it has passed through that had not called the one that failed themselves, but got its reference."""
    return [
        f"{outer.function_name} asked for the value of {inner.function_name}"
        for outer, inner in zip(links, links[1:], strict=False)
        if outer.function_name != (inner.callers or ("",))[-1]
    ]


def _file_advice(root: TaskError) -> str:
    """What to do when a file was not found that was named without its directory; "" for all else."""
    if not root.directory:
        return ""
    here = Path.cwd()
    if here == Path(root.directory):
        return (
            "That is the directory of this notebook, too: give the whole path of the file, or make it first."
        )
    return (
        f"Workers stay in the directory that the notebook was in when the session began; it is in {here} now. "
        "Give the whole path (os.path.abspath), or read the file here and pass on what is in it."
    )


def _path(error: GnomonError) -> list[str]:
    """``its value was to go to scale, then to plus_one (In [3], line 4), which was asked for``; nothing where the one that
    was asked for has failed itself.
    """
    identity = exceptions.asked_for(error)
    rows = observe.failure_path(identity)[:-1] if identity else []
    if not rows:
        return []
    asked, *between = rows
    names = [row["name"] for row in reversed(between)]
    if len(names) > _NAMED_MAX:
        names[_NAMED_MAX - 1 : -1] = [f"{len(names) - _NAMED_MAX:,} more"]
    through = f"{', then to '.join(names)}, then to " if names else ""
    line = f" ({asked['cell']}, line {asked['line']})" if asked["cell"] else ""
    return [f"its value was to go to {through}{asked['name']}{line}, which was asked for"]


def _alike(root: TaskError) -> list[str]:
    """How many tasks of the function have failed with the same words, by cell."""
    summary = exceptions.headline(root.cause)[:200] if root.cause is not None else ""
    rows = observe.tasks(state="failed", name=root.function_name) if summary else []
    cells: dict[str, int] = {}
    for row in rows:
        if row["error"] == summary:
            place = f"{row['cell']}, line {row['line']}" if row["cell"] else ""
            cells[place] = cells.get(place, 0) + 1
    return [
        f"{count:,} tasks failed the same way{f': {root.function_name} of {place}' if place else ''}"
        for place, count in cells.items()
        if count > 1
    ]


def _places(text: str, cell_name: CellName) -> list[CodePlace]:
    """The user's lines in a traceback that has come as text; those of libraries only if there are no others."""
    lines = _LINK.split(text)[-1].split("\n")
    own: list[CodePlace] = []
    others: list[CodePlace] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        match = _PLACE.match(line)
        if match is None:
            continue
        file = match["file"] or ""
        name = match["cell"] or cell_name(file) or Path(file).name
        function = f", in {match['function']}" if match["function"] else ""
        source = following if following.startswith("    ") else linecache.getline(file, int(match["line"]))
        place = CodePlace(f"{name}, line {match['line']}{function}", source.strip())
        (others if _LIBRARIES.search(file) else own).append(place)
    return own or others[-1:]


def _asked(error: BaseException, cell_name: CellName) -> CodePlace | None:
    """The innermost line of the user's at which the error arrived."""
    found: tuple[FrameType, int] | None = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGES) and "/IPython/" not in file and not file.startswith("<frozen"):
            found = frame, line
    if found is None:
        return None
    return _code_place(*found, cell_name)


def _code_place(frame: FrameType, line: int, cell_name: CellName) -> CodePlace:
    """A line that a frame is at, as people call it."""
    file, function = frame.f_code.co_filename, frame.f_code.co_name
    within = "" if function == "<module>" else f", in {function}"
    where = f"{cell_name(file) or Path(file).name}, line {line}{within}"
    return CodePlace(where, linecache.getline(file, line).strip())
