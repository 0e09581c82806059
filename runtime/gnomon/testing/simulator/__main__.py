"""``python -m gnomon.testing.simulator --seeds 0:2000``: run seeds, print what fails."""

from __future__ import annotations

import argparse
import json
import sys
import time

from gnomon.testing.simulator.plans import medium_plan_of, plan_of
from gnomon.testing.simulator.session import run_seed


def main(arguments: list[str] | None = None) -> int:
    """Run the seeds; returns 1 when one fails."""
    parser = argparse.ArgumentParser(prog="python -m gnomon.testing.simulator", description=__doc__)
    parser.add_argument(
        "--seeds", default="0:200", metavar="FROM:TO", help="seeds, or one seed (default %(default)s)"
    )
    parser.add_argument("--medium", action="store_true", help="larger programs and more faults")
    parser.add_argument("--json", action="store_true", help="print the last line as JSON")
    parser.add_argument("--hash", action="store_true", help="print each seed's trace hash")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    options = parser.parse_args(arguments)
    first, _, last = options.seeds.partition(":")
    seeds = range(int(first), int(last) if last else int(first) + 1)
    failed, steps, tasks, read, started = 0, 0, 0, 0, time.perf_counter()
    errors: dict[str, int] = {}
    for seed in seeds:
        report = run_seed(seed, medium_plan_of(seed) if options.medium else plan_of(seed))
        steps, tasks, read = steps + report.steps, tasks + report.tasks, read + report.read
        for name, count in report.errors.items():
            errors[name] = errors.get(name, 0) + count
        if options.hash:
            print(seed, report.trace)
        if report.failure:
            failed += 1
            print(
                f"seed {seed} fails after {report.steps} steps at {report.virtual_s:.3f} s: {report.failure}"
            )
            if not options.keep_going:
                break
    took = time.perf_counter() - started
    if options.json:
        total = {"seeds": len(seeds), "tasks": tasks, "read": read, "steps": steps, "failed": failed}
        print(json.dumps({**total, "errors": errors, "took_s": round(took, 1)}))
    else:
        print(
            f"{len(seeds)} seeds, {tasks} tasks, {read} values, {steps} steps, {failed} failed, {took:.1f} s"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
