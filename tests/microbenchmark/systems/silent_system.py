"""A system whose init never ends."""

import threading


def init():
    threading.Event().wait()
