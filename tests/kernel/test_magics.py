"""What ``%remote`` and ``%%remote`` do in a shell, on the inline engine."""

import subprocess
import sys
import traceback
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import gnomon
import gnomon.observe
from gnomon.cluster_utils import Cluster
from gnomon_kernel.commands import COMMANDS
from gnomon_kernel.completion import complete
from gnomon_kernel.notebook_names import NotebookNames
from kernel.live_kernel import environment


def cell(ip: InteractiveShell, text: str, line: str = "") -> Any:
    """Run a ``%%remote`` cell; returns what it shows, raises what it raises."""
    result = ip.run_cell(f"%%remote {line}\n{text}")
    result.raise_error()
    return result.result


# ------------------------------------------------------------------------------------ loading


def test_loading_imports_nothing_heavy() -> None:
    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance();"
        "s.run_line_magic('load_ext', 'gnomon');"
        "print([m for m in ('pandas', 'numpy', 'ipywidgets', 'anywidget', 'zmq') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("[]")


def test_loading_twice_and_unloading(shell: InteractiveShell) -> None:
    for magic in ("load_ext", "reload_ext", "unload_ext", "load_ext"):
        shell.run_line_magic(magic, "gnomon_kernel")
    assert "remote" in shell.magics_manager.magics["line"]
    shell.run_line_magic("unload_ext", "gnomon_kernel")
    assert "remote" not in shell.magics_manager.magics["line"]
    assert "remote" not in shell.magics_manager.magics["cell"]
    assert shell.run_cell("1 + 1").result == 2


# ------------------------------------------------------------------------------------ %remote


def test_start_is_idempotent_and_says_what_runs(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in ("start", "start --cpus 2"):
        ip.run_line_magic("remote", line)
        out = capsys.readouterr().out
        assert out.startswith("gnomon is running (inline engine): 2 CPUs")
        assert out.count("\n") == 1


@pytest.mark.parametrize("line", ["status", ""])
def test_status_says_what_runs_and_how_far_the_tasks_are(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    ip.run_line_magic("remote", line)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("gnomon is running (inline engine): 2 CPUs")
    assert second == "tasks: none yet"
    ip.run_cell("import gnomon\nrefs = [gnomon.remote(lambda x: 1 / x).remote(x) for x in (0, 1, 2)]")
    capsys.readouterr()
    ip.run_line_magic("remote", line)
    assert capsys.readouterr().out.splitlines()[1] == "tasks: 2 done, 1 failed"


def test_starting_with_other_options_is_an_error_that_shows_them(ip: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="its num_cpus is 2, not 1. Run %remote stop first"):
        ip.run_line_magic("remote", "start --cpus 1")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("start --engine ray", "not part of gnomon yet. Use local"),
        ("start --nodes 2 --engine inline", "--engine inline has none. Leave one of the two out"),
        ("start --nodes 2 --address auto", "--address auto has none"),
        ("start --nodes 2", "it has 1 node, not 2. Run %remote stop first"),
    ],
)
def test_what_can_not_be_started(ip: InteractiveShell, line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ip.run_line_magic("remote", line)


def test_several_nodes(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    try:
        for verb in ("started", "is running"):
            shell.run_line_magic("remote", "start --nodes 2 --cpus 1 --memory 20MB")
            assert f"gnomon {verb} (local engine, 2 nodes): 2 CPUs" in capsys.readouterr().out
        frame = shell.run_line_magic("remote", "nodes --frame")
        assert list(frame["state"]) == ["alive", "alive"]
        shell.run_line_magic("remote", "status")
        assert "2 nodes" in capsys.readouterr().out
        shell.run_line_magic("remote", f"check {gnomon.observe.session_directory()}")
        assert ": all fits, join it with: %remote start --address " in capsys.readouterr().out
        with pytest.raises(UsageError, match="%remote check: "):
            shell.run_line_magic("remote", "check /nowhere/at/all")
    finally:
        shell.run_line_magic("remote", "stop")
    assert capsys.readouterr().out == "gnomon stopped\n"
    assert not gnomon.is_initialized()


def test_joining_a_cluster(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 3, "object_store_memory": 20_000_000})
    try:
        shell.run_line_magic("remote", f"start --address {cluster.address}")
        shell.run_line_magic("remote", f"start --address {cluster.address}")
        shell.run_line_magic("remote", "stop")
    finally:
        cluster.shutdown()
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("gnomon started (local engine): 3 CPUs, store ")
    assert second.startswith("gnomon is running (local engine): 3 CPUs, store ")
    assert third == "gnomon stopped"


def test_stop_and_status(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for line in ("stop", "stop", "status", "start --engine inline --cpus 1"):
        ip.run_line_magic("remote", line)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "gnomon stopped",
        "gnomon: nothing is running",
        "gnomon is not running; start it with: %remote start",
    ]
    assert lines[3].startswith("gnomon started (inline engine): 1 CPU")


def test_resources_of_ones_own(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    shell.run_cell('%remote start --engine inline --cpus 1 --resources {"disk": 2}').raise_error()
    try:
        assert "2 disk" in capsys.readouterr().out
    finally:
        gnomon.shutdown()


def test_an_unknown_command_is_one_line(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    result = ip.run_cell("%remote nonsense")
    assert isinstance(result.error_in_exec, UsageError)
    (line,) = capsys.readouterr().err.splitlines()
    assert "no command 'nonsense'." in line
    assert "Commands: start, stop, status" in line


def test_completion_in_the_shell(ip: InteractiveShell) -> None:
    def offered(line: str) -> set[str]:
        with provisionalcompleter():
            return {found.text for found in ip.Completer.completions(line, len(line))}

    assert offered("%remote sta") == {"start", "status"}
    assert offered("%remote start --cpus 2 --e") == {"--engine"}
    assert offered("%remote start --engine ") == {"local", "inline"}
    assert offered("%%remote --c") == {"--captures", "--cpus"}
    assert "print" in offered("pri"), "Python's own completions are as before"


def test_tasks_as_a_frame(ip: InteractiveShell) -> None:
    code = "import gnomon\n@gnomon.remote\ndef f(x): return 1 / x\nrefs = [f.remote(n) for n in (1, 0)]"
    ip.run_cell(code, store_history=True).raise_error()
    frame = ip.run_line_magic("remote", "tasks")
    assert list(frame["name"]) == ["f", "f"]
    assert list(frame["cell"]) == ["In [1]"] * 2
    assert list(ip.run_line_magic("remote", "tasks --failed")["state"]) == ["failed"]
    assert len(ip.run_line_magic("remote", "tasks --cell 2")) == 0
    cell(ip, "1 + 1")
    assert list(ip.run_line_magic("remote", "tasks")[["name", "line"]].iloc[-1]) == ["%%remote", 1]


def test_filters_of_tasks(ip: InteractiveShell) -> None:
    ip.run_cell("import gnomon\n@gnomon.remote\ndef f(x): return x\n@gnomon.remote\ndef g(x): return x")
    ip.run_cell("refs = [f.remote(1), g.remote(2), g.remote(3)]", store_history=True).raise_error()
    assert list(ip.run_line_magic("remote", "tasks --name g")["name"]) == ["g", "g"]
    assert list(ip.run_line_magic("remote", "tasks --limit 1")["name"]) == ["g"]
    assert list(ip.run_line_magic("remote", "tasks --frame --limit 1")["name"]) == ["g"]
    assert len(ip.run_line_magic("remote", "tasks --cell In[1] --state done")) == 3
    assert list(ip.run_line_magic("remote", "tasks --failed")["name"]) == []


def test_the_same_word_is_a_view_or_with_a_filter_a_table(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ip.run_cell(
        "import gnomon\n@gnomon.remote\nclass A:\n    def f(self): return 1\n"
        "a, b = A.remote(), A.remote()\ngnomon.get([a.f.remote(), b.f.remote()])\ngnomon.kill(b)"
    ).raise_error()
    frame = ip.run_line_magic("remote", "actors --frame")
    assert sorted(zip(frame["class"], frame["state"], strict=True)) == [("A", "alive"), ("A", "dead")]
    assert len(ip.run_line_magic("remote", "actors --failed")) == 1
    assert len(ip.run_line_magic("remote", "actors --name B")) == 0
    capsys.readouterr()
    assert ip.run_line_magic("remote", "actors") is None
    assert "actors: 1 alive" in capsys.readouterr().out, "the live view, or what stands for it in a terminal"
    nodes = ip.run_line_magic("remote", "nodes --frame")
    assert list(nodes[["state", "CPU"]].iloc[0]) == ["alive", 2.0]
    ip.user_ns["kept"] = gnomon.put(bytes(10))
    assert len(ip.run_line_magic("remote", "objects --state spilled")) == 0
    assert len(ip.run_line_magic("remote", "objects --frame")) >= 1


# ------------------------------------------------------------------------------------ help


@pytest.mark.parametrize(
    "line", ["help start", "start --help", "start -h", "start ?", "start --cpus 2 --help"]
)
def test_help_of_a_command(ip: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str) -> None:
    capsys.readouterr()
    ip.run_line_magic("remote", line)
    said = capsys.readouterr().out
    assert said.startswith("%remote start: start a session")
    assert "--cpus, --num-cpus N" in said
    assert "Example: %remote start" in said


def test_help_by_a_question_mark(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    ip.run_cell("%remote memory?").raise_error()
    assert capsys.readouterr().out.startswith("%remote memory: ")
    ip.run_cell("%remote help").raise_error()
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in COMMANDS)
    assert "%%remote above a cell:\n  define" in said
    ip.run_cell("%%remote --help\n1").raise_error()
    assert "--captures" in capsys.readouterr().out
    with pytest.raises(UsageError, match="no command 'strat'. Did you mean 'start'"):
        ip.run_line_magic("remote", "help strat")


# ------------------------------------------------------------------------------------ why


def test_why(ip: InteractiveShell) -> None:
    ip.run_cell("import gnomon\n@gnomon.remote\ndef f(x): return 1 / x\nref = f.remote(0)").raise_error()
    told = repr(ip.run_line_magic("remote", "why ref"))
    assert "ZeroDivisionError" in told
    assert repr(ip.run_line_magic("remote", f"why {ip.user_ns['ref'].hex()}")) == told
    for word, said in (("nothing", "raised NameError"), ("13", "%remote why: ")):
        with pytest.raises(UsageError, match=said):
            ip.run_line_magic("remote", f"why {word}")
    assert complete("%remote why ", "", NotebookNames(ip.user_ns)) == ["ref", "--help"]
    ip.user_ns.pop("ref")


def test_logs(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    shell.run_line_magic("remote", "start --cpus 1")
    try:
        shell.run_cell(
            "import gnomon\n@gnomon.remote\ndef f():\n    for n in range(5): print('line', n)\n"
            "ref = f.remote(); gnomon.get(ref)"
        ).raise_error()
        capsys.readouterr()
        shell.run_line_magic("remote", "logs ref --tail 2")
        assert "line 3\nline 4\n" in capsys.readouterr().out
        with pytest.raises(UsageError, match="%remote logs: "):
            shell.run_line_magic("remote", "logs 13")
    finally:
        shell.user_ns.pop("ref", None)
        shell.run_line_magic("remote", "stop")


def test_debugging_a_failed_task(ip: InteractiveShell) -> None:
    ip.run_cell("import gnomon\n@gnomon.remote\ndef f(x):\n    y = 2 * x\n    return 1 / y").raise_error()
    ip.run_cell("ref = f.remote(0)").raise_error()
    result = ip.run_cell("%remote debug ref")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    frames = [frame for frame, _line in traceback.walk_tb(result.error_in_exec.__traceback__)]
    assert frames[-1].f_locals == {"x": 0, "y": 0}
    ip.user_ns.pop("ref")


# ------------------------------------------------------------------------------------ cancel and kill


def test_cancelling_what_has_ended(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    ip.user_ns["refs"] = [gnomon.put(1), gnomon.put(2)]
    capsys.readouterr()
    ip.run_line_magic("remote", "cancel refs refs[0]")
    assert capsys.readouterr().out == "cancelled 0 tasks; 3 tasks had ended already\n"
    ip.user_ns.pop("refs")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cancel number", "number is a int, not a reference"),
        ("cancel nowhere", "'nowhere' raised NameError"),
        ("cancel number --cell 1", "give references or --cell, not both"),
        ("cancel --force", "name the references that it is meant for"),
        ("cancel --cell 77", r"In \[77\] has not run"),
        ("kill nobody", "no variable 'nobody' holds a handle, and no living actor has that name"),
        ("kill number", "no variable 'number' holds a handle"),
    ],
)
def test_what_can_not_be_ended(ip: InteractiveShell, line: str, said: str) -> None:
    ip.user_ns["number"] = 1
    with pytest.raises(UsageError, match=said):
        ip.run_line_magic("remote", line)


def test_killing_by_variable_and_by_name(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    ip.run_cell(
        "import gnomon\n@gnomon.remote\nclass A:\n    def f(self): return 1\n"
        "a = A.remote()\nkept = A.options(name='keeper').remote()\ngnomon.get(kept.f.remote())"
    ).raise_error()
    with pytest.raises(UsageError, match="Did you mean 'keeper'"):
        ip.run_line_magic("remote", "kill keepr")
    capsys.readouterr()
    for name in ("a", "keeper"):
        ip.run_line_magic("remote", f"kill {name}")
        assert capsys.readouterr().out.startswith("killed ")
    assert [row["state"] for row in gnomon.observe.actors()] == ["dead", "dead"]


def test_names_of_the_notebook_are_offered(ip: InteractiveShell) -> None:
    ip.run_cell(
        "import gnomon\n@gnomon.remote\nclass A:\n    def f(self): return 1\n"
        "an_actor = A.options(name='keeper').remote(); number = 1\n"
        "first = an_actor.f.remote(); rest = [first]",
        store_history=True,
    ).raise_error()

    def offered(line: str) -> set[str]:
        with provisionalcompleter():
            return {found.text for found in ip.Completer.completions(line, len(line))}

    assert offered("%remote cancel ") == {"first", "rest", "--cell", "--force", "--help"}
    assert offered("%remote kill a") == {"an_actor"}
    assert offered("%remote kill k") == {"keeper"}
    assert "1" in offered("%remote tasks --cell ")
    assert {"all", "Out", "tracebacks"} <= offered("%remote unpin ")
    assert offered("%remote help sta") == {"start", "status"}
    for name in ("first", "rest", "an_actor"):
        ip.user_ns.pop(name)


# ------------------------------------------------------------------------------------ %%remote that defines


def test_definitions_become_remote(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    text = '''"""Tools."""
import math
FACTOR, NAMES = 2, ("a", "b")
def area(r): return FACTOR * math.pi * r
class Counter:
    def __init__(self): self.n = 0
    def up(self):
        self.n += 1
        return self.n
class Refused(Exception): pass
'''
    cell(ip, text)
    assert capsys.readouterr().out == "defined remote function area; actor class Counter\n"
    space = ip.user_ns
    assert gnomon.get(space["area"].remote(1)) == pytest.approx(6.283, abs=0.001)
    counter = space["Counter"].remote()
    assert gnomon.get([counter.up.remote(), counter.up.remote()]) == [1, 2]
    assert issubclass(space["Refused"], Exception)
    assert (space["FACTOR"], space["NAMES"]) == (2, ("a", "b"))


def test_options_of_a_defining_cell(ip: InteractiveShell) -> None:
    cell(ip, "def f(): return 1", "--cpus 0.5")
    assert gnomon.get(ip.user_ns["f"].remote()) == 1
    with pytest.raises(ValueError, match=r"num_cpus|cpus"):
        cell(ip, "def f(): return 1", "--cpus -1")


def test_what_the_cell_made_remote_itself_stays(ip: InteractiveShell) -> None:
    cell(ip, "import gnomon\n@gnomon.remote(num_cpus=1)\ndef f(): return 'own'\ndef g(): return 'ours'")
    assert gnomon.get([ip.user_ns["f"].remote(), ip.user_ns["g"].remote()]) == ["own", "ours"]


def test_only_imports_and_constants(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    cell(ip, "import math\nLIMIT = -2 * 3")
    assert capsys.readouterr().out == "defined in the notebook; nothing to make remote\n"
    assert ip.user_ns["LIMIT"] == -6


@pytest.mark.parametrize("text", ["f()", "def f(): pass\nf()", "x = g()", "if 1: pass", "x[0] = 1", "42"])
def test_anything_else_is_no_definition(text: str) -> None:
    import ast

    from gnomon_kernel.cell import only_definitions

    assert not only_definitions(ast.parse(text).body)


# ------------------------------------------------------------------------------------ %%remote that runs


def test_a_cell_runs_as_a_task_and_shows_its_last_expression(ip: InteractiveShell) -> None:
    ip.user_ns.update(a=20, b=[1, 2])
    assert cell(ip, "total = a + sum(b)\ntotal * 2") == 46
    assert "total" not in ip.user_ns, "a task has its own namespace"
    assert cell(ip, "a + 1;") is None
    assert cell(ip, "c = a") is None


def test_outputs_come_back(ip: InteractiveShell) -> None:
    ip.user_ns["n"] = 3
    assert cell(ip, "squares = [i * i for i in range(n)]\nlast = squares[-1]\nlast", "-o squares,last") == 4
    assert (ip.user_ns["squares"], ip.user_ns["last"]) == ([0, 1, 4], 4)


def test_a_function_can_come_back(ip: InteractiveShell) -> None:
    cell(ip, "k = 2\ndef double(x): return k * x", "-o double")
    assert ip.user_ns["double"](4) == 8


def test_outputs_that_the_cell_never_assigns_are_refused_before_it_runs(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    with pytest.raises(UsageError, match="does not assign y, z. It assigns x"):
        cell(ip, "x = 1\nprint('ran')", "-o x,y,z")
    assert "ran" not in capsys.readouterr().out


def test_outputs_that_were_not_assigned_after_all(ip: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="ended without assigning y"):
        cell(ip, "x = 1\nif not x: y = 2", "-o x,y")
    assert ip.user_ns["x"] == 1


def test_captured_values_are_copies(ip: InteractiveShell) -> None:
    ip.user_ns["data"] = [1]
    assert cell(ip, "data.append(2)\ndata") == [1, 2]
    assert ip.user_ns["data"] == [1]


def test_functions_and_modules_of_the_notebook_go_along(ip: InteractiveShell) -> None:
    ip.run_cell("import math\nscale = 10\ndef helper(x): return scale * math.floor(x)").raise_error()
    assert cell(ip, "[helper(v) for v in (1.5, 2.5)]") == [10, 20]


def test_captures_are_listed_with_sizes(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    import math

    capsys.readouterr()
    ip.user_ns.update(big=bytes(3_000_000), math=math, unused=1)
    assert cell(ip, "len(big) + math.floor(0.5)", "--captures") == 3_000_000
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=2) for line in lines[:3]] == [
        ["captured", "type", "size"],
        ["big", "bytes", "3.0 MB"],
        ["math", "module", "by name"],
    ]
    cell(ip, "1 + 1", "--captures")
    assert "captures nothing" in capsys.readouterr().out


def test_references_and_awaiting_in_a_task(ip: InteractiveShell) -> None:
    ip.user_ns["ref"] = gnomon.put(41)
    assert cell(ip, "import gnomon\ngnomon.get(ref) + 1") == 42
    assert cell(ip, "import asyncio\nawait asyncio.sleep(0, 'slept')") == "slept"
    ip.user_ns.pop("ref")


def test_an_error_shows_the_cells_own_lines(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    ip.run_cell("def divide(a, b):\n    return a / b").raise_error()
    result = ip.run_cell("%%remote\nx = 1\ndef go():\n    return divide(x, 0)\n\ngo()\n")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    shown = capsys.readouterr().out
    assert "In the cell, line 6\n" in shown
    assert "---->   6 go()" in shown
    assert "In the cell, line 4, in go" in shown
    assert "---->   4     return divide(x, 0)" in shown
    assert "---->   2     return a / b" in shown, "the notebook's function shows its own line too"
    assert shown.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "gnomon_kernel" not in shown
    assert len(shown.splitlines()) <= 30


def test_an_error_of_a_task_that_the_cell_waits_for_names_both(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ip.run_cell("import gnomon\n@gnomon.remote\ndef inner(x):\n    return 1 / x").raise_error()
    result = ip.run_cell("%%remote\nimport gnomon\ngnomon.get(inner.remote(0))")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    shown = capsys.readouterr().out
    assert "---->   3 gnomon.get(inner.remote(0))" in shown
    assert "ZeroDivisionError: division by zero" in shown
    assert "It was raised in the task inner:" in shown


def test_what_can_not_be_captured_is_one_line_that_names_it(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ip.run_cell("import threading\nlock = threading.Lock()").raise_error()
    capsys.readouterr()
    result = ip.run_cell("%%remote\nlock.acquire()")
    assert isinstance(result.error_in_exec, TypeError)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("SerializationError:")
    assert "the captured name lock: cannot pickle '_thread.lock' object" in line


def test_a_name_that_nobody_has(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    result = ip.run_cell("%%remote\nnowhere + 1")
    assert isinstance(result.error_in_exec, NameError)
    assert "name 'nowhere' is not defined" in capsys.readouterr().out


def test_a_name_for_the_task(ip: InteractiveShell) -> None:
    assert cell(ip, "1 + 1", "--name sum") == 2
    assert list(ip.run_line_magic("remote", "tasks")["name"]) == ["sum"]


def test_a_cell_in_the_background(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    result = cell(ip, "x = 20\ny = [x]\nx + 1", "--no-wait -o x,y")
    assert capsys.readouterr().out.startswith("runs in the background as %%remote; x, y are references\n")
    assert gnomon.get([result.value(), ip.user_ns["x"], ip.user_ns["y"]]) == [21, 20, [20]]
    assert gnomon.get(cell(ip, "import time\n'done'", "--no-wait").value()) == "done"
    cell(ip, "if 0: z = 1", "--no-wait -o z")
    with pytest.raises(NameError, match="without assigning z"):
        gnomon.get(ip.user_ns["z"])


def test_a_named_actor_is_replaced(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    text = "class Counter:\n    def up(self): return {}"
    for number in (1, 2):
        cell(ip, text.format(number), "--name counter --replace --cpus 0.5")
        actor = ip.user_ns["Counter"].remote()
        assert gnomon.get(gnomon.get_actor("counter").up.remote()) == number
    assert capsys.readouterr().out.count("killed the actor that was called counter") == 1
    gnomon.kill(actor)


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        ("--name f", "def f(): pass\ndef g(): pass", "names one function or class, this cell defines f, g"),
        ("--replace", "def f(): pass", "ends the actor that has the name now. Add --name NAME"),
        ("--no-wait", "def f(): pass", "only defines, there is nothing to wait for"),
        ("--no-wiat", "1", "Did you mean '--no-wait'"),
    ],
)
def test_options_that_do_not_fit(ip: InteractiveShell, line: str, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cell(ip, text, line)


def test_a_last_expression_that_can_not_be_sent_is_shown_as_text(ip: InteractiveShell) -> None:
    shown = cell(ip, "import threading\nlock = threading.Lock()\nlock")
    assert repr(shown).startswith("<unlocked _thread.lock object")


@pytest.mark.parametrize("text", ["!ls", "%time 1", "x = !ls", "%%time\n1"])
def test_magics_in_the_cell_are_refused(ip: InteractiveShell, text: str) -> None:
    with pytest.raises(UsageError, match="magics and shell commands"):
        cell(ip, text)


def test_an_empty_cell(ip: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="the cell is empty"):
        cell(ip, "# nothing\n")


def test_a_syntax_error_is_told_with_its_line(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    result = ip.run_cell("%%remote\nx = 1\ny = = 2")
    assert isinstance(result.error_in_exec, SyntaxError)
    assert result.error_in_exec.lineno == 3


def test_bad_options_of_the_cell(ip: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="unrecognized arguments: --nonsense"):
        cell(ip, "1", "--nonsense")


def test_await_on_a_reference_in_a_cell(ip: InteractiveShell) -> None:
    ip.run_cell("import gnomon\n@gnomon.remote\ndef f(): return 5").raise_error()
    result = ip.run_cell("await f.remote()")
    result.raise_error()
    assert result.result == 5
