"""How fast mails go out, beside others who send the same: ``make bench``.

Everybody sends as many messages of one size to Postfix's ``smtp-sink`` on this computer, each as a process of its own,
one after the other, in so many rounds; what counts is the median. ``mkwmail send`` runs as a user runs it: it reads the
list, composes, and keeps its ledger durable.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from tests.workplace import MOMENT, ROOT, a_place

ROUNDS = 5
MESSAGES = 1_000
NOISY = 1.3  # the slowest round of smtp-source against its quickest: beyond it nothing can be said
_BUILD = ROOT / "build" / "bench"
_SBIN = "/usr/sbin:/usr/bin:/bin"

Command: TypeAlias = Callable[[int, int, Path], Sequence[str]]
"""From the server's port, the size of a message in octets and an empty folder: what to run there."""


@dataclass(frozen=True)
class Measured:
    """One run: messages a second, microseconds of CPU a message, megabytes at the most."""

    rate: float
    cpu: float
    memory: float


def main() -> int:
    """Print the table; 1 where a run failed, 2 where the machine was too noisy to judge."""
    sink, source = (shutil.which(name, path=_SBIN) for name in ("smtp-sink", "smtp-source"))
    if not sink or not source:
        print("smtp-sink and smtp-source are missing (Debian package postfix)")
        return 1
    senders = _senders(source)
    size = _size_of_a_mail()
    runs: dict[str, list[Measured]] = {name: [] for name in senders}
    for _round in range(ROUNDS):
        for name, command in senders.items():
            with _server(sink) as port, tempfile.TemporaryDirectory() as folder:
                runs[name].append(_measure(command(port, size, Path(folder)), Path(folder)))
    return _show(runs, size)


def _senders(source: str) -> Mapping[str, Command]:
    senders: dict[str, Command] = {}
    for sessions in (4, 10):
        senders[f"smtp-source, {sessions} sessions"] = partial(_source, source, sessions)
    for connections in (1, 4):
        senders[f"mkwmail send, {connections} connection{'s' * (connections > 1)}"] = partial(_mkwmail, connections)
    senders["smtplib, 1 connection"] = _smtplib
    if _fetched("mailmerge", [*_uv(), "--target", str(_BUILD / "mailmerge"), "mailmerge"]):
        senders["mailmerge"] = _mailmerge
    if _fetched("nodemailer", ["npm", "install", "--silent", "--prefix", str(_BUILD / "nodemailer"), "nodemailer"]):
        senders["nodemailer, pool of 5"] = _nodemailer
    return senders


def _uv() -> tuple[str, ...]:
    return (sys.executable, "-m", "uv", "pip", "install", "--quiet")


def _fetched(name: str, command: Sequence[str]) -> bool:
    if (_BUILD / name).is_dir():
        return True
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print(f"{name} could not be fetched: it is left out")
        return False
    return True


def _source(source: str, sessions: int, port: int, size: int, _folder: Path) -> Sequence[str]:
    how_much = ("-s", str(sessions), "-m", str(MESSAGES), "-l", str(size), "-N")
    return source, *how_much, "-f", "a@example.org", "-t", "b@example.org", f"127.0.0.1:{port}"


def _mkwmail(connections: int, port: int, _size: int, folder: Path) -> Sequence[str]:
    place = a_place(folder)
    place.settings(port, f"pace: {{connections: {connections}}}\n")
    place.members(*(f"Lid {n};;Acht {n};lid{n}@corp{n}.example.org;Corporatie {n};lid" for n in range(MESSAGES)))
    return place.command("send", "directeurendag-2020", "invitation", "--yes", "--json")


_SMTPLIB = """
import smtplib, sys
from email.message import EmailMessage
port, size, count = map(int, sys.argv[1:])
with smtplib.SMTP("127.0.0.1", port) as server:
    for number in range(count):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@example.org", f"lid{number}@example.org", "Uitnodiging"
        mail.set_content(("x" * 76 + "\\n") * (size // 77))
        server.send_message(mail)
"""


def _smtplib(port: int, size: int, _folder: Path) -> Sequence[str]:
    return sys.executable, "-c", _SMTPLIB, str(port), str(size), str(MESSAGES)


def _mailmerge(port: int, size: int, folder: Path) -> Sequence[str]:
    lines = ("x" * 76 + "\n") * (size // 77)
    head = "TO: {{email}}\nSUBJECT: Uitnodiging\nFROM: a@example.org\n\nBeste {{email}},\n"
    (folder / "mailmerge_template.txt").write_text(head + lines)
    (folder / "mailmerge_database.csv").write_text("email\n" + "".join(f"l{n}@example.org\n" for n in range(MESSAGES)))
    (folder / "mailmerge_server.conf").write_text(f"[smtp_server]\nhost = 127.0.0.1\nport = {port}\n")
    program = (
        f"import sys; sys.path.insert(0, {str(_BUILD / 'mailmerge')!r}); from mailmerge.__main__ import main; main()"
    )
    return sys.executable, "-c", program, "--no-dry-run", "--no-limit"


_NODEMAILER = """
const { createTransport } = require(process.argv[1] + "/node_modules/nodemailer");
const [port, size, count] = process.argv.slice(2).map(Number);
const server = createTransport({ host: "127.0.0.1", port, pool: true, maxConnections: 5, maxMessages: Infinity,
  ignoreTLS: true });
const text = ("x".repeat(76) + "\\n").repeat(size / 77);
Promise.all(Array.from({ length: count }, (_, n) => server.sendMail(
  { from: "a@example.org", to: `lid${n}@example.org`, subject: "Uitnodiging", text }))).then(() => server.close());
"""


def _nodemailer(port: int, size: int, _folder: Path) -> Sequence[str]:
    return "node", "-e", _NODEMAILER, str(_BUILD / "nodemailer"), str(port), str(size), str(MESSAGES)


def _size_of_a_mail() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = a_place(Path(folder)).run("check", "directeurendag-2020", "--json").json
        return max(int(each["largest"]) for each in found["mailings"] if each["mailing"] == "invitation")


@contextmanager
def _server(sink: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    running = subprocess.Popen([sink, "-u", "nobody", f"127.0.0.1:{port}", "100"])
    try:
        until = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < until:
            time.sleep(0.05)
        yield port
    finally:
        running.terminate()
        running.wait(10)


def _measure(command: Sequence[str], folder: Path) -> Measured:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "MKWMAIL_NOW": MOMENT, "LC_ALL": "C.UTF-8"}
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    said = process.stderr.read()
    _pid, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:3]}: {said.decode(errors='replace')[-1000:]}")
    cpu = (used.ru_utime + used.ru_stime) / MESSAGES * 1e6
    return Measured(MESSAGES / seconds, cpu, used.ru_maxrss / 1024)


def _show(runs: Mapping[str, Sequence[Measured]], size: int) -> int:
    middle = {name: statistics.median(run.rate for run in each) for name, each in runs.items()}
    best = max(rate for name, rate in middle.items() if name.startswith("smtp-source"))
    print(f"{MESSAGES} messages of {size} octets, median of {ROUNDS} rounds")
    print(f"{'':<28}{'a second':>10}{'ratio':>8}{'µs CPU':>10}{'MB':>7}")
    for name, each in runs.items():
        cpu, memory = (statistics.median(getattr(run, field) for run in each) for field in ("cpu", "memory"))
        print(f"{name:<28}{middle[name]:>10.0f}{middle[name] / best:>8.3f}{cpu:>10.0f}{memory:>7.0f}")
    rates = [run.rate for name, each in runs.items() if name.startswith("smtp-source, 4") for run in each]
    spread = max(rates) / min(rates)
    if spread > NOISY:
        print(f"too noisy to judge: smtp-source's quickest round was {spread:.2f} times its slowest")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
