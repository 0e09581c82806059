"""``python -m gnomon.testing.storms worker-kills --tasks 50000 --seed 1``: run storms, print what was wrong."""

from __future__ import annotations

import argparse
import faulthandler
import sys

from gnomon.testing.storms.catalog import STORMS, run_storm

GRACE_S = 120.0
"""A storm ends itself when its time is over; one that hangs instead is ended so long after."""


def main(arguments: list[str] | None = None) -> int:
    """Run one storm, or all; returns 1 when something was wrong."""
    options = _parser().parse_args(arguments)
    names = list(STORMS) if options.storm == "all" else [options.storm]
    wrong = 0
    for name in names:
        storm = STORMS[name]
        given = {size: getattr(options, size) for size in storm.full if options.storm != "all"}
        sizes = {size: number for size, number in given.items() if number is not None}
        limit_s = options.limit or storm.limit_s
        faulthandler.dump_traceback_later(limit_s + GRACE_S, exit=True)
        report = run_storm(name, options.seed, options.small, sizes, limit_s, _say)
        faulthandler.cancel_dump_traceback_later()
        print(report.verdict(), flush=True)
        wrong += bool(report.faults)
    return 1 if wrong else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gnomon.testing.storms", description=__doc__)
    storms = parser.add_subparsers(dest="storm", required=True, metavar="STORM")
    for name, about, sizes in [
        *((name, storm.about, storm.full) for name, storm in STORMS.items()),
        ("all", "one after the other", {}),
    ]:
        one = storms.add_parser(name, help=about, description=about)
        one.add_argument(
            "--seed", type=int, default=1, help="of what is chosen at random (default %(default)s)"
        )
        one.add_argument("--small", action="store_true", help="with the sizes of `make test`")
        one.add_argument(
            "--limit", type=float, metavar="SECONDS", help="end after so long; what is undone is wrong"
        )
        for size, number in sizes.items():
            one.add_argument(f"--{size}", type=int, metavar="N", help=f"(default {number})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
