"""What the user's code raises, and what a user gets wrong, on every engine."""

import threading

import pytest

import gnomon
from gnomon.exceptions import InfeasibleError, SerializationError, TaskError


@gnomon.remote
def divide(x, y):
    return x / y


class Refused(Exception):
    def __init__(self, code, reason):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


def test_an_exception_is_catchable_as_its_own_class():
    with pytest.raises(ZeroDivisionError) as caught:
        gnomon.get(divide.remote(1, 0))
    assert isinstance(caught.value, TaskError)
    assert isinstance(caught.value.cause, ZeroDivisionError)
    assert "return x / y" in str(caught.value)


def test_an_error_tells_where_it_was_raised():
    with pytest.raises(ZeroDivisionError) as caught:
        gnomon.get(divide.remote(1, 0))
    error = caught.value
    assert error.function_name == "divide"
    assert "return x / y" in error.traceback_str
    assert str(error).startswith("divide raised ZeroDivisionError: division by zero")


def test_a_users_exception_keeps_its_fields():
    @gnomon.remote
    def refuse():
        raise Refused(7, "no")

    with pytest.raises(Refused) as caught:
        gnomon.get(refuse.remote())
    assert (caught.value.code, caught.value.reason) == (7, "no")
    assert caught.value.cause.args == (7, "no")


def test_an_error_has_the_arguments_of_its_cause():
    with pytest.raises(ZeroDivisionError) as caught:
        gnomon.get(divide.remote(1, 0))
    assert caught.value.args == ("division by zero",)


def test_os_errors_keep_their_number():
    @gnomon.remote
    def read():
        open("/nowhere/at/all")

    with pytest.raises(FileNotFoundError) as caught:
        gnomon.get(read.remote())
    assert caught.value.errno == 2
    assert caught.value.filename == "/nowhere/at/all"


def test_an_error_passes_through_dependents():
    with pytest.raises(ZeroDivisionError) as caught:
        gnomon.get(divide.remote(divide.remote(1, 0), 2))
    assert str(caught.value).count("ZeroDivisionError") <= 2


def test_an_error_passes_through_nested_gets():
    @gnomon.remote
    def outer():
        return gnomon.get(divide.remote(1, 0))

    with pytest.raises(ZeroDivisionError) as caught:
        gnomon.get(outer.remote())
    assert "return x / y" in str(caught.value)
    assert "outer" in str(caught.value)


def test_the_first_error_of_a_list_is_raised():
    refs = [divide.remote(1, 1), divide.remote(1, 0), divide.remote("a", 1)]
    gnomon.wait(refs, num_returns=3)  # else it is the first that comes
    with pytest.raises(ZeroDivisionError):
        gnomon.get(refs)


def test_every_result_of_a_failed_task_fails():
    for ref in divide.options(num_returns=2).remote(1, 0):
        with pytest.raises(ZeroDivisionError):
            gnomon.get(ref)


def test_an_exception_that_can_not_be_pickled_arrives_as_text():
    @gnomon.remote
    def locked():
        error = ValueError("holds a lock")
        error.lock = threading.Lock()
        raise error

    with pytest.raises(TaskError, match="holds a lock"):
        gnomon.get(locked.remote())


def test_exiting_is_an_error_of_the_task():
    @gnomon.remote(max_retries=0)
    def leave():
        raise SystemExit(3)

    with pytest.raises(gnomon.exceptions.GnomonError):
        gnomon.get(leave.remote(), timeout=30)


def test_an_unpicklable_argument_names_its_path():
    with pytest.raises(SerializationError, match=r"argument 1 of divide.*\['lock'\]"):
        divide.remote({"lock": threading.Lock()}, 1)
    assert gnomon.get(divide.remote(4, 2)) == 2


def test_an_unpicklable_result_is_the_tasks_error():
    @gnomon.remote
    def lock():
        return threading.Lock()

    with pytest.raises(SerializationError, match="lock"):
        gnomon.get(lock.remote())


def test_an_unpicklable_closure_fails_at_the_call():
    lock = threading.Lock()

    @gnomon.remote
    def guarded():
        return lock

    with pytest.raises(SerializationError, match="lock"):
        guarded.remote()


def test_an_unpicklable_value_in_put():
    with pytest.raises(SerializationError, match=r"\[1\]"):
        gnomon.put([1, threading.Lock()])


def test_infeasible_resources_say_what_there_is():
    with pytest.raises(InfeasibleError, match=r"asks for 100 CPU, but there is 2 CPU at most") as caught:
        gnomon.get(divide.options(num_cpus=100).remote(1, 1), timeout=30)
    assert caught.value.asked["CPU"] == 1_000_000
    with pytest.raises(InfeasibleError, match="1 widget, but there is 0 widget"):
        gnomon.get(divide.options(num_cpus=0, resources={"widget": 1}).remote(1, 1), timeout=30)

    @gnomon.remote(num_cpus=50)
    class Huge:
        def call(self):
            return 1

    with pytest.raises(InfeasibleError, match="Huge asks for 50 CPU"):
        gnomon.get(Huge.remote().call.remote(), timeout=30)
