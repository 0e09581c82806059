"""The tree of exceptions: sentences, pickling, and errors that are also the user's."""

import asyncio
import pickle

import pytest

from gnomon import exceptions
from gnomon.exceptions import ActorDiedError, GnomonError, TaskError

CLASSES = sorted({getattr(exceptions, name) for name in exceptions.__all__}, key=lambda cls: cls.__name__)

# constructor arguments of those that have fields
FIELDS = {
    "TaskError": ("f", "Traceback ...\nKeyError: 1", KeyError(1), 42),
    "TaskCancelledError": ("ab12", "f"),
    "GetTimeoutError": ("", 1.5, 2, 3),
    "WorkerCrashedError": ("f", "signal 9 (SIGKILL)", 4, "last words"),
    "ActorError": ("Counter", "ab12", "why"),
    "ActorDiedError": ("Counter", "ab12", "exit code 1", "last words", "Traceback ..."),
    "ActorUnavailableError": ("Counter", "ab12", "it restarts"),
    "ObjectLostError": ("ab12", "its node died"),
    "ObjectStoreFullError": (2_000_000, 1_000_000, "  900,000 bytes made by put"),
    "SerializationError": ("the value holds a lock", "value -> .lock"),
    "InfeasibleError": ("The task f", {"CPU": 40_000}, {"CPU": 20_000}),
    "UnsupportedOptionError": ("max_calls of f", "not yet"),
    "AlreadyInitializedError": ({"num_cpus": (2, 4)},),
    "SessionMismatchError": ("ObjectRef(ab12)",),
    "ClusterNotFoundError": ("auto", "it has ended"),
    "ActorNameTakenError": ("tally", "red"),
    "ActorHandleNotFoundError": ("tally", "red"),
}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_survives_pickling(cls):
    for arguments in [(), FIELDS.get(cls.__name__, ())]:
        error = cls(*arguments)
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is cls
        assert str(copy) == str(error)
        assert {**vars(copy), "cause": None} == {**vars(error), "cause": None}
        assert repr(copy.args) == repr(error.args)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_sentence_ends_with_the_next_step(cls):
    error = cls()
    assert str(error)
    assert str(error).endswith(error.next_step)
    if error.next_step:
        assert error.next_step.endswith(".")


def test_rays_names_are_there():
    names = [
        "RayError", "RayTaskError", "RayActorError", "RaySystemError", "TaskCancelledError",
        "GetTimeoutError", "WorkerCrashedError", "ActorDiedError", "ActorUnavailableError",
        "ObjectStoreFullError", "ObjectLostError", "OwnerDiedError", "ObjectFreedError",
        "ObjectFetchTimedOutError",
        "ObjectReconstructionFailedError", "ReferenceCountingAssertionError", "OutOfDiskError",
        "OutOfMemoryError", "NodeDiedError", "LocalRayletDiedError", "RuntimeEnvSetupError",
        "PendingCallsLimitExceeded", "TaskPlacementGroupRemoved", "ActorPlacementGroupRemoved",
        "TaskUnschedulableError", "ActorUnschedulableError", "AsyncioActorExit", "UserCodeException",
        "UnserializableException", "ActorAlreadyExistsError", "ActorHandleNotFoundError",
    ]  # fmt: skip
    assert [name for name in names if not hasattr(exceptions, name)] == []
    assert exceptions.RayError is GnomonError


class Slotted(Exception):
    __slots__ = ("detail",)

    def __init__(self, detail):
        super().__init__(detail)
        self.detail = detail


class Picky(Exception):
    def __init__(self, *, code):
        super().__init__(f"code {code}")
        self.code = code
        self.message = "the user's own"


class Fundamental(BaseException):
    pass


class Unwilling(Exception):
    def __init_subclass__(cls, **kwargs):
        raise TypeError("final")


def raised(error):
    try:
        raise error
    except BaseException as caught:
        return TaskError.from_exception("f", caught, 42)


@pytest.mark.parametrize(
    "cause",
    [
        ZeroDivisionError("division by zero"),
        KeyError("k"),
        FileNotFoundError(2, "No such file", "x.txt"),
        UnicodeDecodeError("utf8", b"abc", 1, 2, "bad"),
        Slotted("d"),
        SyntaxError("bad", ("f.py", 1, 2, "x")),
        ExceptionGroup("several", [ValueError(1), KeyError(2)]),
        ActorDiedError("Counter", "ab12", "gone"),
        Fundamental("not an Exception"),
    ],
    ids=lambda cause: type(cause).__name__,
)
def test_the_error_is_also_what_the_user_raised(cause):
    error = raised(cause)
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert isinstance(each, TaskError)
        assert isinstance(each, type(cause))
        assert repr(each.args) == repr(cause.args)
        assert each.function_name == "f"
        assert each.pid == 42
        assert str(each).startswith(f"f raised {type(cause).__name__}")
        assert "raise error" in str(each)


def test_fields_of_the_cause_are_there():
    error = pickle.loads(pickle.dumps(raised(FileNotFoundError(2, "No such file", "x.txt"))))
    assert (error.errno, error.filename) == (2, "x.txt")
    error = raised(Picky(code=7))
    assert (error.code, error.message) == (7, "the user's own")
    assert isinstance(error, Picky)
    assert not hasattr(error, "nothing_of_the_kind")


STEERING = [StopIteration(1), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()]


@pytest.mark.parametrize("cause", [*STEERING, Unwilling("x")], ids=repr)
def test_some_causes_are_only_told(cause):
    error = raised(cause)
    assert type(error) is TaskError
    assert error.cause is cause


def test_errors_of_errors_keep_the_class_of_the_first():
    outer = raised(raised(KeyError("k")))
    assert isinstance(outer, KeyError)
    assert isinstance(pickle.loads(pickle.dumps(outer)), KeyError)


def test_the_class_is_made_once_and_not_kept():
    assert type(raised(KeyError(1))) is type(raised(KeyError(2)))

    class Short(Exception):
        pass

    import gc
    import weakref

    gone = weakref.ref(type(raised(Short())))
    del Short
    gc.collect()
    assert gone() is None


def test_tracebacks_leave_out_gnomons_frames():
    import gnomon

    try:
        gnomon.get("nothing")
    except ValueError as error:
        text = exceptions.remote_traceback(error)
    assert "test_exceptions.py" in text
    assert "objects.py" not in text


def test_from_text():
    error = TaskError.from_text("lib.Broken", "Traceback ...\nlib.Broken: x")
    assert "lib.Broken" in str(error)
    assert "Traceback" in str(pickle.loads(pickle.dumps(error)))


def test_an_actor_whose_creator_let_go_of_it_says_what_keeps_one_alive() -> None:
    error = ActorDiedError(
        "Counter", "ab12", "all handles to it went out of scope: its variable c was overwritten"
    )
    assert "lifetime='detached' does" in str(error)
    assert "get_if_exists do not keep it alive" in str(error)
    assert "lifetime" not in str(ActorDiedError("Counter", "ab12", "it was killed by gnomon.kill"))
