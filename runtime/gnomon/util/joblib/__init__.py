"""joblib on this session: what ``joblib.Parallel`` calls (and with it scikit-learn) runs in a pool of actors.

    from gnomon.util.joblib import register_gnomon

    register_gnomon()
    with joblib.parallel_config("gnomon"):
        joblib.Parallel()(joblib.delayed(abs)(x) for x in range(-3, 0))

joblib itself is imported when a backend is registered, and need not be installed before.
"""

from __future__ import annotations

__all__ = ["register_gnomon", "register_ray"]


def register_gnomon() -> None:
    """Let ``joblib.parallel_config("gnomon")`` choose this session.

    Raises:
        ImportError: joblib is not installed.
    """
    _register("gnomon")


def register_ray() -> None:
    """:func:`register_gnomon` under Ray's name: ``joblib.parallel_config("ray")``.

    Raises:
        ImportError: joblib is not installed.
    """
    _register("ray")


def _register(name: str) -> None:
    try:
        import joblib
    except ImportError as error:
        raise ImportError(f"The joblib backend {name!r} needs joblib: pip install joblib.") from error
    from gnomon.util.joblib._backend import JoblibBackend

    joblib.register_parallel_backend(name, JoblibBackend)
