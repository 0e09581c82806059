"""What a class may be to become an actor, and how its methods are called, on every engine."""

import abc
import dataclasses
import functools

import pytest

import gnomon


def test_defaults_varargs_and_keywords():
    @gnomon.remote
    class Keeps:
        def __init__(self, a, b=2, *rest, c=3, **more):
            self.made = (a, b, rest, c, more)

        def made_with(self):
            return self.made

        def call(self, x, y=5, *rest, z, **more):
            return x, y, rest, z, more

    keeps = Keeps.remote(1, c=4, d=5)
    assert gnomon.get(keeps.made_with.remote()) == (1, 2, (), 4, {"d": 5})
    assert gnomon.get(Keeps.remote(1, 2, 3).made_with.remote()) == (1, 2, (3,), 3, {})
    assert gnomon.get(keeps.call.remote(1, z=2)) == (1, 5, (), 2, {})
    assert gnomon.get(keeps.call.remote(1, 2, 3, z=4, w=5)) == (1, 2, (3,), 4, {"w": 5})


def test_wrong_arguments_fail_at_the_call():
    @gnomon.remote
    class One:
        def __init__(self, x):
            self.x = x

        def call(self, y):
            return self.x, y

    for wrong in (lambda: One.remote(), lambda: One.remote(1, 2), lambda: One.remote(y=1)):
        with pytest.raises(TypeError):
            wrong()
    one = One.remote(1)
    for wrong in (lambda: one.call.remote(), lambda: one.call.remote(1, 2), lambda: one.call.remote(x=1)):
        with pytest.raises(TypeError):
            wrong()
    assert gnomon.get(one.call.remote(2)) == (1, 2)


def test_no_constructor():
    @gnomon.remote
    class Bare:
        field = "of the class"

        def read(self):
            return self.field

    assert gnomon.get(Bare.remote().read.remote()) == "of the class"


def test_class_attributes_belong_to_the_actor():
    @gnomon.remote
    class Shared:
        made = 0

        def __init__(self):
            type(self).made += 1

        def count(self):
            return self.made

    first, second = Shared.remote(), Shared.remote()
    assert gnomon.get(first.count.remote()) >= 1
    assert gnomon.get(second.count.remote()) >= 1


def test_inheritance():
    class Base:
        def __init__(self, x):
            self.x = x

        def read(self):
            return self.x

        def name(self):
            return "base"

    class Mixin:
        def mixed(self):
            return f"mixed {self.read()}"

    @gnomon.remote
    class Derived(Mixin, Base):
        def __init__(self, x):
            super().__init__(x + 1)

        def name(self):
            return f"derived {super().name()}"

    derived = Derived.remote(1)
    assert gnomon.get([derived.read.remote(), derived.name.remote(), derived.mixed.remote()]) == [
        2,
        "derived base",
        "mixed 2",
    ]


def test_abstract_classes_and_dataclasses():
    class Shape(abc.ABC):
        @abc.abstractmethod
        def area(self): ...

    @gnomon.remote
    @dataclasses.dataclass
    class Square(Shape):
        side: float = 2.0

        def area(self):
            return self.side**2

    assert gnomon.get(Square.remote(3).area.remote()) == 9
    assert gnomon.get(Square.remote().area.remote()) == 4


def test_callables_among_the_methods():
    def doubled(method):
        @functools.wraps(method)
        def wrapper(self, *args):
            return 2 * method(self, *args)

        return wrapper

    @gnomon.remote
    class Methods:
        factor = 3

        @staticmethod
        def static(x):
            return -x

        @classmethod
        def of_class(cls, x):
            return cls.factor * x

        @doubled
        def decorated(self, x):
            return x + self.factor

        def _private(self):
            return "private"

        def __call__(self, x):
            return f"called {x}"

        def __len__(self):
            return 7

    methods = Methods.remote()
    assert gnomon.get(methods.static.remote(1)) == -1
    assert gnomon.get(methods.of_class.remote(2)) == 6
    assert gnomon.get(methods.decorated.remote(1)) == 8
    assert gnomon.get(methods._private.remote()) == "private"
    assert gnomon.get(methods.__call__.remote("x")) == "called x"
    assert gnomon.get(methods.__len__.remote()) == 7


def test_what_a_method_calls_on_itself_is_an_ordinary_call():
    @gnomon.remote
    class Steps:
        def __init__(self):
            self.done = []

        def one(self):
            self.done.append(1)

        def all(self):
            self.one()
            self.done.append(2)
            return self.done

    assert gnomon.get(Steps.remote().all.remote()) == [1, 2]


def test_methods_that_do_not_exist():
    @gnomon.remote
    class Small:
        def read(self):
            return 1

    small = Small.remote()
    with pytest.raises(AttributeError):
        small.write.remote()
    with pytest.raises(AttributeError):
        small.no_field  # noqa: B018
    assert gnomon.get(small.read.remote()) == 1


def test_calling_directly_says_what_to_write():
    @gnomon.remote
    class Direct:
        def read(self):
            return 1

    with pytest.raises(TypeError):
        Direct()
    direct = Direct.remote()
    with pytest.raises(TypeError):
        direct.read()
    assert gnomon.get(direct.read.remote()) == 1


def test_remote_as_a_call_and_options():
    class Plain:
        def __init__(self, x=0):
            self.x = x

        def read(self):
            return self.x

    assert gnomon.get(gnomon.remote(Plain).remote(4).read.remote()) == 4
    assert gnomon.get(gnomon.remote(num_cpus=0)(Plain).remote(5).read.remote()) == 5
    assert gnomon.get(gnomon.remote(Plain).options(num_cpus=1).remote(6).read.remote()) == 6
    assert Plain(7).read() == 7


@pytest.mark.parametrize(
    "options",
    [
        {"num_cpu": 1},
        {"max_restarts": -2},
        {"lifetime": "forever"},
        {"num_returns": 2},
        {"max_calls": 1},
        {"get_if_exists": True},
    ],
    ids=str,
)
def test_wrong_options_of_actors(options):
    class Plain:
        pass

    with pytest.raises((ValueError, TypeError)):
        gnomon.remote(Plain).options(**options).remote()


def test_mutable_state_is_the_actors_own():
    @gnomon.remote
    class Box:
        def __init__(self, items):
            self.items = items

        def add(self, x):
            self.items.append(x)
            return self.items

    items = [1]
    box = Box.remote(items)
    returned = gnomon.get(box.add.remote(2))
    returned.append("spoiled")
    assert gnomon.get(box.add.remote(3)) == [1, 2, 3]
    assert items == [1]


def test_a_constructor_with_references():
    @gnomon.remote
    def make():
        return 5

    @gnomon.remote
    class Holder:
        def __init__(self, value, boxed):
            self.value = value
            self.boxed = boxed

        def read(self):
            return self.value, gnomon.get(self.boxed[0])

    assert gnomon.get(Holder.remote(make.remote(), [make.remote()]).read.remote()) == (5, 5)


def test_a_failed_argument_fails_the_actor():
    @gnomon.remote
    def bad():
        raise KeyError("bad")

    @gnomon.remote
    class Holder:
        def __init__(self, value):
            self.value = value

        def read(self):
            return self.value

    with pytest.raises(gnomon.exceptions.RayError):
        gnomon.get(Holder.remote(bad.remote()).read.remote(), timeout=30)


def test_an_actor_creates_actors():
    @gnomon.remote
    class Leaf:
        def __init__(self, x):
            self.x = x

        def read(self):
            return self.x

    @gnomon.remote
    class Root:
        def __init__(self, n):
            self.leaves = [Leaf.remote(i) for i in range(n)]

        def total(self):
            return sum(gnomon.get([leaf.read.remote() for leaf in self.leaves]))

        def leaf(self, i):
            return self.leaves[i]

    root = Root.remote(4)
    assert gnomon.get(root.total.remote(), timeout=60) == 6
    assert gnomon.get(gnomon.get(root.leaf.remote(3)).read.remote(), timeout=60) == 3
