from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from gnomon._messages.session import SessionConfig, WorkerSpec

HOUR = "import time; time.sleep(3600)"


def main(config: SessionConfig, spec: WorkerSpec) -> None:
    BEHAVIOURS[os.environ["BEHAVIOUR"]](config, spec)


def note(name: str, text: str) -> None:
    notes = Path(os.environ["NOTES"])
    fresh = notes / f".{name}"
    fresh.write_text(text)
    fresh.rename(notes / name)


def here(pid: int | None = None) -> None:
    """Say that this process, or ``pid``, lives."""
    pid = pid or os.getpid()
    note(f"alive-{pid}", str(pid))


def sleep(config: SessionConfig, spec: WorkerSpec) -> None:
    here()
    time.sleep(3600)


def spin(config: SessionConfig, spec: WorkerSpec) -> None:
    here()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        pass


def stubborn(config: SessionConfig, spec: WorkerSpec) -> None:
    """Ignore every signal that can be ignored."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    here()
    time.sleep(3600)


def child(config: SessionConfig, spec: WorkerSpec) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOUR])
    here(process.pid)
    sleep(config, spec)


def setsid(config: SessionConfig, spec: WorkerSpec) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOUR], start_new_session=True)
    here(process.pid)
    sleep(config, spec)


def stranger(config: SessionConfig, spec: WorkerSpec) -> None:
    """A child with an empty environment: it carries no mark of the session."""
    process = subprocess.Popen([sys.executable, "-c", HOUR], start_new_session=True, env={})
    here(process.pid)
    sleep(config, spec)


def daemon(config: SessionConfig, spec: WorkerSpec) -> None:
    """Fork twice, the classic way: the daemon's parent is gone when it starts."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            here()
            time.sleep(3600)
        os._exit(0)
    os.wait()
    sleep(config, spec)


def chain(config: SessionConfig, spec: WorkerSpec) -> None:
    """Four generations, of which the second has ended."""
    code = (
        "import os, subprocess, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        f"    p = subprocess.Popen([sys.executable, '-c', {HOUR!r}], env={{}}, start_new_session=True)\n"
        "    notes = os.environ['NOTES']\n"
        "    open(f'{notes}/.c{p.pid}', 'w').write(str(p.pid))\n"
        "    os.rename(f'{notes}/.c{p.pid}', f'{notes}/alive-{p.pid}')\n"
        "    time.sleep(3600)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    sleep(config, spec)


def inspect(config: SessionConfig, spec: WorkerSpec) -> None:
    """Write down what a task would find."""
    print("to standard output")
    print("to standard error", file=sys.stderr)
    facts = {
        "pid": os.getpid(),
        "group": os.getpgid(0),
        "session": os.getsid(0),
        "cwd": os.getcwd(),
        "sys_path": sys.path,
        "stdin": os.readlink("/proc/self/fd/0"),
        "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")),
        "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "child_signal": signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL,
        "wakeup_fd": signal.set_wakeup_fd(-1),
        "arguments": sys.argv,
        "main_names": [name for name in vars(sys.modules["__main__"]) if not name.startswith("__")],
        "mark": os.environ["GNOMON_SESSION"],
        "inherited": subprocess.run(
            [sys.executable, "-c", "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))"],
            capture_output=True, text=True, check=True,
        ).stdout,
    }  # fmt: skip
    note(f"facts-{os.getpid()}", json.dumps(facts))


def fail(config: SessionConfig, spec: WorkerSpec) -> None:
    raise RuntimeError("a worker fails")


BEHAVIOURS = {
    function.__name__: function
    for function in (sleep, spin, stubborn, child, setsid, stranger, daemon, chain, inspect, fail)
}
