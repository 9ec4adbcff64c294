"""Mailings that go with a sign-in: tokens that expire halfway, that are withdrawn, that cron uses without a word."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.auth.desk import EVENT, PASSWORD, Desk
from tests.auth.people import NAME
from tests.smtp_server import Call
from tests.workplace import ROOT, a_place

MEMBERS = [f"Lid;;Nummer{n};lid{n}@corporatie{n}.example.org;Corporatie {n};directeur" for n in range(200)]


def twohundred(desk: Desk, pace: str = "{per_connection: 10}") -> None:
    """Members enough for twenty sessions."""
    desk.settings(desk.provider.settings(), f"pace: {pace}\n")
    desk.place.members(*MEMBERS)


def each_got(desk: Desk) -> set[int]:
    """How many mails members got: {1} if everybody had one."""
    return set(Counter(taken.recipients for taken in desk.server.taken).values())


def test_a_token_that_expires_in_the_middle_of_a_run_is_renewed(desk: Desk) -> None:
    twohundred(desk)
    assert desk.run("login").code == 0
    # Once before its time, as with a clock that was set; the seventh session meets it.
    desk.server.on("CONNECT", Call(desk.provider.expire), skip=6, times=1)
    ran = desk.send()
    assert ran.code == 0, ran.err
    assert (len(desk.server.taken), each_got(desk)) == (200, {1})
    assert desk.provider.count("refresh_token") == 1


def test_tokens_that_live_shorter_than_a_run_are_fetched_for_each_session(desk: Desk) -> None:
    twohundred(desk, "{connections: 3, per_connection: 10}")
    desk.provider.lifetime = 60
    assert desk.run("login").code == 0
    ran = desk.send()
    assert ran.code == 0, ran.err
    assert (len(desk.server.taken), each_got(desk)) == (200, {1})
    assert desk.provider.count("refresh_token") == desk.server.connections - 1 >= 20


def test_a_sign_in_that_is_withdrawn_halfway_leaves_the_rest_waiting(desk: Desk) -> None:
    twohundred(desk)
    assert desk.run("login").code == 0
    desk.server.on("CONNECT", Call(desk.provider.withdraw), skip=6, times=1)
    stopped = desk.send()
    assert stopped.code == 77
    assert f"the sign-in of {NAME} has expired or was withdrawn" in stopped.out
    assert "sign in again: mkwmail login" in stopped.out
    assert len(desk.server.taken) == 60
    assert desk.run("login").code == 0
    assert desk.send().code == 0
    assert (len(desk.server.taken), each_got(desk)) == (200, {1})


def test_a_provider_that_is_out_for_a_moment_stops_nothing(desk: Desk) -> None:
    twohundred(desk, "{per_connection: 50}")
    desk.provider.lifetime = 60
    assert desk.run("login").code == 0
    # The third session finds it out, and is opened again after a second.
    desk.server.on("QUIT", Call(lambda: desk.provider.refuse("refresh_token", "503")), skip=1, times=1)
    desk.server.on("CONNECT", Call(desk.provider.allow), skip=3, times=1)
    ran = desk.send()
    assert ran.code == 0, ran.err
    assert each_got(desk) == {1}


@pytest.mark.parametrize(
    ("error", "description", "words"),
    [
        ("invalid_grant", "AADSTS700082: The refresh token has expired due to inactivity.", "expired or was withdrawn"),
        ("invalid_grant", "AADSTS65001: The user or administrator has not consented", "nobody has agreed yet"),
        ("invalid_grant", "AADSTS53003: Access has been blocked by Conditional Access", "no longer allow the sign-in"),
    ],
)
def test_what_is_wrong_is_reported_before_the_first_member(
    desk: Desk, error: str, description: str, words: str
) -> None:
    desk.provider.lifetime = 60
    assert desk.run("login").code == 0
    desk.provider.refuse("refresh_token", error, description)
    ran = desk.run("send", EVENT, "invitation", "--yes", "--json")
    assert ran.code == 77 and (ran.json["sent"], ran.json["waiting"]) == (0, 5)
    assert words in str(ran.json["faults"])
    assert desk.server.taken == [] and not desk.server.said("MAIL FROM")[1:]


def test_passwords_that_are_switched_off_are_reported_with_the_way_out(desk: Desk) -> None:
    desk.settings(f"username: {NAME}")
    desk.server.on("AUTH", "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.")
    ran = desk.run("send", EVENT, "invitation", "--yes", MKWMAIL_SMTP_PASSWORD="x-geheim")
    assert ran.code == 77
    assert "no longer lets this account log in with a password" in ran.out
    assert "write auth: oauth below smtp: in mkwmail.yaml, and type mkwmail login" in ran.out


def test_due_goes_without_a_word_and_tells_of_a_withdrawn_sign_in_once_a_day(desk: Desk) -> None:
    assert desk.run("login").code == 0
    assert desk.run("schedule", EVENT, "invitation", "--yes", now="2020-02-10T10:00").code == 0
    desk.provider.withdraw()
    desk.provider.refuse("refresh_token", "invalid_grant", "AADSTS700082: expired. Trace ID: 1")
    first = desk.run("due", now="2020-02-17T09:00")
    assert first.code == 77
    assert f"the sign-in of {NAME} has expired or was withdrawn" in first.err
    assert "    → sign in again: mkwmail login" in first.err
    assert "could not be notified by mail: it is the login that fails" in first.err
    logins = len(desk.server.said("AUTH"))
    desk.provider.refuse("refresh_token", "invalid_grant", "AADSTS700082: expired. Trace ID: 2")
    again = desk.run("due", now="2020-02-17T09:30")
    assert (again.code, again.out, again.err) == (77, "", "")
    # Neither a mail nor cron may ever reach her: what she types herself says it too.
    for words in ((), ("status",)):
        assert "could not log in to the mail server then" in desk.run(*words, now="2020-02-17T10:00").out
    # Once for the mailing, and not a second time to tell of it.
    assert len(desk.server.said("AUTH")) == logins + 1
    assert "has expired or was withdrawn" in desk.run("due", now="2020-02-18T09:00").err
    desk.provider.allow()
    assert desk.run("login").code == 0
    went = desk.run("due", now="2020-02-18T09:30")
    assert went.code == 0 and "5 mails sent" in went.out
    assert "could not log in" not in desk.run(now="2020-02-18T10:00").out
    mails = [taken.recipients[0] for taken in desk.server.taken]
    assert mails.count(NAME) == 0 and len(mails) == 5


def test_due_if_nobody_has_signed_in(desk: Desk) -> None:
    assert desk.run("schedule", EVENT, "invitation", "--yes", now="2020-02-10T10:00").code == 0
    told = desk.run("due", now="2020-02-17T09:00")
    assert told.code == 77 and "nobody has signed in" in told.err and "    → sign in: mkwmail login" in told.err
    assert desk.run("due", now="2020-02-17T09:30").err == ""


PARTS = """
import sys
{before}
sys.argv = ["mkwmail", *{words!r}]
from mkwmail.__main__ import main
try:
    main()
except SystemExit as end:
    print("exit", end.code)
print(*sorted(sys.modules), file=sys.stderr)
"""


def parts(desk: Desk, *words: str, before: str = "", **environment: str) -> tuple[str, set[str]]:
    """Return the output of a call of the program, and every module that it imports."""
    script = PARTS.format(before=before, words=["--folder", str(desk.place.folder), *words])
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**desk.place.environment(), **desk.trusted, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    *said, imported = done.stderr.splitlines()
    return done.stdout + "\n".join(said), set(imported.split())


def test_a_login_with_a_password_imports_nothing_of_it(desk: Desk) -> None:
    desk.settings(f"username: {NAME}")
    own = {"MKWMAIL_SMTP_PASSWORD": PASSWORD, "MKWMAIL_STATE": str(desk.place.folder / ".state")}
    said, imported = parts(desk, "send", EVENT, "invitation", "--yes", **own)
    assert "exit 0" in said
    tops = {name.partition(".")[0] for name in imported}
    assert not tops & {"oauthlib", "keyring", "platformdirs", "webbrowser"}
    assert not imported & {"urllib.request", "mkwmail.auth.oauth_protocol"}


def test_a_token_that_is_still_good_needs_nothing_of_it_either(desk: Desk) -> None:
    assert desk.run("login").code == 0
    said, imported = parts(desk, "send", EVENT, "invitation", "--yes")
    assert "exit 0" in said and "oauthlib" not in imported and "keyring" not in imported


def test_without_the_extra_it_says_what_to_install(desk: Desk) -> None:
    said, _imported = parts(desk, "login", before="sys.modules['oauthlib'] = None")
    assert "exit 78" in said and "uv tool install 'mkwmail[oauth]'" in said


def test_without_keyring_it_is_a_file(desk: Desk) -> None:
    said, _imported = parts(desk, "login", before="sys.modules['keyring'] = None")
    assert "exit 0" in said and desk.kept() is not None


def test_help_imports_nothing_of_it(tmp_path: Path, desk: Desk) -> None:
    for words in (("--help",), ("login", "--help")):
        said, imported = parts(desk, *words)
        assert "login" in said
        assert not {name for name in imported if name.startswith("mkwmail.signin")}
        assert not {name.partition(".")[0] for name in imported} & {"oauthlib", "keyring", "platformdirs", "filelock"}
    assert a_place(tmp_path / "other").run("--help").code == 0
