"""Which GPUs a task or an actor holds, on every engine. (What libraries see of it is in tests/cluster.)"""

import gnomon


@gnomon.remote
def held():
    return gnomon.get_gpu_ids()


@gnomon.remote
class Holder:
    def held(self):
        return gnomon.get_gpu_ids()


def test_a_task_holds_what_it_asks_for():
    assert gnomon.get(held.remote()) == []
    (one,) = gnomon.get(held.options(num_gpus=1).remote())
    assert one in (0, 1)
    assert sorted(gnomon.get(held.options(num_gpus=2).remote())) == [0, 1]


def test_a_part_of_one():
    (one,) = gnomon.get(held.options(num_gpus=0.5).remote())
    assert one in (0, 1)


def test_a_driver_holds_none():
    assert gnomon.get_gpu_ids() == []


def test_actors_hold_theirs_for_life():
    first, second = [Holder.options(num_gpus=1).remote() for _ in range(2)]
    one, other = gnomon.get([first.held.remote(), second.held.remote()], timeout=60)
    assert sorted(one + other) == [0, 1]
    assert gnomon.get(first.held.remote()) == one
    assert gnomon.available_resources().get("GPU", 0) == 0
    gnomon.kill(first)
    assert gnomon.get(held.options(num_gpus=1).remote(), timeout=60) == one


def test_the_context_tells_too():
    @gnomon.remote(num_gpus=1)
    def told():
        context = gnomon.get_runtime_context()
        return context.get_accelerator_ids()["GPU"], context.get_assigned_resources()["GPU"]

    names, amount = gnomon.get(told.remote())
    assert (len(names), amount) == (1, 1.0)
