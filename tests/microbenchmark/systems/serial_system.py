"""A system under test in one process and one thread: every call runs at once. It counts what is asked of it.

With a file named by SERIAL_LOG, every ``get`` of the outermost level leaves a line with the process id there.
"""

import asyncio
import inspect
import os
from collections import Counter

__version__ = "1.0"

counts = Counter()
depth = 0


class Ref:
    def __init__(self, value):
        self.value = value


def init():
    counts["init"] += 1


def shutdown():
    counts["shutdown"] += 1


def cluster_resources():
    return {"CPU": 1.0, "object_store_memory": 3e9}


def put(value):
    counts["put"] += 1
    return Ref(value)


def get(refs):
    counts["get"] += 1
    if depth == 0 and "SERIAL_LOG" in os.environ:
        with open(os.environ["SERIAL_LOG"], "a") as log:
            log.write(f"{os.getpid()}\n")
    return [ref.value for ref in refs] if isinstance(refs, list) else refs.value


def wait(refs, fetch_local=True):
    counts["wait"] += 1
    return refs[:1], refs[1:]


def run(what, function, args):
    global depth
    counts[what] += 1
    depth += 1
    try:
        result = function(*args)
        return Ref(asyncio.run(result) if inspect.iscoroutine(result) else result)
    finally:
        depth -= 1


class Task:
    def __init__(self, function):
        self.function = function

    def remote(self, *args):
        return run("task", self.function, args)


class Method:
    def __init__(self, bound):
        self.bound = bound

    def remote(self, *args):
        return run("call", self.bound, args)


class Handle:
    def __init__(self, actor):
        self.actor = actor

    def __getattr__(self, name):
        return Method(getattr(self.actor, name))


class Class:
    def __init__(self, cls):
        self.cls = cls

    def options(self, max_concurrency):
        counts["max_concurrency"] = max_concurrency
        return self

    def remote(self, *args):
        counts["actor"] += 1
        return Handle(self.cls(*args))


def remote(what=None, num_cpus=1):
    if what is None:
        return remote
    return Class(what) if inspect.isclass(what) else Task(what)
