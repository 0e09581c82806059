"""Reading ``%remote`` lines: words, options, errors, completion, help."""

import argparse
from pathlib import Path

import pytest
from IPython.core.error import UsageError

from gnomon.resources import size_words
from gnomon_kernel import magics
from gnomon_kernel.commands import COMMANDS, cell_parser, parser_of
from gnomon_kernel.completion import complete
from gnomon_kernel.magics import help_text, parse_line, split


def options(line: str, **space: object) -> argparse.Namespace:
    return parse_line(line, space)[1]


def test_start_reads_its_options() -> None:
    found = options("start --cpus 2 --gpus 1 --resources '{\"disk\": 2}' --memory 1.5GB --engine inline")
    assert (found.cpus, found.gpus, found.resources) == (2, 1, {"disk": 2})
    assert found.memory == 1_500_000_000
    assert found.engine == "inline"


@pytest.mark.parametrize(
    ("written", "size_bytes"),
    [("100", 100), ("2kB", 2_000), ("2K", 2_000), ("1.5MB", 1_500_000), ("2GiB", 2 * 2**30), ("1tb", 10**12)],
)
def test_sizes(written: str, size_bytes: int) -> None:
    assert options(f"start --memory {written}").memory == size_bytes


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (999_499, "999 kB"),
        (999_600, "1.0 MB"),
        (123_456_789, "123 MB"),
        (2e12, "2 TB"),
    ],
)
def test_sizes_as_they_are_told(size_bytes: float, said: str) -> None:
    assert size_words(size_bytes) == said


@pytest.mark.parametrize(
    "written",
    [
        """'{"a": 1, "b": 0.5}'""",
        """{"a": 1, "b": 0.5}""",
        """{"a":1,"b":0.5}""",
        """='{"a": 1, "b": 0.5}'""",
    ],
)
def test_json_may_stand_as_it_is(written: str) -> None:
    blank = "" if written.startswith("=") else " "
    assert options(f"start --resources{blank}{written} --cpus 1").resources == {"a": 1, "b": 0.5}


def test_a_dollar_takes_a_value_of_the_notebook() -> None:
    assert options("start --cpus $n", n=3).cpus == 3


def test_no_word_means_status() -> None:
    assert parse_line("")[0] is COMMANDS["status"]


@pytest.mark.parametrize("line", ["frobnicate", "Start", "--cpus 2"])
def test_an_unknown_word_lists_the_commands(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_line(line)
    assert all(command in str(caught.value) for command in COMMANDS)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("start --cpus two", "argument --cpus/--num-cpus: invalid int value: 'two'"),
        ("start --resources [1]", "expected JSON like"),
        ("start --engine loca", "Did you mean 'local'?"),
        ("start --nodes 0", "expected a whole number from 1 on, got 0"),
        ("start --cpu 2", "Did you mean '--cpus'?"),
        ("tasks --state faild", "Did you mean 'failed'?"),
        ("tasks --cell x", "expected the number of a cell like 3 for In [3], got x"),
        ("kill", "the following arguments are required: NAME"),
        ("statsu", "no command 'statsu'. Did you mean 'status'? Commands: start, stop"),
        ("start --memory much", "expected a size like 512MB or 2GiB"),
        ("start --nonsense", "unrecognized arguments: --nonsense"),
        ("start --cp 2", "unrecognized arguments: --cp 2"),
        ("stop now", "unrecognized arguments: now"),
        ("start --resources '{", "a quote or brace is not closed"),
    ],
)
def test_bad_options_are_clear_errors(line: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_line(line)
    assert said in str(caught.value)


def test_usage_comes_with_the_error() -> None:
    with pytest.raises(UsageError, match=r"Usage: %remote start \[--cpus N\]"):
        parse_line("start --cpus")


def test_cell_options() -> None:
    found = cell_parser().parse_args(split("-o a,b --captures --cpus 0.5"))
    assert (found.output, found.captures, found.cpus) == (("a", "b"), True, 0.5)
    with pytest.raises(UsageError, match="expected names like a,b"):
        cell_parser().parse_args(split("-o a.b"))


@pytest.mark.parametrize(
    ("line", "symbol", "found"),
    [
        ("%remote ", "", list(COMMANDS)),
        ("%remote sta", "sta", ["start", "status"]),
        ("%remote start --c", "--c", ["--cpus"]),
        ("%remote start --cpus 2 --n", "--n", ["--namespace", "--nodes"]),
        ("%remote start --num", "--num", ["--num-cpus", "--num-gpus"]),
        ("%remote start --engine ", "", ["local", "inline"]),
        ("%remote tasks --state r", "r", ["ready", "running"]),
        ("%%remote --cap", "--cap", ["--captures"]),
        ("%remote stop ", "", ["--help"]),
        ("%remote nothing ", "", []),
    ],
)
def test_completion(line: str, symbol: str, found: list[str]) -> None:
    assert complete(line, symbol) == found


def test_help_tells_every_command_and_option() -> None:
    text = help_text()
    assert magics.RemoteMagics.remote.__doc__ == text
    assert all(f"%remote {command}" in text for command in COMMANDS)
    assert all(option in text for option in ("--cpus", "--resources", "--captures", "-o", "--failed"))


def test_the_documentation_names_every_command_and_option() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "magics.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`{name}" not in text] == []
    options = {option for name in COMMANDS for option in parser_of(name).options()} | {
        *cell_parser().options()
    }
    assert [option for option in options - {"--wait"} if option not in text] == []
