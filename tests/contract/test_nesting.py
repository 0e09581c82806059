"""Tasks inside tasks, and graphs that grow as they run, on every engine."""

import gnomon


@gnomon.remote
def add(x, y):
    return x + y


@gnomon.remote
def echo(x):
    return x


def test_a_tree_of_tasks():
    @gnomon.remote
    def tree(depth):
        if depth == 0:
            return 1
        return 1 + sum(gnomon.get([tree.remote(depth - 1) for _ in range(2)]))

    assert gnomon.get(tree.remote(4), timeout=60) == 31


def test_a_task_hands_on_the_reference_of_another():
    @gnomon.remote
    def start():
        return add.remote(1, 2)

    inner = gnomon.get(start.remote())
    assert isinstance(inner, gnomon.ObjectRef)
    assert gnomon.get(inner) == 3


def test_references_of_references():
    @gnomon.remote
    def wrap(depth):
        return "core" if depth == 0 else [wrap.remote(depth - 1)]

    value = gnomon.get(wrap.remote(3))
    for _ in range(3):
        value = gnomon.get(value[0])
    assert value == "core"


def test_a_reduction_in_pairs():
    refs = [echo.remote(i) for i in range(16)]
    while len(refs) > 1:
        refs = [*refs[2:], add.remote(refs[0], refs[1])]
    assert gnomon.get(refs[0]) == 120


def test_a_graph_that_grows_with_what_it_finds():
    links = {0: [1, 2], 1: [3], 2: [3, 4], 3: [], 4: [0]}

    @gnomon.remote
    def visit(page):
        return page, links[page]

    seen, pending = {0}, [visit.remote(0)]
    while pending:
        (done,), pending = gnomon.wait(pending)
        _, found = gnomon.get(done)
        for page in found:
            if page not in seen:
                seen.add(page)
                pending.append(visit.remote(page))
    assert seen == set(links)


def test_collatz_by_recursion_with_a_reference_as_argument():
    @gnomon.remote
    def steps(n, so_far):
        if n == 1:
            return so_far
        return gnomon.get(steps.remote(n // 2 if n % 2 == 0 else 3 * n + 1, add.remote(so_far, 1)))

    assert gnomon.get(steps.remote(6, 0), timeout=60) == 8


def test_put_inside_a_task_outlives_it():
    @gnomon.remote
    def make():
        return [gnomon.put(i) for i in range(5)]

    refs = gnomon.get(make.remote())
    assert gnomon.get(refs) == list(range(5))
    assert gnomon.get(add.remote(refs[3], refs[4])) == 7


def test_a_large_value_made_in_a_task():
    @gnomon.remote
    def make():
        return gnomon.put(b"x" * 1_000_000)

    @gnomon.remote
    def size(data):
        return len(data)

    inner = gnomon.get(make.remote())
    assert gnomon.get(size.remote(inner)) == 1_000_000


def test_wait_inside_a_task():
    @gnomon.remote
    def first(boxed):
        ready, others = gnomon.wait(boxed, num_returns=2, timeout=30)
        return len(ready), len(others)

    assert gnomon.get(first.remote([echo.remote(i) for i in range(3)])) == (2, 1)


def test_an_actor_made_in_a_task_works_for_others():
    @gnomon.remote
    class Tally:
        def __init__(self):
            self.total = 0

        def add(self, x):
            self.total += x
            return self.total

    @gnomon.remote
    def fill(tally, numbers):
        return gnomon.get([tally.add.remote(x) for x in numbers])[-1]

    @gnomon.remote
    def both():
        tally = Tally.remote()
        gnomon.get([fill.remote(tally, [1, 2]), fill.remote(tally, [3, 4])])
        return tally

    tally = gnomon.get(both.remote(), timeout=60)
    assert gnomon.get(tally.add.remote(0)) == 10


def test_a_task_that_calls_an_actor_that_calls_a_task():
    @gnomon.remote
    class Middle:
        def work(self, x):
            return gnomon.get(add.remote(x, 1)) * 2

    @gnomon.remote
    def outer(middle):
        return gnomon.get(middle.work.remote(4))

    assert gnomon.get(outer.remote(Middle.remote()), timeout=60) == 10


def test_more_tasks_wait_than_there_are_cpus():
    @gnomon.remote
    def parent(n):
        return sum(gnomon.get([echo.remote(i) for i in range(n)]))

    assert gnomon.get([parent.remote(4) for _ in range(6)], timeout=60) == [6] * 6
