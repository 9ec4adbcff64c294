"""The store of logins: a private file, or the system's keyring."""

import json
import os
import stat
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from mkwmail.auth.store import Store
from mkwmail.config.settings import Smtp
from mkwmail.errors import ExitCode, UserError

SMTP = Smtp(host="smtp.example.org", username="kim@example.org")
VALUES = {"password": "Zeer-geheim!7"}

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


class Ring(keyring.backend.KeyringBackend):
    """A keyring that works, until it is closed; it takes so many characters."""

    priority = 5

    def __init__(self, most: int = 10_000) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.closed = False
        self.most = most

    def _open(self) -> None:
        if self.closed:
            raise keyring.errors.KeyringLocked("closed")

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        if len(password) > self.most:
            raise ValueError("Stub received bad data")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._open()
        del self.kept[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    made = Ring()
    monkeypatch.setattr("keyring.core._keyring_backend", made)
    return made


def fault(store: Store) -> UserError:
    with pytest.raises(UserError) as caught:
        store.load(SMTP)
    assert "geheim" not in str(caught.value)
    return caught.value


@posix
def test_without_a_keyring_it_is_a_file_of_ones_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "logins")
    assert store.load(SMTP) is None
    old = os.umask(0)
    try:
        where = store.keep(SMTP, VALUES)
    finally:
        os.umask(old)
    path = Path(where)
    assert path == tmp_path / "logins" / "kim@example.org_smtp.example.org.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert store.load(SMTP) == VALUES
    assert store.load(Smtp(host="other.example.org", username="kim@example.org")) is None
    assert store.remove(SMTP) and not store.remove(SMTP)
    assert store.load(SMTP) is None and list(path.parent.iterdir()) == []


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_open_to_others_is_refused_with_the_command_to_type(tmp_path: Path, mode: int) -> None:
    store = Store(tmp_path)
    path = Path(store.keep(SMTP, VALUES))
    path.chmod(mode)
    told = fault(store)
    assert told.code == ExitCode.SETTINGS
    assert told.faults[0].remedy == f"chmod 600 {path}"
    # A login that others could read may still be removed.
    assert store.remove(SMTP)


def test_a_spoiled_file_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = Path(store.keep(SMTP, VALUES))
    for spoiled in ('{"password": "gehei', "[]", '{"password": ["geheim"]}'):
        path.write_text(spoiled)
        assert "is damaged" in str(fault(store))


def test_a_username_names_no_other_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "logins")
    odd = Smtp(host="smtp.example.org", username="../../kim/..\\x")
    assert Path(store.keep(odd, VALUES)).parent == tmp_path / "logins"


def test_in_the_keyring_nothing_secret_is_in_the_file(ring: Ring, tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.keep(SMTP, VALUES) == "the system's keyring"
    assert "geheim" not in store.path(SMTP).read_text()
    assert store.load(SMTP) == VALUES
    store.renew(SMTP, {"password": "ander-geheim"})
    assert store.load(SMTP) == {"password": "ander-geheim"}
    assert "geheim" not in store.path(SMTP).read_text()
    assert store.remove(SMTP) and ring.kept == {} and not store.path(SMTP).exists()


def test_a_keyring_that_is_closed_is_reported_and_keeps_what_it_has(ring: Ring, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep(SMTP, VALUES)
    ring.closed = True
    assert fault(store).code == ExitCode.LOGIN
    assert "keyring, which cannot be reached" in str(fault(store))
    with pytest.raises(UserError, match="still in it"):
        store.remove(SMTP)
    ring.closed = False
    assert store.load(SMTP) == VALUES


def test_a_keyring_that_takes_no_long_text_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("keyring.core._keyring_backend", Ring(most=10))
    store = Store(tmp_path)
    assert store.keep(SMTP, VALUES) == str(store.path(SMTP))
    assert store.load(SMTP) == VALUES


def test_what_is_in_a_file_stays_there_when_a_keyring_comes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep(SMTP, VALUES)
    ring = Ring()
    monkeypatch.setattr("keyring.core._keyring_backend", ring)
    store.renew(SMTP, {"password": "ander-geheim"})
    # cron, which mostly cannot ask a keyring, goes on as it did.
    assert json.loads(store.path(SMTP).read_text()) == {"password": "ander-geheim"}
    assert ring.kept == {}


@posix
def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "logins").write_text("a file")
    with pytest.raises(UserError) as caught:
        Store(tmp_path / "logins").keep(SMTP, VALUES)
    assert "cannot be written" in str(caught.value)


@posix
def test_a_folder_in_which_nothing_can_be_locked_is_reported(tmp_path: Path) -> None:
    (tmp_path / "logins").write_text("a file")
    with pytest.raises(UserError) as caught, Store(tmp_path / "logins").locked(SMTP):
        pass
    assert "cannot be written" in str(caught.value)
