"""A provider on loopback, whose certificate is trusted."""

from collections.abc import Iterator

import keyring.backends.fail
import pytest

from tests.authorization_server import AuthorizationServer
from tests.sending.certificates import Certificate, make_certificate


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
