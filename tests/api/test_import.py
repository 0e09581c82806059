"""``import gnomon`` pulls in nothing heavy, and typed programs get typed results."""

import subprocess
import sys
from pathlib import Path

RUNTIME = Path(__file__).resolve().parents[2] / "runtime"


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(RUNTIME)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_import_is_light():
    heavy = "{'numpy', 'pandas', 'IPython', 'zmq', 'cloudpickle', 'ray'}"
    assert run(f"import sys, gnomon; print({heavy} & set(sys.modules))") == "set()"


def test_lazy_names():
    assert run("import gnomon; print(gnomon.util.__name__, gnomon.cloudpickle.__name__)") == (
        "gnomon.util cloudpickle"
    )
    assert run("import gnomon\ntry: gnomon.nothing\nexcept AttributeError as e: print(e)") == (
        "module 'gnomon' has no attribute 'nothing'"
    )


def test_a_session_ends_with_the_interpreter():
    code = "import gnomon; gnomon.init(engine='inline'); r = gnomon.put(1); print(gnomon.get(r))"
    assert run(code) == "1"


TYPED = """
import gnomon

@gnomon.remote
def square(x: int) -> int:
    return x * x

@gnomon.remote(num_cpus=2)
def text(x: int) -> str:
    return str(x)

@gnomon.remote(num_returns=2)
def pair() -> tuple[int, int]:
    return 1, 2

class Counter:
    def add(self) -> int:
        return 1

RemoteCounter = gnomon.remote(Counter)  # mypy does not follow decorators of classes

reveal_type(square.remote(1))
reveal_type(square.remote(square.remote(1)))
reveal_type(text.remote(1))
reveal_type(gnomon.get(square.remote(1)))
reveal_type(gnomon.get([text.remote(1)]))
reveal_type(gnomon.put("x"))
reveal_type(gnomon.wait([square.remote(1)]))
reveal_type(RemoteCounter.remote())
first, second = pair.remote()

async def main() -> None:
    reveal_type(await square.remote(1))
"""


def test_types(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(TYPED)
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(program)],
        env={"MYPYPATH": str(RUNTIME), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    revealed = [line.split('"')[1] for line in result.stdout.splitlines() if "Revealed type" in line]
    ref = "gnomon._wire.object_ref.ObjectRef"
    plain = [each.replace("builtins.", "").replace("program.", "") for each in revealed]
    assert result.returncode == 0, result.stdout
    assert plain == [
        f"{ref}[int]",
        f"{ref}[int]",
        f"{ref}[str]",
        "int",
        "list[str]",
        f"{ref}[str]",
        f"tuple[list[{ref}[int]], list[{ref}[int]]]",
        "gnomon._api.actor.ActorHandle[Counter]",
        "int",
    ]
