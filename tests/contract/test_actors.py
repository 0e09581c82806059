"""Actors on every engine."""

import pytest

import gnomon
from gnomon.exceptions import ActorDiedError, ActorNameTakenError
from gnomon.util import list_named_actors


@gnomon.remote
class Counter:
    def __init__(self, value=0):
        self.value = value

    def add(self, amount=1):
        self.value += amount
        return self.value

    def read(self):
        return self.value

    @gnomon.method(num_returns=2)
    def both(self):
        return self.value, -self.value

    def fail(self):
        raise KeyError("on purpose")

    def me(self):
        return gnomon.get_runtime_context().current_actor

    @staticmethod
    def twice(x):
        return 2 * x

    @classmethod
    def label(cls):
        return cls.__name__


def test_state_stays_between_calls():
    counter = Counter.remote(10)
    assert gnomon.get([counter.add.remote(), counter.add.remote(5), counter.read.remote()]) == [11, 16, 16]


def test_calls_run_in_order():
    @gnomon.remote
    class Log:
        def __init__(self):
            self.seen = []

        def write(self, item):
            self.seen.append(item)

        def read(self):
            return self.seen

    log = Log.remote()
    for i in range(200):
        log.write.remote(i)
    assert gnomon.get(log.read.remote()) == list(range(200))


def test_actors_are_independent():
    counters = [Counter.remote(i) for i in range(3)]
    gnomon.get([each.add.remote() for each in counters for _ in range(3)])
    assert gnomon.get([each.read.remote() for each in counters]) == [3, 4, 5]


def test_in_one_line():
    assert gnomon.get(Counter.remote(1).add.remote()) == 2


def test_several_results_and_method_options():
    counter = Counter.remote(3)
    assert gnomon.get(counter.both.remote()) == [3, -3]
    assert gnomon.get(counter.both.options(num_returns=1).remote()) == (3, -3)
    assert counter.add.options(num_returns=0).remote() is None
    assert gnomon.get(counter.add._remote(args=[2])) == 6


def test_static_and_class_methods():
    counter = Counter.remote()
    assert gnomon.get(counter.twice.remote(4)) == 8
    assert gnomon.get(counter.label.remote()) == "Counter"


def test_an_error_leaves_the_actor_alive():
    counter = Counter.remote(1)
    with pytest.raises(KeyError, match="on purpose"):
        gnomon.get(counter.fail.remote())
    assert gnomon.get(counter.add.remote()) == 2


def test_references_as_arguments():
    counter = Counter.remote(gnomon.put(5))
    assert gnomon.get(counter.add.remote(gnomon.put(6))) == 11


def test_a_failed_argument_fails_only_its_call():
    @gnomon.remote
    def bad():
        raise ValueError("bad argument")

    counter = Counter.remote(1)
    with pytest.raises(ValueError, match="bad argument"):
        gnomon.get(counter.add.remote(bad.remote()))
    assert gnomon.get(counter.read.remote()) == 1


def test_handles_pass_into_tasks_and_actors():
    @gnomon.remote
    def use(handle, times):
        return gnomon.get([handle.add.remote() for _ in range(times)])[-1]

    @gnomon.remote
    class Outer:
        def __init__(self, inner):
            self.inner = inner["handle"]

        def call(self):
            return gnomon.get(self.inner.add.remote(100))

    counter = Counter.remote()
    assert gnomon.get(use.remote(counter, 3)) == 3
    assert gnomon.get(Outer.remote({"handle": counter}).call.remote()) == 103
    assert gnomon.get(use.remote(gnomon.put(counter), 1)) == 104


def test_a_task_creates_an_actor_and_returns_its_handle():
    @gnomon.remote
    def make():
        counter = Counter.remote(7)
        gnomon.get(counter.add.remote())
        return counter

    counter = gnomon.get(make.remote())
    assert gnomon.get(counter.read.remote()) == 8


def test_self_handle():
    counter = Counter.remote(2)
    itself = gnomon.get(counter.me.remote())
    assert itself == counter
    assert gnomon.get(itself.add.remote()) == 3


def test_inheritance_and_super():
    class Loud(Counter):
        def add(self, amount=1):
            return f"{super().add(amount)}!"

    loud = gnomon.remote(Loud).remote(1)
    assert gnomon.get(loud.add.remote()) == "2!"
    assert gnomon.get(loud.read.remote()) == 2


def test_properties_and_fields_need_a_method():
    counter = Counter.remote()
    with pytest.raises(AttributeError, match="Counter has no method 'value'"):
        counter.value  # noqa: B018
    with pytest.raises(AttributeError, match="Did you mean 'read'"):
        counter.reed  # noqa: B018


def test_a_failing_constructor_fails_every_call():
    @gnomon.remote
    class Broken:
        def __init__(self):
            raise ZeroDivisionError("in the constructor")

        def method(self):
            return 1

    broken = Broken.remote()
    for _ in range(2):
        with pytest.raises(ActorDiedError, match="in the constructor") as caught:
            gnomon.get(broken.method.remote(), timeout=30)
        assert "ZeroDivisionError" in str(caught.value)
        assert caught.value.actor_id == broken._actor_id.hex()


def test_kill():
    counter = Counter.remote()
    assert gnomon.get(counter.add.remote()) == 1
    gnomon.kill(counter)
    with pytest.raises(ActorDiedError, match="kill") as caught:
        gnomon.get(counter.add.remote(), timeout=30)
    assert caught.value.actor_id == counter._actor_id.hex()
    gnomon.kill(counter)


def test_kill_with_a_restart():
    counter = Counter.options(max_restarts=1).remote(5)
    assert gnomon.get(counter.add.remote()) == 6
    gnomon.kill(counter, no_restart=False)
    assert gnomon.get(counter.add.options(max_task_retries=-1).remote(), timeout=30) == 6
    gnomon.kill(counter, no_restart=False)
    with pytest.raises(ActorDiedError):
        gnomon.get(counter.add.remote(), timeout=30)


def test_names():
    counter = Counter.options(name="tally").remote(1)
    gnomon.get(counter.read.remote())
    again = gnomon.get_actor("tally")
    assert again == counter
    assert gnomon.get(again.add.remote()) == 2
    assert list_named_actors() == ["tally"]
    with pytest.raises(ActorNameTakenError, match="'tally' is taken"):
        Counter.options(name="tally").remote()
    same = Counter.options(name="tally", get_if_exists=True).remote(100)
    assert gnomon.get(same.read.remote()) == 2


def test_a_name_is_free_again_after_the_actor(until):
    counter = Counter.options(name="short").remote()
    gnomon.get(counter.read.remote())
    gnomon.kill(counter)
    until(lambda: list_named_actors() == [])
    with pytest.raises(ValueError, match="no living actor named 'short'"):
        gnomon.get_actor("short")
    fresh = Counter.options(name="short").remote(3)
    assert gnomon.get(fresh.read.remote()) == 3


def test_namespaces():
    one = Counter.options(name="n", namespace="red").remote(1)
    two = Counter.options(name="n", namespace="blue").remote(2)
    gnomon.get([one.read.remote(), two.read.remote()])
    assert gnomon.get(gnomon.get_actor("n", namespace="blue").read.remote()) == 2
    named = list_named_actors(all_namespaces=True)
    assert sorted(each["namespace"] for each in named if each["name"] == "n") == ["blue", "red"]
    with pytest.raises(ValueError, match="no living actor"):
        gnomon.get_actor("n")


def test_a_detached_actor_needs_no_handle():
    Counter.options(name="stays", lifetime="detached").remote(9)
    counter = gnomon.get_actor("stays")
    assert gnomon.get(counter.read.remote(), timeout=30) == 9
    gnomon.kill(counter)


def test_an_actor_without_handles_ends(until):
    Counter.options(name="gone").remote()
    until(lambda: list_named_actors() == [])


def test_retries_of_exceptions_in_methods():
    @gnomon.remote(max_restarts=1, max_task_retries=3)
    class Shaky:
        def __init__(self):
            self.calls = 0

        @gnomon.method(retry_exceptions=[ConnectionError])
        def call(self):
            self.calls += 1
            if self.calls < 3:
                raise ConnectionError(self.calls)
            return self.calls

    assert gnomon.get(Shaky.remote().call.remote()) == 3


def test_where_a_method_runs():
    @gnomon.remote(num_cpus=1)
    class Where:
        def tell(self):
            context = gnomon.get_runtime_context()
            return context.get_actor_id(), context.get_task_id(), context.get_assigned_resources()

    where = Where.remote()
    actor_id, task_id, resources = gnomon.get(where.tell.remote())
    assert actor_id == where._actor_id.hex()
    assert task_id
    assert resources == {"CPU": 1.0}
    assert gnomon.available_resources()["CPU"] == 1.0
