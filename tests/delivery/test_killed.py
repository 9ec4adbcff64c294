"""The process is killed at every step of a message; the next run serves everybody, and nobody twice."""

import multiprocessing
from pathlib import Path

import pytest

from mkwmail.config.settings import Pace, Smtp
from mkwmail.ledger.models import State
from tests.delivery.office import Office, addresses
from tests.smtp_server import Call, ScriptedServer

EVERYBODY = [f"lid{number}@example.org" for number in range(10)]


def send(folder: Path, smtp: Smtp, connections: int) -> None:
    """One run in a process of its own."""
    Office(folder, EVERYBODY).send(smtp, Pace(connections=connections))


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("step", ["GREETING", "MAIL", "RCPT", "DATA", "BODY", "DOT"])
def test_a_kill_mails_nobody_twice_and_forgets_nobody(tmp_path: Path, step: str, connections: int) -> None:
    office = Office(tmp_path, EVERYBODY)
    with ScriptedServer() as server:
        run = multiprocessing.get_context("spawn").Process(target=send, args=(tmp_path, server.smtp(), connections))
        # The server kills its client in the middle of the step of the sixth message.
        server.on(step, Call(run.kill), skip=0 if step == "GREETING" else 5, times=1)
        run.start()
        run.join(30)
        assert run.exitcode == -9
        # The messages taken: the replies to some of them were never read.
        before = {address: server.bodies_of(address) for address in EVERYBODY}
        outcome = office.send(server.smtp(), Pace(connections=connections))
        after = {address: server.bodies_of(address) for address in EVERYBODY}
    states = office.states()
    doubtful = [address for address in EVERYBODY if states[address] is State.IN_DOUBT]
    assert len(doubtful) <= connections
    if step in ("GREETING", "MAIL", "RCPT", "DATA") and connections == 1:
        assert doubtful == []
    for address in EVERYBODY:
        assert states[address] in (State.SENT, State.IN_DOUBT)
        assert after[address] == 1 or (address in doubtful and after[address] <= 1)
    assert set(addresses(outcome.sent)).isdisjoint(address for address, count in before.items() if count)
