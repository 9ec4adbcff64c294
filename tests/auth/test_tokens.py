"""Tokens that are kept: renewed in time, by one at a time, and reported if they are not valid any more."""

import os
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import pytest

from mkwmail.auth.credentials import Secret, SignInError
from mkwmail.auth.oauth import StoredTokens, Tokens, TokenSet
from mkwmail.auth.store import Store
from mkwmail.config.settings import Smtp
from mkwmail.errors import ExitCode, UserError
from tests.auth.people import NAME, smtp_of
from tests.authorization_server import CLIENT, AuthorizationServer
from tests.workplace import ROOT


def signed_in(provider: AuthorizationServer, folder: Path) -> tuple[Smtp, Store]:
    """Somebody who has signed in just now."""
    smtp, store = smtp_of(provider), Store(folder / "logins")
    made = provider._issue()
    issued = TokenSet(Secret(made["access_token"]), time.time() + provider.lifetime, Secret(made["refresh_token"]))
    store.keep(smtp, StoredTokens(CLIENT, None, issued).values())
    return smtp, store


def test_a_token_is_used_until_shortly_before_it_expires(provider: AuthorizationServer, tmp_path: Path) -> None:
    smtp, store = signed_in(provider, tmp_path)
    first = Tokens(smtp, store).current()
    assert Tokens(smtp, store, lambda: time.time() + 3200).current() == first
    assert provider.count("refresh_token") == 0
    second = Tokens(smtp, store, lambda: time.time() + 3400).current()
    assert second != first and provider.is_good(NAME, second.reveal())
    assert Tokens(smtp, store).current() == second


def test_a_clock_that_is_off_by_ten_minutes_costs_a_renewal_at_most(
    provider: AuthorizationServer, tmp_path: Path
) -> None:
    smtp, store = signed_in(provider, tmp_path)
    ahead = Tokens(smtp, store, lambda: time.time() + 600)
    behind = Tokens(smtp, store, lambda: time.time() - 600)
    assert provider.is_good(NAME, ahead.current().reveal())
    provider.expire()
    # By this clock it looks good: the server refuses it, and another one is fetched.
    stale = behind.current()
    assert not provider.is_good(NAME, stale.reveal())
    assert provider.is_good(NAME, behind.other_than(stale).reveal())
    assert provider.count("refresh_token") == 1


def test_a_refused_token_that_somebody_renewed_meanwhile_is_not_renewed_again(
    provider: AuthorizationServer, tmp_path: Path
) -> None:
    smtp, store = signed_in(provider, tmp_path)
    mine, theirs = Tokens(smtp, store), Tokens(smtp, store)
    refused = mine.current()
    fresh = theirs.other_than(refused)
    assert mine.other_than(refused) == fresh
    assert provider.count("refresh_token") == 1


def test_threads_that_need_one_at_once_fetch_one(provider: AuthorizationServer, tmp_path: Path) -> None:
    smtp, store = signed_in(provider, tmp_path)
    tokens = Tokens(smtp, store, lambda: time.time() + 3400)
    # Only those that are issued from now on are fresh by that clock.
    provider.lifetime = 10_000
    found: list[Secret] = []
    threads = [threading.Thread(target=lambda: found.append(tokens.current())) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and len(found) == 8
    assert provider.count("refresh_token") == 1


RENEW = """
import sys, time
from pathlib import Path
from mkwmail.auth.store import Store
from mkwmail.auth.oauth import Tokens
from mkwmail.config.settings import Smtp
tokens = Tokens(Smtp.model_validate_json(sys.argv[1]), Store(Path(sys.argv[2])))
print("ready", flush=True)
sys.stdin.readline()
for _each in range(5):
    tokens.other_than(tokens.current())
"""


def test_processes_that_renew_at_once_lose_no_refresh_token(provider: AuthorizationServer, tmp_path: Path) -> None:
    smtp, store = signed_in(provider, tmp_path)
    command = [sys.executable, "-c", RENEW, smtp.model_dump_json(), str(tmp_path / "logins")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    runs = [subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) for _each in range(3)]
    for run in runs:
        assert run.stdout is not None and run.stdout.readline() == b"ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write(b"go\n")
        run.stdin.flush()
    ended = [run.communicate(timeout=60) for run in runs]
    assert [(run.returncode, err) for run, (_out, err) in zip(runs, ended, strict=True)] == [(0, b"")] * 3
    # The provider refuses a refresh token that was used before.
    assert provider.is_good(NAME, Tokens(smtp, store).current().reveal())
    assert 5 <= provider.count("refresh_token") <= 15


@pytest.mark.parametrize(
    "description", ["AADSTS700082: The refresh token has expired due to inactivity.", "AADSTS50173: revoked", ""]
)
def test_a_sign_in_that_was_withdrawn_is_reported(
    provider: AuthorizationServer, tmp_path: Path, description: str
) -> None:
    smtp, store = signed_in(provider, tmp_path)
    if description:
        provider.refuse("refresh_token", "invalid_grant", description)
    else:
        provider.withdraw()
    tokens = Tokens(smtp, store)
    with pytest.raises(SignInError) as caught:
        tokens.other_than(tokens.current())
    assert (caught.value.code, caught.value.lasting) == (ExitCode.LOGIN, True)
    assert f"the sign-in of {NAME} has expired or was withdrawn" in str(caught.value)
    assert caught.value.faults[0].remedy == "sign in again: mkwmail login"
    # It is still kept: an outage that looks like this one must not sign anybody out.
    assert store.load(smtp) is not None
    shown = "".join(traceback.format_exception(caught.value))
    assert not [token for token in provider.issued | provider.refreshed if token in shown]
    assert caught.value.__context__ is None


def test_a_provider_that_is_out_is_not_lasting(provider: AuthorizationServer, tmp_path: Path) -> None:
    smtp, store = signed_in(provider, tmp_path)
    provider.refuse("refresh_token", "503")
    tokens = Tokens(smtp, store)
    with pytest.raises(SignInError) as caught:
        tokens.other_than(tokens.current())
    assert (caught.value.code, caught.value.lasting) == (ExitCode.SERVER, False)


def test_without_a_refresh_token_somebody_must_sign_in_again(provider: AuthorizationServer, tmp_path: Path) -> None:
    smtp, store = smtp_of(provider), Store(tmp_path)
    store.keep(smtp, StoredTokens(CLIENT, None, TokenSet(Secret("x"), 0, None)).values())
    with pytest.raises(SignInError) as caught:
        Tokens(smtp, store).current()
    assert caught.value.code == ExitCode.LOGIN


def test_nobody_has_signed_in_or_for_another_application(provider: AuthorizationServer, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        Tokens(smtp_of(provider), Store(tmp_path)).check()
    assert caught.value.code == ExitCode.LOGIN and "mkwmail login" in caught.value.faults[0].remedy
    _smtp, store = signed_in(provider, tmp_path)
    with pytest.raises(UserError) as caught:
        Tokens(smtp_of(provider, client_id="another"), store).check()
    assert "another application" in str(caught.value)


def test_a_refresh_token_that_is_not_replaced_stays_and_a_secret_too(
    provider: AuthorizationServer, tmp_path: Path
) -> None:
    provider.client_secret = "google's"
    smtp, store = smtp_of(provider), Store(tmp_path)
    made = provider._issue()
    issued = TokenSet(Secret(made["access_token"]), 0, Secret(made["refresh_token"]))
    store.keep(smtp, StoredTokens(CLIENT, Secret("google's"), issued).values())
    provider.gives_refresh_tokens = False
    Tokens(smtp, store).current()
    kept = store.load(smtp) or {}
    assert kept["refresh_token"] == made["refresh_token"] and kept["client_secret"] == "google's"
