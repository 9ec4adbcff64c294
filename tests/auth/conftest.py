"""A provider on loopback, whose certificate is trusted."""

from collections.abc import Iterator
from pathlib import Path

import keyring.backends.fail
import pytest

from tests.auth.desk import PASSWORD, Desk
from tests.auth.people import NAME
from tests.authorization_server import AuthorizationServer
from tests.delivery.certificates import Certificate, make_certificate
from tests.smtp_server import ScriptedServer


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("provider"))


@pytest.fixture
def provider(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthorizationServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    with AuthorizationServer(certificate) as server:
        yield server


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """None but a test's own: not that of the person who runs the tests."""
    monkeypatch.setattr("keyring.core._keyring_backend", keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]


@pytest.fixture
def desk(tmp_path: Path, provider: AuthorizationServer, certificate: Certificate) -> Iterator[Desk]:
    context = certificate.server_context()
    with ScriptedServer(tls=context, takes_token=provider.is_good, users={NAME: PASSWORD}) as server:
        yield Desk(tmp_path, server, provider, certificate.certificate)
