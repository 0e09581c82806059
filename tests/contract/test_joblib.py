"""The joblib backend on every engine."""

import builtins
import os

import pytest

joblib = pytest.importorskip("joblib", reason="the backend is for those who have joblib")

from gnomon.util.joblib import register_gnomon, register_ray  # noqa: E402 (Ray's needs joblib at once)


def square(x):
    return x * x


def not_three(x):
    if x == 3:
        raise KeyError("three")
    return x


def run(function, items, **options):
    return joblib.Parallel(**options)(joblib.delayed(function)(x) for x in items)


@pytest.fixture
def backend():
    register_gnomon()
    with joblib.parallel_config("gnomon"):
        yield


def test_values_in_order(backend):
    assert run(square, range(50)) == [x * x for x in range(50)]
    assert run(lambda x: x + 1, range(3)) == [1, 2, 3]
    assert run(square, []) == []
    assert run(square, range(3), n_jobs=1) == [0, 1, 4]


def test_it_runs_in_workers(backend, parallel):
    assert os.getpid() not in run(lambda x: os.getpid(), range(8), n_jobs=2)


def test_number_of_jobs(backend):
    numbers = {None: 2, -1: 2, -2: 1, 1: 1, 2: 2, 8: 2}  # the session has 2 CPUs
    assert {n: joblib.effective_n_jobs(-1 if n is None else n) for n in numbers} == numbers
    with pytest.raises(ValueError, match="n_jobs of joblib.Parallel may not be 0"):
        joblib.effective_n_jobs(0)
    assert run(square, range(10), n_jobs=8) == [x * x for x in range(10)]


def test_an_exception_and_after_it(backend):
    with pytest.raises(KeyError, match="three"):
        run(not_three, range(20))
    assert run(square, range(3)) == [0, 1, 4]


def test_results_as_a_generator(backend):
    assert list(run(square, range(5), return_as="generator")) == [0, 1, 4, 9, 16]
    assert sorted(run(square, range(5), return_as="generator_unordered")) == [0, 1, 4, 9, 16]


def test_one_pool_for_many_calls(backend, parallel):
    with joblib.Parallel(n_jobs=1 + 1) as parallel_calls:
        pids = [
            pid
            for _ in range(3)
            for pid in parallel_calls(joblib.delayed(lambda x: os.getpid())(x) for x in range(8))
        ]
    assert len(set(pids)) <= 2


def test_calls_in_calls(backend):
    def inner(n):
        return sum(run(square, range(n), n_jobs=2))

    assert run(inner, range(4)) == [0, 0, 1, 5]


def test_rays_name_and_the_options_of_the_workers():
    register_ray()
    with joblib.parallel_config("ray", n_jobs=2, ray_remote_args={"num_cpus": 1}):
        assert run(square, range(5)) == [0, 1, 4, 9, 16]


def test_without_joblib(monkeypatch):
    def missing(name, *args, **kwargs):
        if name == "joblib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"The joblib backend 'ray' needs joblib: pip install joblib."):
        register_ray()
