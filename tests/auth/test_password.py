"""The password: its sources, and that it is never shown."""

import os
import sys
import traceback
from pathlib import Path

import pytest

from mkwmail.auth.credentials import Password, credential_for, password_for
from mkwmail.auth.store import Store
from mkwmail.config.settings import Smtp
from mkwmail.delivery.smtp_client import open_session
from mkwmail.delivery.transport import NoSessionError
from mkwmail.errors import ExitCode, UserError
from tests.delivery.office import PATIENT
from tests.smtp_server import ScriptedServer

SECRET = "Geheim-wóórd-1"


def smtp(**settings: object) -> Smtp:
    return Smtp.model_validate({"host": "smtp.example.org", "username": "secretaris", **settings})


def fault_of(settings: Smtp, folder: Path, seconds: float = 10) -> str:
    with pytest.raises(UserError) as caught:
        password_for(settings, folder, {}, Store(folder / "logins"), seconds)
    assert caught.value.code == ExitCode.SETTINGS
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.faults)
    assert SECRET not in shown
    return str(caught.value)


def test_no_username_needs_no_password(tmp_path: Path) -> None:
    assert credential_for(Smtp(host="localhost"), tmp_path, {"MKWMAIL_SMTP_PASSWORD": "x"}) is None


def test_the_environment_comes_first(tmp_path: Path) -> None:
    settings = smtp(password_command="false", password_file="none")
    found = password_for(settings, tmp_path, {"MKWMAIL_SMTP_PASSWORD": SECRET})
    assert found.reveal() == SECRET


def test_the_first_line_of_a_command_run_in_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "tell.py").write_text(f"print({SECRET!r}); print('a note')", encoding="utf-8")
    found = password_for(smtp(password_command=f"{sys.executable} -X utf8 'tell.py'"), tmp_path, {})
    assert found.reveal() == SECRET


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (f"print({SECRET!r}, flush=True); import time; time.sleep(60)", "did not finish within 0.2 seconds"),
        (f"print({SECRET!r}); raise SystemExit(3)", "status 3"),
        ("print()", "prints no password"),
    ],
)
def test_a_command_that_fails_shows_nothing_of_what_it_printed(tmp_path: Path, program: str, words: str) -> None:
    (tmp_path / "tell.py").write_text(program, encoding="utf-8")
    command = f"{sys.executable} -X utf8 tell.py"
    assert words in fault_of(smtp(password_command=command), tmp_path, 0.2 if "sleep" in program else 10)


def test_a_command_that_does_not_exist_or_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be run" in fault_of(smtp(password_command="no-such-program-here"), tmp_path)
    assert "cannot be run" in fault_of(smtp(password_command="echo 'half"), tmp_path)


def test_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"\xef\xbb\xbf" + SECRET.encode() + b"\r\nmore\r\n")
    path.chmod(0o600)
    found = password_for(smtp(password_file="password"), tmp_path, {})
    assert found.reveal() == SECRET


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_open_to_others_is_refused_with_the_command_to_type(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "my password"
    path.write_text(SECRET, encoding="utf-8")
    path.chmod(mode)
    assert f"chmod 600 '{path}'" in fault_of(smtp(password_file="my password"), tmp_path)


def test_a_file_that_is_missing_empty_or_no_text(tmp_path: Path) -> None:
    assert "cannot be read" in fault_of(smtp(password_file="none"), tmp_path)
    for content in (b"", b"\n", b"\xff\xfe\x00"):
        (tmp_path / "password").write_bytes(content)
        (tmp_path / "password").chmod(0o600)
        assert "no password" in fault_of(smtp(password_file="password"), tmp_path)


def test_none_at_all_says_how_to_give_one(tmp_path: Path) -> None:
    assert "MKWMAIL_SMTP_PASSWORD" in fault_of(smtp(), tmp_path)


def test_it_never_shows(tmp_path: Path) -> None:
    password = Password(SECRET)
    assert SECRET not in f"{password} {password!r} {[password]} {vars.__name__}"
    with ScriptedServer(users={"secretaris": "other"}) as server:
        # A server that repeats what it was given.
        server.on("AUTH", f"535 5.7.8 wrong: {SECRET} AHNlY3JldGFyaXMAR2VoZWltLXfDs8OzcmQtMQ==")
        with pytest.raises(NoSessionError) as caught:
            open_session(server.smtp(username="secretaris"), password, PATIENT)
    shown = "".join(traceback.format_exception(caught.value))
    assert caught.value.code == ExitCode.LOGIN
    assert caught.value.__context__ is None
    assert SECRET not in shown
    assert "AHNlY3JldGFyaXMAR2VoZWltLXfDs8OzcmQtMQ==" not in shown
    assert "wrong" in shown
