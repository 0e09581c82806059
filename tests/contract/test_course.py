"""Small programs as a course on Ray Core has them, with ``import gnomon as ray``, on every engine."""

import asyncio
import random
from collections import Counter

import pytest

import gnomon as ray


def test_squares_and_primes():
    @ray.remote
    def square(x):
        return x * x

    @ray.remote
    def is_prime(n):
        return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))

    assert sum(ray.get([square.remote(i) for i in range(10)])) == 285
    flags = ray.get([is_prime.remote(n) for n in range(30)])
    assert [n for n, prime in enumerate(flags) if prime] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]


def test_monte_carlo_pi_with_a_progress_actor():
    @ray.remote
    class Progress:
        def __init__(self, total):
            self.total = total
            self.done = {}

        def report(self, task, samples):
            self.done[task] = samples

        def read(self):
            return sum(self.done.values()) / self.total

    @ray.remote
    def sample(samples, task, progress):
        draw = random.Random(task)
        inside = 0
        for i in range(samples):
            x, y = draw.random(), draw.random()
            inside += x * x + y * y <= 1
            if (i + 1) % 500 == 0:
                progress.report.remote(task, i + 1)
        return inside

    tasks, samples = 4, 1000
    progress = Progress.remote(tasks * samples)
    inside = ray.get([sample.remote(samples, i, progress) for i in range(tasks)], timeout=60)
    assert abs(4 * sum(inside) / (tasks * samples) - 3.14) < 0.2
    while ray.get(progress.read.remote()) < 1:
        continue


def test_word_count_by_map_and_reduce():
    corpus = ["the quick brown fox", "the lazy dog", "the fox"]

    @ray.remote
    def count(text):
        return Counter(text.split())

    @ray.remote
    def merge(left, right):
        return left + right

    refs = [count.remote(text) for text in corpus]
    while len(refs) > 1:
        refs = refs[2:] + [merge.remote(refs[0], refs[1])]
    assert ray.get(refs[0])["the"] == 3


def test_map_reduce_with_partitions():
    @ray.remote(num_returns=3)
    def apply_map(chunk):
        parts = [[], [], []]
        for word in chunk:
            parts[len(word) % 3].append((word, 1))
        return parts

    @ray.remote
    def apply_reduce(*parts):
        counted = Counter()
        for part in parts:
            for word, number in part:
                counted[word] += number
        return dict(counted)

    chunks = [["a", "bb", "ccc"], ["a", "dddd", "bb"], ["ccc", "ccc"]]
    mapped = [apply_map.remote(chunk) for chunk in chunks]
    reduced = [apply_reduce.remote(*[parts[i] for parts in mapped]) for i in range(3)]
    total = Counter()
    for part in ray.get(reduced):
        total.update(part)
    assert total == {"a": 2, "bb": 2, "ccc": 3, "dddd": 1}


def test_a_parameter_server():
    @ray.remote
    class Server:
        def __init__(self, size, rate):
            self.weights = [0.0] * size
            self.rate = rate

        def apply(self, *gradients):
            self.weights = [
                weight - self.rate * sum(parts) / len(gradients)
                for weight, parts in zip(self.weights, zip(*gradients, strict=True), strict=True)
            ]
            return self.weights

        def read(self):
            return self.weights

    @ray.remote
    class Worker:
        def __init__(self, target):
            self.target = target

        def gradient(self, weights):
            return [weight - target for weight, target in zip(weights, self.target, strict=True)]

    target = [1.0, -2.0, 3.0]
    server = Server.remote(3, 0.5)
    workers = [Worker.remote(target) for _ in range(2)]
    weights = server.read.remote()
    for _ in range(20):
        weights = server.apply.remote(*[worker.gradient.remote(weights) for worker in workers])
    assert ray.get(weights, timeout=60) == pytest.approx(target, abs=1e-3)


def test_a_game_of_life_in_rows():
    @ray.remote
    def row(above, here, below):
        def alive(x):
            near = (
                sum(line[i % len(line)] for line in (above, here, below) for i in (x - 1, x, x + 1)) - here[x]
            )
            return int(near == 3 or (near == 2 and here[x]))

        return [alive(x) for x in range(len(here))]

    board = [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]
    refs = [ray.put(line) for line in board]
    for _ in range(2):
        refs = [row.remote(refs[i - 1], refs[i], refs[(i + 1) % 5]) for i in range(5)]
    assert ray.get(refs) == board


def test_a_tree_of_supervisors():
    @ray.remote(num_cpus=0)
    class Worker:
        def work(self, x):
            return x + 1

    @ray.remote(num_cpus=0)
    class Supervisor:
        def __init__(self, size):
            self.workers = [Worker.remote() for _ in range(size)]

        def work(self, numbers):
            size = len(self.workers)
            return ray.get([self.workers[i % size].work.remote(n) for i, n in enumerate(numbers)])

    supervisors = [Supervisor.remote(2) for _ in range(2)]
    assert ray.get([each.work.remote([1, 2, 3]) for each in supervisors], timeout=60) == [[2, 3, 4]] * 2


def test_a_pipeline_with_bounded_work():
    @ray.remote
    def stage_one(x):
        return x + 1

    @ray.remote
    def stage_two(x):
        return x * 10

    pending, results = [], []
    for x in range(20):
        if len(pending) > 5:
            ready, pending = ray.wait(pending, num_returns=1)
            results += ray.get(ready)
        pending.append(stage_two.remote(stage_one.remote(x)))
    results += ray.get(pending)
    assert sorted(results) == [10 * (x + 1) for x in range(20)]


def test_a_chat_room():
    @ray.remote
    class Room:
        def __init__(self):
            self.waiting = []
            self.said = []

        async def say(self, who, text):
            self.said.append(f"{who}: {text}")
            for event in self.waiting:
                event.set()
            self.waiting.clear()

        async def listen(self, since):
            while len(self.said) <= since:
                event = asyncio.Event()
                self.waiting.append(event)
                await event.wait()
            return self.said[since:]

    room = Room.remote()
    heard = room.listen.remote(0)
    ray.get(room.say.remote("ann", "hello"))
    assert ray.get(heard, timeout=30) == ["ann: hello"]
    ray.get(room.say.remote("bob", "hi"))
    assert ray.get(room.listen.remote(1), timeout=30) == ["bob: hi"]


def test_bank_accounts_under_load():
    @ray.remote
    class Account:
        def __init__(self, balance):
            self.balance = balance

        def withdraw(self, amount):
            if amount > self.balance:
                raise ValueError("not enough")
            self.balance -= amount
            return self.balance

        def deposit(self, amount):
            self.balance += amount
            return self.balance

    @ray.remote
    def transfer(source, target, amount):
        try:
            ray.get(source.withdraw.remote(amount))
        except ValueError:
            return False
        ray.get(target.deposit.remote(amount))
        return True

    a, b = Account.remote(100), Account.remote(0)
    done = ray.get([transfer.remote(a, b, 30) for _ in range(5)], timeout=60)
    assert done.count(True) == 3
    assert ray.get([a.deposit.remote(0), b.deposit.remote(0)]) == [10, 90]


def test_a_cache_in_a_named_actor():
    @ray.remote
    class Cache:
        def __init__(self):
            self.values = {}

        def get(self, key):
            return self.values.get(key)

        def put(self, key, value):
            self.values[key] = value

    @ray.remote
    def compute(x):
        cache = ray.get_actor("cache")
        known = ray.get(cache.get.remote(x))
        if known is None:
            known = x**2
            ray.get(cache.put.remote(x, known))
        return known

    cache = Cache.options(name="cache").remote()
    assert ray.get([compute.remote(3) for _ in range(4)], timeout=60) == [9] * 4
    assert ray.get(cache.get.remote(3)) == 9


def test_learning_to_be_patient_with_flaky_services(tmp_path):
    log = tmp_path / "calls"

    @ray.remote(max_retries=5, retry_exceptions=[ConnectionError])
    def call():
        with log.open("a") as file:
            file.write("x")
        if log.stat().st_size < 4:
            raise ConnectionError("again")
        return log.stat().st_size

    assert ray.get(call.remote(), timeout=60) == 4


def test_streaming_results_as_they_come():
    @ray.remote
    def numbers(n):
        for i in range(n):
            yield i * i

    found = [ray.get(ref) for ref in numbers.remote(5)]
    assert found == [0, 1, 4, 9, 16]


def test_sieve_with_actors_in_a_chain():
    @ray.remote(num_cpus=0)
    class Sieve:
        def __init__(self, prime):
            self.prime = prime
            self.next = None

        def offer(self, n):
            if n % self.prime == 0:
                return
            if self.next is None:
                self.next = Sieve.remote(n)
            else:
                ray.get(self.next.offer.remote(n))

        def primes(self):
            rest = ray.get(self.next.primes.remote()) if self.next is not None else []
            return [self.prime, *rest]

    first = Sieve.remote(2)
    ray.get([first.offer.remote(n) for n in range(3, 20)], timeout=60)
    assert ray.get(first.primes.remote(), timeout=60) == [2, 3, 5, 7, 11, 13, 17, 19]
