"""The speed of mkwmail at an older commit and in this tree.

``python -m tests.bench.compare REV``: both take turns in sending the same lists with the same settings, made by this
tree.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.bench.runs import CONNECTIONS, FAR, MANY, Measured, Run, measure, median, require_server
from tests.bench.senders import mkwmail
from tests.workplace import ROOT

ROUNDS = 5
_WARM = 10  # messages of the run that compiles a new tree's modules, and is not counted


def main() -> int:
    """Print the medians of rate and CPU, then and now, and their ratio."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.compare", description="Compare a commit with this tree."
    )
    parser.add_argument("rev", help="the older commit, as git knows it")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--messages", type=int, default=MANY, help="at most this many a run, to try it out")
    options = parser.parse_args()
    require_server()
    runs = [
        *(Run("mkwmail", partial(mkwmail, each, 0), MANY, each) for each in CONNECTIONS),
        Run("mkwmail", partial(mkwmail, 10, 0), FAR, 10, "20 ms", far=True),
    ]
    with _checked_out(options.rev) as old:
        trees = (old, ROOT)
        for tree in trees:
            measure(replace(runs[0], count=_WARM), tree)
        print(f"| then: {options.rev} | messages | a second then | now | now/then | µs of CPU then | now | now/then |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|")
        for run in (replace(run, count=min(run.count, options.messages)) for run in runs):
            then, now = _in_turns(run, trees, options.rounds)
            rates = f"{then.rate:,.0f} | {now.rate:,.0f} | {now.rate / then.rate:.3f}"
            cpu = f"{then.cpu:,.0f} | {now.cpu:,.0f} | {now.cpu / then.cpu:.3f}"
            print(f"| {run.name} | {run.count:,} | {rates} | {cpu} |", flush=True)
    return 0


@contextmanager
def _checked_out(rev: str) -> Iterator[Path]:
    """Check out a commit into a temporary worktree.

    Raises SystemExit if that fails; git has said why.
    """
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name) / "tree"
        git = ("git", "-C", str(ROOT), "worktree")
        if subprocess.run((*git, "add", "--quiet", "--detach", str(tree), rev)).returncode:
            raise SystemExit(1)
        try:
            yield tree
        finally:
            subprocess.run((*git, "remove", "--force", str(tree)), check=True)


def _in_turns(run: Run, trees: Sequence[Path], rounds: int) -> list[Measured]:
    """Return each tree's medians; each is the first in every other round."""
    measured: dict[Path, list[Measured]] = {tree: [] for tree in trees}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}: {run.name} …", file=sys.stderr)
        for tree in trees if number % 2 == 0 else reversed(trees):
            measured[tree].append(measure(run, tree))
    return [median(found) for found in measured.values()]


if __name__ == "__main__":
    sys.exit(main())
