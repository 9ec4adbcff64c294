"""Every fault of a server, row by row: what happens to the member, the run and the others, and what is reported.

The rows are in :mod:`tests.delivery.faults`.
"""

import re
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mkwmail.auth.credentials import Password
from mkwmail.config.settings import Pace, Security
from mkwmail.delivery.outcome import Outcome, exit_code
from mkwmail.ledger.models import State
from tests.delivery.certificates import Certificate, make_certificate
from tests.delivery.faults import ANNA, BART, CHRIS, FAULTS, Fault
from tests.delivery.office import PATIENT, START, Office
from tests.smtp_server import ScriptedServer, Taken

EVERYBODY = [ANNA, BART, CHRIS]
MOMENT = 0.8  # seconds


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    made = {}
    for name, host, days in (
        ("good", "IP:127.0.0.1", 2),
        ("unknown", "IP:127.0.0.1", 2),
        ("other host", "DNS:smtp.example.org", 2),
        ("expired", "IP:127.0.0.1", -1),
    ):
        folder = tmp_path_factory.mktemp("certificate")
        made[name] = make_certificate(folder, host, days)
    return made


@pytest.fixture
def trust(certificates: dict[str, Certificate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them but the unknown one are from an authority that this computer trusts."""
    trusted = [each.certificate.read_text() for name, each in certificates.items() if name != "unknown"]
    (tmp_path / "trusted.pem").write_text("".join(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))


def _server(fault: Fault, certificates: dict[str, Certificate]) -> ScriptedServer:
    context = None
    if fault.tls:
        context = certificates[fault.tls.certificate].server_context()
        if fault.tls.oldest:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    implicit = fault.security is Security.TLS
    return ScriptedServer(fault.extensions, context, implicit, {"u": "geheim"} if fault.login else None)


@pytest.fixture(params=FAULTS, ids=lambda fault: fault.name)
def fault(request: pytest.FixtureRequest) -> Iterator[Fault]:
    yield request.param


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
@pytest.mark.usefixtures("trust")
def test_what_a_server_does_wrong(fault: Fault, tmp_path: Path, certificates: dict[str, Certificate]) -> None:
    office = Office(tmp_path, EVERYBODY)
    password = Password("geheim") if fault.login else None
    settings = {"security": fault.security, "username": "u" if fault.login else None}
    with _server(fault, certificates) as server:
        fault.does(server)
        timeouts = replace(PATIENT, **{fault.hasty: MOMENT}) if fault.hasty else PATIENT
        outcome = office.send(server.smtp(**settings), timeouts=timeouts, password=password)
        first = server.taken
    states = office.states()
    assert states.get(BART, State.PLANNED) is fault.state
    assert bool(outcome.stopped) is fault.stops
    assert exit_code(outcome) == fault.code
    assert re.search(fault.words, _said(outcome))
    assert "\x1b" not in _said(outcome)
    if not fault.stops:
        assert {states[ANNA], states[CHRIS]} == {State.SENT}
    _goes_on_the_next_day(office, [*first])


def _said(outcome: Outcome) -> str:
    if outcome.stopped:
        assert outcome.stopped.remedy
        return outcome.stopped.reason
    return " ".join(
        ending.reason for ending in (*outcome.refused, *outcome.waiting, *outcome.deferred, *outcome.in_doubt)
    )


def _goes_on_the_next_day(office: Office, taken: list[Taken]) -> None:
    """The server is well again: nobody is mailed twice, and nobody is forgotten."""
    office.clock = type(office.clock)(START + timedelta(days=1))
    with ScriptedServer() as server:
        office.send(server.smtp(), Pace(connections=2))
        taken += server.taken
    for address, state in office.states().items():
        perhaps = [each for each in taken if address in each.recipients and each.reply[0] not in "45"]
        assert state in (State.SENT, State.REFUSED, State.IN_DOUBT)
        if state is State.IN_DOUBT:
            assert len(perhaps) <= 1, address
        else:
            assert len(perhaps) == (0 if state is State.REFUSED else 1), address
