"""Graphs of bound calls on every engine."""

import collections
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import gnomon
from gnomon.dag import (
    ClassMethodNode,
    ClassNode,
    DAGInputData,
    FunctionNode,
    InputAttributeNode,
    InputNode,
    MultiOutputNode,
)
from gnomon.exceptions import UnsupportedOptionError

Pair = collections.namedtuple("Pair", "first second")


@gnomon.remote
def add(a, b=1):
    return a + b


@gnomon.remote
def same(x):
    return x


@gnomon.remote(num_returns=2)
def halves(x):
    return x[0], x[1]


@gnomon.remote
def fail():
    raise KeyError("x")


@gnomon.remote
class Counter:
    def __init__(self, value=0):
        self.value = value
        self.log = []

    def add(self, x=1):
        self.value += x
        self.log.append(x)
        return self.value

    def history(self):
        return self.log

    @gnomon.method(num_returns=2)
    def both(self):
        return self.value, -self.value


def result(node, *args, **kwargs):
    return gnomon.get(node.execute(*args, **kwargs))


# ---------------------------------------------------------------------------------- functions


def test_functions():
    node = add.bind(1, b=add.bind(2, 3))
    assert isinstance(node, FunctionNode)
    assert isinstance(node.execute(), gnomon.ObjectRef)
    assert [result(node), result(node)] == [6, 6]
    assert result(add.options(name="other").bind(1)) == 2
    assert result(same.bind(gnomon.put(5))) == 5


def test_a_node_used_twice_runs_once():
    counter = Counter.remote()
    shared = counter.add.bind()
    assert result(add.bind(shared, add.bind(shared, shared))) == 3
    assert gnomon.get(counter.history.remote()) == [1]


def test_nodes_inside_of_containers():
    one, two = add.bind(0), add.bind(1)
    given = {"list": [one, {"tuple": (two, 5)}], "named": Pair(one, 6), "set": {two}}
    found = result(same.bind(given))
    assert gnomon.get(found["list"][0]) == 1
    assert gnomon.get(found["list"][1]["tuple"][0]) == 2
    assert found["list"][1]["tuple"][1] == 5
    assert (gnomon.get(found["named"].first), found["named"].second) == (1, 6)
    assert [gnomon.get(ref) for ref in found["set"]] == [2]
    assert found["list"][0] == found["named"].first  # one call


def test_a_graph_does_not_change_afterwards():
    items = [add.bind(0)]
    node = same.bind(items)
    items.append(add.bind(1))
    assert len(result(node)) == 1
    itself = [1]
    itself.append(itself)
    assert len(result(same.bind(itself))) == 2


def test_several_results():
    first, second = result(halves.bind([1, 2]))
    assert (first, second) == (1, 2)


def test_an_error_travels_through_the_graph():
    with pytest.raises(KeyError, match="x"):
        result(same.bind(fail.bind()))


def test_a_deep_graph():
    node = add.bind(0)
    for _ in range(1_500):
        node = add.bind(node)
    assert result(node) == 1_501
    assert str(node).splitlines()[-1].strip() == "#1501  add.bind(#1500)"


# ---------------------------------------------------------------------------------- actors


def test_each_execution_has_an_actor_of_its_own():
    counter = Counter.bind(10)
    node = counter.add.bind(1)
    assert isinstance(counter, ClassNode)
    assert isinstance(node, ClassMethodNode)
    assert [result(node), result(node)] == [11, 11]
    handle = counter.execute()
    assert gnomon.get(handle.add.remote(1)) == 11
    assert result(Counter.options(num_cpus=1).bind(3).add.bind(4)) == 7


def test_calls_run_in_the_order_in_which_they_were_bound():
    counter = Counter.bind(add.bind(9))
    first, second = counter.add.bind(1), counter.add.bind(5)
    assert result(second) == 16  # brings the first with it
    assert gnomon.get(MultiOutputNode([second, first]).execute()) == [16, 11]
    assert result(counter.history.bind()) == [1, 5]
    assert result(counter.add.options(max_task_retries=0).bind(2)) == 18


def test_a_living_actor():
    counter = Counter.remote(100)
    node = counter.add.bind(add.bind(0))
    assert [result(node), result(node)] == [101, 102]
    later, earlier = counter.add.bind(7), counter.add.bind(8)
    assert result(earlier) == 110  # alone
    assert gnomon.get(MultiOutputNode([earlier, later]).execute()) == [118, 125]


def test_several_results_of_a_living_actor():
    counter = Counter.remote(3)
    first, second = counter.both.bind()
    assert result(add.bind(first, second)) == 0
    assert gnomon.get(MultiOutputNode([second, first]).execute()) == [-3, 3]
    assert gnomon.get(Counter.bind(3).both.bind().execute()) == [3, -3]


def test_an_actor_among_the_arguments():
    @gnomon.remote
    def use(counter):
        return gnomon.get(counter.add.remote(5))

    assert result(use.bind(Counter.bind(1))) == 6


# ---------------------------------------------------------------------------------- input and output


def test_one_input():
    with InputNode() as inp:
        node = add.bind(inp, inp)
    assert isinstance(inp, InputNode)
    assert [result(node, 1), result(node, 2)] == [2, 4]
    assert result(node, gnomon.put(3)) == 6
    assert inp.execute(4) == 4


def test_parts_of_one_input():
    class Point:
        x = 3

    with InputNode() as inp:
        by_item, by_name, by_position = add.bind(inp["k"]), add.bind(inp.x), add.bind(inp[0], inp[1])
    assert isinstance(inp.x, InputAttributeNode)
    assert inp.x is inp.x
    assert result(by_item, {"k": 1}) == 2
    assert result(by_name, Point()) == 4
    assert result(by_position, [1, 2]) == 3


def test_several_inputs():
    with InputNode() as inp:
        node = add.bind(inp[0], inp.offset)
        other = add.bind(inp[1], inp["offset"])
        whole = same.bind(inp)
    assert result(node, 1, offset=5) == 6
    assert result(other, 1, 2, offset=5) == 7
    data = result(whole, 1, offset=5)
    assert isinstance(data, DAGInputData)
    assert (data[0], data["offset"], data.offset) == (1, 5, 5)


def test_several_outputs():
    with InputNode() as inp:
        node = MultiOutputNode([add.bind(inp), add.bind(inp, 2), inp, 7])
    first, second, third, fourth = node.execute(1)
    assert (gnomon.get(first), gnomon.get(second), third, fourth) == (2, 3, 1, 7)
    assert gnomon.get(MultiOutputNode((add.bind(0),)).execute()) == [1]


# ---------------------------------------------------------------------------------- errors and texts


def test_wrong_input():
    with InputNode() as inp:
        whole, first, named = add.bind(inp), add.bind(inp[0]), add.bind(inp.x)
    with pytest.raises(ValueError, match=r"has an InputNode, so that execute\(\) needs its input"):
        whole.execute()
    with pytest.raises(TypeError, match=r"uses the input's \[0\], .* of type int, does not have"):
        first.execute(1)
    with pytest.raises(AttributeError, match=r"uses the input's .x, .* of type int, does not have"):
        named.execute(1)
    with pytest.raises(ValueError, match=r"'x', but execute\(\) was given 2 positional .* by name: y"):
        named.execute(1, 2, y=3)
    with pytest.raises(TypeError, match="looked into by a position or a name, not by 1.5"):
        inp[1.5]
    with pytest.raises(ValueError, match=r"InputNode\(\) takes no arguments"):
        InputNode(1)
    with pytest.raises(ValueError, match="Write `with InputNode"):
        add.bind(InputNode()).execute(1)
    with InputNode() as other:
        two = add.bind(inp, other)
    with pytest.raises(ValueError, match="A graph may have one InputNode, but this one has two"):
        two.execute(1)
    with pytest.raises(ValueError, match="takes a list or a tuple of nodes, not"):
        MultiOutputNode(whole)


def test_wrong_arguments_are_found_when_they_are_bound():
    for wrong in (
        lambda: add.bind(1, 2, 3),
        lambda: Counter.bind(1, 2),
        lambda: Counter.bind().add.bind(1, 2),
        lambda: Counter.remote().add.bind(1, 2),
    ):
        with pytest.raises(TypeError, match="positional arguments"):
            wrong()
    with pytest.raises(AttributeError, match=r"Counter has no method 'ad'. Did you mean 'add'\?"):
        Counter.bind().ad  # noqa: B018


def test_a_node_is_no_call():
    node = add.bind(1)
    with pytest.raises(AttributeError, match=r"a node of a graph: .execute\(\) it, there is no .remote"):
        node.remote()
    with pytest.raises(ValueError, match=r"which was not executed: add .execute"):
        gnomon.get(node)
    with pytest.raises(TypeError, match=r"which can not be pickled. Give nodes to bind\(\) as arguments"):
        same.remote(node)
    with pytest.raises(TypeError, match="can not be pickled"):
        pickle.dumps(node)
    with pytest.raises(UnsupportedOptionError, match=r"experimental_compile\(\) can not .* Call execute\(\)"):
        node.experimental_compile()
    with pytest.raises(UnsupportedOptionError, match="MultiOutputNode"):
        node.execute(_ray_cache_refs=True)


def test_what_a_node_was_bound_with():
    one = add.bind(0)
    node = same.bind([one])
    assert node.get_args() == ([one],)
    assert add.bind(1, b=one).get_kwargs() == {"b": one}


def test_texts():
    with InputNode() as inp:
        node = add.bind(inp[0], b=[same.bind("x")])
    assert repr(node) == "<FunctionNode add.bind(input[0], b=[same])>"
    assert repr(inp) == "<InputNode input>"
    assert repr(inp.x) == "<InputAttributeNode input.x>"
    counter = Counter.bind(3)
    assert repr(counter) == "<ClassNode Counter.bind(3)>"
    assert repr(counter.add) == "<UnboundMethodNode Counter.add>"
    assert str(MultiOutputNode([counter.add.bind(1), node])).splitlines() == [
        "#1  Counter.bind(3)",
        "#2  Counter.add.bind(1)",
        "#3  input",
        "#4  #3[0]",
        "#5  same.bind('x')",
        "#6  add.bind(#4, b=[#5])",
        "#7  [#2, #6]",
    ]


def test_it_is_imported_when_it_is_used():
    code = (
        "import sys, gnomon, gnomon.util\n"
        "lazy = ['gnomon.dag', 'gnomon.util.queue', 'gnomon.util.multiprocessing', 'multiprocessing.context']\n"
        "print([name for name in lazy if name in sys.modules])\n"
        "print(gnomon.dag.InputNode.__name__, gnomon.util.queue.Queue.__name__)"
    )
    runtime = Path(__file__).resolve().parents[2] / "runtime"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(runtime)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "InputNode Queue"]
