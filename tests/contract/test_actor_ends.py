"""How actors end on purpose, the methods that every actor has, and limits of pending calls."""

import asyncio
import sys
import threading

import pytest

import gnomon
import gnomon.actor
from gnomon.exceptions import ActorDiedError, PendingCallsLimitExceeded


@gnomon.remote
class Leaver:
    def __init__(self, leave=False):
        self.value = 0
        if leave:
            gnomon.actor.exit_actor()

    def add(self, amount=1):
        self.value += amount
        return self.value

    def leave(self):
        gnomon.actor.exit_actor()

    def leave_deep_inside(self):
        try:
            self.leave()
        except Exception:
            return "caught"
        finally:
            self.value = -1

    def sys_exit(self, code):
        sys.exit(code)

    def restarted(self):
        return gnomon.get_runtime_context().was_current_actor_reconstructed

    @property
    def doubled(self):
        return 2 * self.value


@gnomon.remote
class AsyncLeaver:
    def __init__(self):
        self.waiting = 0

    async def add(self, amount=1):
        return amount

    async def leave(self):
        await asyncio.sleep(0)
        gnomon.actor.exit_actor()

    async def leave_in_a_task(self):
        async def inner():
            gnomon.actor.exit_actor()

        await asyncio.create_task(inner())

    async def wait(self):
        self.waiting += 1
        await asyncio.sleep(600)

    async def count(self):
        return self.waiting


@gnomon.remote(max_concurrency=3)
class ThreadedLeaver:
    def __init__(self):
        self.never = threading.Event()

    def add(self, amount=1):
        return amount

    def leave(self):
        gnomon.actor.exit_actor()

    def wait(self):
        self.never.wait(600)


def died(ref, match="exit_actor"):
    with pytest.raises(ActorDiedError, match=match) as caught:
        gnomon.get(ref, timeout=30)
    return caught.value


@pytest.mark.parametrize("cls", [Leaver, AsyncLeaver, ThreadedLeaver])
def test_exit_actor(cls):
    actor = cls.options(max_restarts=5, max_task_retries=3).remote()
    before = [actor.add.remote(2) for _ in range(10)]
    assert gnomon.get(before, timeout=30)
    leaving, after = actor.leave.remote(), actor.add.remote()
    error = died(leaving)
    assert error.actor_id == actor._actor_id.hex()
    if cls is Leaver:  # of the others calls run at the same time
        died(after)
    died(actor.add.remote())


def test_the_error_names_the_class():
    assert died(Leaver.remote().leave.remote()).class_name == "Leaver"


def test_calls_before_the_exit_keep_their_results():
    actor = Leaver.remote()
    before = [actor.add.remote() for _ in range(100)]
    leaving = actor.leave.remote()
    assert gnomon.get(before, timeout=30) == list(range(1, 101))
    died(leaving)


def test_exit_actor_is_no_exception_that_people_catch():
    actor = Leaver.remote()
    died(actor.leave_deep_inside.remote())


def test_exit_actor_in_a_task_of_the_event_loop():
    actor = AsyncLeaver.remote()
    died(actor.leave_in_a_task.remote())


def test_calls_that_run_when_an_async_actor_leaves_die_with_it(until):
    actor = AsyncLeaver.remote()
    waiting = actor.wait.remote()
    until(lambda: gnomon.get(actor.count.remote()) == 1)
    actor.leave.remote()
    died(waiting)


def test_exit_actor_in_the_constructor():
    actor = Leaver.options(max_restarts=3).remote(leave=True)
    died(actor.add.remote())


def test_sys_exit_without_an_error_is_an_exit():
    actor = Leaver.options(max_restarts=3).remote()
    died(actor.sys_exit.remote(0), r"sys\.exit")
    died(actor.add.remote(), r"sys\.exit")


def test_exit_actor_outside_of_an_actor():
    with pytest.raises(TypeError, match=r"runs in none. .* gnomon.kill\(handle\)"):
        gnomon.actor.exit_actor()

    @gnomon.remote
    def task():
        gnomon.actor.exit_actor()

    with pytest.raises(TypeError, match="runs in none"):
        gnomon.get(task.remote(), timeout=30)


def test_terminate_ends_it_after_the_calls_before():
    actor = Leaver.options(max_restarts=5).remote()
    before = [actor.add.remote() for _ in range(50)]
    ending, after = actor.__ray_terminate__.remote(), actor.add.remote()
    assert gnomon.get(before, timeout=30) == list(range(1, 51))
    died(ending, "__ray_terminate__")
    died(after, "__ray_terminate__")


@pytest.mark.parametrize(
    ("cls", "name"),
    [(Leaver, "Leaver"), (AsyncLeaver, "AsyncLeaver"), (ThreadedLeaver, "ThreadedLeaver")],
)
def test_ready_and_call(cls, name):
    actor = cls.remote()
    assert gnomon.get(actor.__ray_ready__.remote(), timeout=30) is True
    called = actor.__ray_call__.remote(lambda self, x, y=1: (type(self).__name__, x, y), 5, y=6)
    assert gnomon.get(called, timeout=30) == (name, 5, 6)
    two = actor.__ray_call__.options(num_returns=2).remote(lambda self: (1, 2))
    assert gnomon.get(two, timeout=30) == [1, 2]


def test_a_property_is_named_as_what_it_is():
    actor = Leaver.remote()
    with pytest.raises(
        AttributeError, match=r"'doubled' is a property .*remote\(lambda actor: actor.doubled"
    ):
        actor.doubled  # noqa: B018
    gnomon.get(actor.add.remote(4))
    assert gnomon.get(actor.__ray_call__.remote(lambda actor: actor.doubled)) == 8


def test_a_dead_actor_stays_dead():
    actor = Leaver.remote()
    gnomon.get(actor.add.remote())
    for no_restart in (True, True, False):
        gnomon.kill(actor, no_restart=no_restart)
        died(actor.add.remote(), "gnomon.kill")


def test_kill_without_a_restart_left():
    actor = Leaver.remote()
    gnomon.get(actor.add.remote())
    gnomon.kill(actor, no_restart=False)
    died(actor.add.options(max_task_retries=-1).remote(), "gnomon.kill")


def test_was_current_actor_reconstructed():
    actor = Leaver.options(max_restarts=1).remote()
    assert gnomon.get(actor.restarted.remote()) is False
    gnomon.kill(actor, no_restart=False)
    assert gnomon.get(actor.restarted.options(max_task_retries=-1).remote(), timeout=30) is True
    gnomon.kill(actor)


def test_retries_of_listed_exceptions_alone():
    @gnomon.remote(max_restarts=1, max_task_retries=2)
    class Shaky:
        def __init__(self):
            self.calls = 0

        @gnomon.method(retry_exceptions=[KeyError])
        def fail(self, error):
            self.calls += 1
            raise error

        def count(self):
            return self.calls

    shaky = Shaky.remote()
    with pytest.raises(ValueError, match="not listed"):
        gnomon.get(shaky.fail.remote(ValueError("not listed")), timeout=30)
    assert gnomon.get(shaky.count.remote()) == 1
    with pytest.raises(KeyError):
        gnomon.get(shaky.fail.remote(KeyError("listed")), timeout=30)
    assert gnomon.get(shaky.count.remote()) == 4
    once = shaky.fail.options(retry_exceptions=[OSError])
    with pytest.raises(KeyError):
        gnomon.get(once.remote(KeyError("no longer listed")), timeout=30)
    assert gnomon.get(shaky.count.remote()) == 5


# -- pending calls --------------------------------------------------------------------------------------------


@gnomon.remote(max_pending_calls=2)
class Limited:
    def __init__(self):
        self.go = asyncio.Event()

    async def wait(self):
        await self.go.wait()

    async def open(self):
        self.go.set()


def test_max_pending_calls():
    actor = Limited.remote()
    first = actor.wait.remote()
    second = actor.wait.remote()
    with pytest.raises(PendingCallsLimitExceeded, match=r"Limited.wait was .*max_pending_calls=2"):
        actor.wait.remote()

    @gnomon.remote
    def open_it(handle):
        return gnomon.get(handle.open.remote())

    gnomon.get(open_it.remote(actor), timeout=30)  # each process has a limit of its own
    gnomon.get([first, second], timeout=30)
    for _ in range(10):
        gnomon.get([actor.wait.remote(), actor.wait.remote()], timeout=30)


def test_the_error_tells_the_limit():
    actor = Limited.remote()
    refs = [actor.wait.remote() for _ in range(2)]
    with pytest.raises(PendingCallsLimitExceeded) as caught:
        actor.wait.remote()
    assert (caught.value.method, caught.value.limit) == ("Limited.wait", 2)
    gnomon.kill(actor)
    for ref in refs:
        died(ref, "gnomon.kill")


def test_cancelled_and_failed_calls_no_longer_count():
    actor = Limited.remote()
    refs = [actor.wait.remote() for _ in range(2)]
    for ref in refs:
        gnomon.cancel(ref)
    for ref in refs:
        with pytest.raises(gnomon.exceptions.TaskCancelledError):
            gnomon.get(ref, timeout=30)
    refs = [actor.wait.remote() for _ in range(2)]
    gnomon.kill(actor)
    for ref in refs:
        died(ref, "gnomon.kill")
    died(actor.wait.remote(), "gnomon.kill")


@pytest.mark.parametrize("limit", [None, -1, 0])
def test_without_a_limit(limit):
    actor = Leaver.options(max_pending_calls=limit).remote()
    assert gnomon.get([actor.add.remote() for _ in range(20)], timeout=30) == list(range(1, 21))


def test_wrong_limits():
    with pytest.raises(
        ValueError, match=r"max_pending_calls .* must be >= -1 \(-1 and 0 are without a limit\)"
    ):
        Limited.options(max_pending_calls=-2)


# -- cancelling calls -----------------------------------------------------------------------------------------


def test_force_is_not_for_calls(until):
    actor = Limited.remote()
    ref = actor.wait.remote()
    with pytest.raises(ValueError, match=r"would end the process of the actor.* gnomon.kill\(handle\)"):
        gnomon.cancel(ref, force=True)
    gnomon.get(actor.open.remote(), timeout=30)
    assert gnomon.get(ref, timeout=30) is None
    gnomon.cancel(ref, force=True)  # it has ended: nothing happens


def test_is_canceled():
    @gnomon.remote
    class Looks:
        async def look(self):
            before = gnomon.get_runtime_context().is_canceled()
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                self.seen = before, gnomon.get_runtime_context().is_canceled()
                raise

        async def swallow(self):
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                return "nobody wants it"

        async def read(self):
            return getattr(self, "seen", None)

    looks = Looks.remote()
    for method in (looks.look, looks.swallow):
        ref = method.remote()
        gnomon.get(looks.read.remote())
        gnomon.cancel(ref)
        with pytest.raises(gnomon.exceptions.TaskCancelledError):
            gnomon.get(ref, timeout=30)
    assert gnomon.get(looks.read.remote()) == (False, True)
    with pytest.raises(RuntimeError, match="no task runs here"):
        gnomon.get_runtime_context().is_canceled()


def test_an_async_actor_can_not_promise_an_order():
    with pytest.raises(ValueError, match="has async methods, whose calls run at the same time"):
        Limited.options(allow_out_of_order_execution=False)
    assert gnomon.get(Leaver.options(allow_out_of_order_execution=True).remote().add.remote()) == 1
