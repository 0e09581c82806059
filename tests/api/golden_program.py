"""What the golden texts are about: a small program, as a student has it in his notebook."""

import os
import threading

import gnomon


@gnomon.remote
def f(x, y=1):
    return x


@gnomon.remote(num_returns=2)
def two():
    return 1, 2


@gnomon.remote
def fail(x):
    return 1 / x


@gnomon.remote(max_retries=0)
def crash():
    os._exit(7)


@gnomon.remote
def give(what):
    if what == "lock":
        return {"model": [threading.Lock()]}
    if what == "many":
        return 1, 2, 3
    if what == "function":
        return lambda: threading.Lock()
    return what


@gnomon.remote
def hang():
    threading.Event().wait()


@gnomon.remote
def count(to):
    for x in range(to):
        if x == 3:
            raise ValueError("three is too many")
        yield x


def plain(x):
    return x


@gnomon.remote
class Counter:
    limit = 10

    def __init__(self, start=0):
        self.value = start

    def add(self, amount=1):
        self.value += amount
        return self.value

    def crash(self):
        os._exit(7)


PlainCounter = Counter.__wrapped__


@gnomon.remote
class Broken:
    def __init__(self):
        raise RuntimeError("no such file")

    def use(self):
        return 1


lock = threading.Lock()


@gnomon.remote
def guarded():
    return lock
