"""Postfix's own test server: each planned member gets exactly one message."""

import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mkwmail.config.settings import Pace, Security, Smtp
from mkwmail.delivery.outcome import exit_code
from mkwmail.errors import ExitCode
from tests.delivery.office import Office

SINK = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[Smtp, Path]]:
    """smtp-sink on a free port, that appends what it receives to one file."""
    if not Path(SINK).exists():
        pytest.skip("smtp-sink (Debian: postfix) is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "received"
    # smtp-sink gives up root's rights only if it is given another user.
    user = ["-u", "root"] if Path("/proc/self").stat().st_uid == 0 else []
    process = subprocess.Popen([SINK, *user, "-D", str(log), f"127.0.0.1:{port}", "100"], cwd=tmp_path)
    try:
        for _each in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield Smtp(host="127.0.0.1", port=port, security=Security.NONE), log
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("connections", [1, 4])
def test_each_member_gets_exactly_one(sink: tuple[Smtp, Path], tmp_path: Path, connections: int) -> None:
    smtp, log = sink
    office = Office(tmp_path, [f"lid{number}@example.org" for number in range(60)])
    office.body = b"Beste leden\r\n.\r\n..\r\n"
    first = office.send(smtp, Pace(connections=connections, per_connection=7))
    second = office.send(smtp, Pace(connections=connections))
    assert exit_code(first) == exit_code(second) == ExitCode.OK
    assert (len(first.sent), len(second.sent)) == (60, 0)
    received = log.read_text(encoding="ascii")
    recipients = Counter(re.findall(r"^X-Rcpt-Args: <(.*?)>", received, re.MULTILINE))
    assert recipients == Counter(office.addresses)
