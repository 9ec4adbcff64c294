"""``make torture``: a thousand kills and more, with one table of what they led to."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.torture.kills import Killing, by_conversation, by_system_call, kill_often

KILLS = 500  # with each number of connections
CALLS = 40


def main() -> int:
    """Print the table; 1 where anybody was lost or mailed twice."""
    ways: list[tuple[str, Killing, int]] = [("conversation, moments", by_conversation, KILLS)]
    if shutil.which("strace"):
        ways.append(("system calls", by_system_call, CALLS))
    else:
        print("strace is missing: no kills at system calls")
    headings = ("connections", "kills", "spared", "lost", "twice", "in doubt", "most")
    print(f"{'killed at':<22}{''.join(f'{each:>12}' for each in headings)}{'seconds':>9}")
    bad = 0
    for name, way, kills in ways:
        for connections in (1, 4):
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                tally = kill_often(Path(folder), kills, connections, connections, way)
            lost, twice = len(tally.lost), len(tally.doubled)
            bad += lost + twice + (tally.most_in_doubt > connections)
            counts = (connections, tally.kills, tally.spared, lost, twice, tally.in_doubt, tally.most_in_doubt)
            seconds = time.monotonic() - began
            print(f"{name:<22}{''.join(f'{each:>12}' for each in counts)}{seconds:>9.0f}", flush=True)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
