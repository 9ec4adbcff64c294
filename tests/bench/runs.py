"""A run of one sender to a local ``smtp-sink``: rate, CPU and memory."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.workplace import MOMENT, ROOT

SBIN = "/usr/sbin:/usr/bin:/bin"
CONNECTIONS = (1, 4, 10)  # each sender that has a choice is tried with all of these
MANY = 10_000  # messages of the quick senders
FAR = 2_000  # messages with a round trip of 20 ms

Command: TypeAlias = Callable[[int, int, Path], Sequence[str]]
"""From the server's port, the number of messages and an empty folder: the command to run there."""


@dataclass(frozen=True, slots=True)
class Run:
    """One sender in one setting, and how many messages it sends.

    ``connections``: None if the sender has no choice. ``setting``: how the run differs from the sender's others.
    ``far``: over a network with a round trip of 20 ms.
    """

    sender: str
    command: Command
    count: int
    connections: int | None = None
    setting: str = ""
    far: bool = False

    @property
    def name(self) -> str:
        """The sender, its connections and the setting."""
        connections = {None: "", 1: "1 connection"}.get(self.connections, f"{self.connections} connections")
        return ", ".join(part for part in (self.sender, connections, self.setting) if part)


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of a run, or their medians.

    ``rate``: messages a second of wall time. ``cpu``: microseconds a message. ``memory``: megabytes at most.
    """

    rate: float
    cpu: float
    memory: float


def median(rounds: Sequence[Measured]) -> Measured:
    """Return the median of each figure on its own."""
    return Measured(
        statistics.median(each.rate for each in rounds),
        statistics.median(each.cpu for each in rounds),
        statistics.median(each.memory for each in rounds),
    )


def measure(run: Run, tree: Path = ROOT) -> Measured:
    """Return the figures of one run, as a process of its own.

    ``tree``: the checkout that mkwmail is taken from. Raises SystemExit with the end of the process's standard error
    if it fails.
    """
    with _server() as near, tempfile.TemporaryDirectory() as name, _network(near, run.far) as port:
        folder = Path(name)
        return _timed(run.command(port, run.count, folder), run.count, folder, tree)


def require_server() -> None:
    """Raise SystemExit if ``smtp-sink`` is missing."""
    if not shutil.which("smtp-sink", path=SBIN):
        raise SystemExit("smtp-sink and smtp-source are missing: install the Debian package postfix")


@contextmanager
def _server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    sink = shutil.which("smtp-sink", path=SBIN) or "smtp-sink"
    running = subprocess.Popen([sink, "-u", "nobody", f"127.0.0.1:{port}", "100"])
    try:
        _until_it_listens(port)
        yield port
    finally:
        running.terminate()
        running.wait(10)


def _until_it_listens(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("smtp-sink does not listen")


@contextmanager
def _network(port: int, far: bool) -> Iterator[int]:
    if not far:
        yield port
        return
    between = subprocess.Popen([sys.executable, "-m", "tests.bench.delay", str(port)], stdout=subprocess.PIPE, cwd=ROOT)
    assert between.stdout
    try:
        yield int(between.stdout.readline())
    finally:
        between.kill()
        between.wait(10)
        between.stdout.close()


def _timed(command: Sequence[str], count: int, folder: Path, tree: Path) -> Measured:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tree), "MKWMAIL_NOW": MOMENT, "LC_ALL": "C.UTF-8"}
    environment["MKWMAIL_STATE"] = str(folder / ".state")
    with (folder / "said").open("wb") as said:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=said)
        if sys.platform == "win32":
            raise SystemExit("what a process used is measured with wait4, which Windows lacks")
        _pid, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:3]} of {tree}: {(folder / 'said').read_text(errors='replace')[-1000:]}")
    cpu = (used.ru_utime + used.ru_stime) / count * 1e6
    return Measured(count / seconds, cpu, used.ru_maxrss / 1024)
