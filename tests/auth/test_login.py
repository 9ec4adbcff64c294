"""`login` and `logout`, the real program against a provider and a mail server over TLS."""

import json
import os
import re
import stat
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.auth.desk import EVENT, PASSWORD, Desk
from tests.auth.people import NAME
from tests.authorization_server import CLIENT, SCOPES
from tests.imap_server import ImapServer
from tests.smtp_server import Call

posix = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals and modes are POSIX's")


def test_with_a_code_then_mails_are_sent_until_logout(desk: Desk) -> None:
    desk.provider.pending = 2
    nobody = desk.send()
    assert nobody.code == 77 and "5 members" not in nobody.out
    assert f"nobody has signed in as {NAME}" in nobody.err and "mkwmail login" in nobody.err
    ran = desk.run("login", "--device")
    assert ran.code == 0
    for words in (f"    {desk.provider.url}/apparaat\n", "    WXYZ-1234\n", f"Sign in there as {NAME}"):
        assert words in ran.err
    kept = desk.kept()
    assert kept is not None and f"the login is stored on this computer, in:\n    {kept}\n" in ran.out
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    # The server was asked, and nothing was sent.
    assert desk.server.said("QUIT") and not desk.server.said("DATA")
    assert desk.run("check", EVENT, "--server").code == 0
    assert desk.send().code == 0
    assert len(desk.server.taken) == 5
    assert desk.provider.count("refresh_token") == 0
    out = desk.run("logout")
    assert out.code == 0 and "was removed from this computer" in out.out
    assert desk.kept() is None
    assert "No login of" in desk.run("logout").out
    desk.place.members("Kim;;Nieuw;nieuw@nieuwstede.example.org;Nieuwstede;directeur")
    assert desk.send().code == 77


def test_with_the_browser(desk: Desk, tmp_path: Path) -> None:
    visitor = tmp_path / "browser.py"
    visitor.write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=10).read()\n")
    screen = {"DISPLAY": ":0", "BROWSER": f"{sys.executable} {visitor} %s"}
    ran = desk.run("login", **screen)
    assert ran.code == 0, ran.err
    assert "Your browser opens" in ran.err and f"    {desk.provider.url}/authorize?prompt=consent&" in ran.err
    assert desk.provider.count("authorization_code") == 1
    assert desk.send().code == 0


@pytest.mark.parametrize("over_ssh", [{"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22", "DISPLAY": ":10"}, {}])
def test_over_ssh_or_without_a_screen_it_is_a_code(desk: Desk, over_ssh: dict[str, str]) -> None:
    assert desk.run("login", **over_ssh).code == 0
    assert desk.provider.count("device_code") == 1


def test_a_sign_in_for_sending_sends_and_reads_only_after_a_sign_in_for_reading(desk: Desk) -> None:
    with ImapServer({"SEARCH": b"* SEARCH\r\nTAG OK done\r\n"}) as imap:
        mailbox = f"provider: microsoft365\nmailbox: {{host: 127.0.0.1, port: {imap.port}, security: 'none'}}\n"
        desk.settings(desk.provider.settings(), mailbox)
        assert desk.run("login", "--device").code == 0
        assert desk.send().code == 0
        lacking = desk.run("inbox")
        assert lacking.code == 77 and "mkwmail login --mailbox" in lacking.err and not imap.tokens
        desk.place.members("Kim;;Nieuw;nieuw@nieuwstede.example.org;Nieuwstede;directeur")
        assert desk.send().code == 0 and len(desk.server.taken) == 6
        desk.provider.scopes.add(f"https://outlook.office.com/IMAP.AccessAsUser.All {SCOPES}")
        ran = desk.run("login", "--mailbox", "--device")
        assert ran.code == 0, ran.err
        assert "allows reading, changing and deleting all mail of the mailbox" in ran.err
        asked = [form["scope"] for path, form in desk.provider.asked if path.endswith("/device")]
        assert "IMAP.AccessAsUser.All" not in asked[0] and "IMAP.AccessAsUser.All" in asked[-1]
        assert "SEARCH" not in imap.asked
        assert desk.run("inbox").code == 0
        assert desk.provider.is_good(NAME, imap.tokens[-1]) and "SEARCH" in imap.asked
        desk.place.members("Jan;;Oud;jan@oudstede.example.org;Oudstede;directeur")
        assert desk.send().code == 0 and len(desk.server.taken) == 7


def test_a_provider_without_codes_for_other_devices(desk: Desk) -> None:
    without = desk.provider.settings().replace("device_url", "#device_url").split(", #device_url")[0]
    desk.settings(f"{without}, token_url: '{desk.provider.url}/token'")
    ran = desk.run("login", "--device")
    assert ran.code == 2 and "mkwmail login --browser" in ran.err
    assert desk.run("login", "--device", "--browser").code == 2


@posix
def test_from_another_computer_the_address_is_pasted(desk: Desk) -> None:
    def visit(screen: str) -> str:
        (url,) = re.findall(r"https://\S+/authorize\?\S+", screen)
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        return desk.provider.authorize(query)

    answers = [("client secret", ""), ("paste the address of that", visit)]
    code, screen = desk.type("login", "--browser", answers=answers, SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22")
    assert code == 0 and "Logged in to" in screen
    assert desk.provider.count("authorization_code") == 1


@posix
def test_a_password_is_asked_for_unseen_tried_and_kept(desk: Desk) -> None:
    desk.settings(f"username: {NAME}")
    question = f"The password of {NAME} at 127.0.0.1"
    code, screen = desk.type("login", answers=[(question, "wrong")])
    assert code == 77 and "Nothing was stored." in screen and desk.kept() is None
    assert len(desk.server.said("AUTH")) == 1
    # To the letter, spaces too.
    assert desk.type("login", answers=[(question, f"{PASSWORD} ")])[0] == 77
    code, screen = desk.type("login", answers=[(question, PASSWORD)])
    assert code == 0 and f"Logged in to 127.0.0.1 as {NAME}; nothing was sent." in screen
    kept = desk.kept()
    assert kept is not None and json.loads(kept.read_text()) == {"password": PASSWORD}
    assert desk.send().code == 0
    # The nearer one comes first.
    desk.place.members("Kim;;Nieuw;nieuw@nieuwstede.example.org;Nieuwstede;directeur")
    assert desk.run("check", EVENT, "--server", MKWMAIL_SMTP_PASSWORD="other").code == 77
    kept.chmod(0o644)
    refused = desk.send()
    assert refused.code == 78 and f"chmod 600 {kept}" in refused.err
    assert desk.run("logout").code == 0 and desk.kept() is None


def test_a_password_needs_somebody_to_type_it(desk: Desk) -> None:
    desk.settings(f"username: {NAME}")
    ran = desk.run("login")
    assert ran.code == 2 and "there is no terminal" in ran.err
    assert desk.run("login", "--device").code == 2
    desk.settings(f"username: {NAME}, password_file: x")
    ran = desk.run("login")
    assert ran.code == 78 and "password_file: already sets where the password comes from" in ran.err
    desk.place.settings(desk.server.port)
    assert "there is no username" in desk.run("login").err


@posix
def test_what_is_missing_is_asked_for(desk: Desk) -> None:
    desk.settings(desk.provider.settings().replace(f"client_id: {CLIENT}, ", ""))
    assert desk.run("login").code == 2
    desk.provider.client_secret = "google's-own"
    answers = [("Application id:", CLIENT), ("client secret", "google's-own")]
    code, screen = desk.type("login", "--device", answers=answers)
    assert code == 0 and "google's-own" not in screen
    desk.provider.expire()
    assert desk.send().code == 0
    # The next time it is there already.
    code, screen = desk.type("login", "--device", answers=[("Enter: keep the previous one", "")])
    assert code == 0 and "Application id" not in screen


def test_another_account_than_the_settings_name(desk: Desk) -> None:
    desk.provider.account, desk.provider.says_who = "bureau@example.org", True
    ran = desk.run("login")
    assert ran.code == 77
    assert f"you signed in as bureau@example.org, and smtp: username in mkwmail.yaml is {NAME}" in ran.err
    assert "Nothing was stored." in ran.err and desk.kept() is None
    desk.provider.says_who = False
    ran = desk.run("login")
    assert ran.code == 77 and "sign in as smtp: username" in ran.err


def test_smtp_auth_is_off_for_the_mailbox(desk: Desk) -> None:
    desk.server.on(
        "AUTH", "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."
    )
    ran = desk.run("login")
    assert ran.code == 77 and "Set-CASMailbox" in ran.err and desk.kept() is None


def test_the_right_to_send_as_a_shared_mailbox_is_missing(desk: Desk) -> None:
    # The login is a person's, the sender the mailbox that they share.
    desk.place.write(
        "mkwmail.yaml",
        (desk.place.folder / "mkwmail.yaml").read_text().replace("email: secretaris@", "email: bestuur@"),
    )
    desk.server.on("MAIL", "550 5.7.60 SMTP; Client does not have permissions to send as this sender", times=1)
    ran = desk.run("login")
    assert ran.code == 77 and "this login may not send as this sender" in ran.err
    # The login itself is good, and kept; the right comes from others.
    assert desk.kept() is not None
    assert desk.server.said("MAIL")[0].startswith("MAIL FROM:<bestuur@example.org>")
    desk.server.on("DOT", "554 5.2.252 SendAsDenied; secretaris@example.org not allowed to send as", times=1)
    sent = desk.run("send", EVENT, "invitation", "--yes", "--json")
    assert sent.code == 77 and sent.json["sent"] == 0 and sent.json["refused"] == []
    assert "may not send as this sender" in str(sent.json["faults"])
    assert desk.send().code == 0
    assert len({taken.recipients for taken in desk.server.taken if taken.reply.startswith("250")}) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_tokens_are_nowhere_but_in_their_own_file(desk: Desk) -> None:
    seen: list[bytes] = []

    def look() -> None:
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    seen.append((process / "cmdline").read_bytes() + (process / "environ").read_bytes())
                except OSError:
                    continue

    desk.server.on("AUTH", Call(look))
    assert desk.run("login").code == 0
    assert desk.send().code == 0
    desk.provider.withdraw()
    desk.place.members("Kim;;Nieuw;nieuw@nieuwstede.example.org;Nieuwstede;directeur")
    for words in (("send", EVENT, "invitation", "--yes", "--json"), ("check", EVENT, "--server", "--json")):
        assert desk.run(*words).code == 77
    assert len(seen) > 10
    kept = desk.kept()
    files = [path.read_bytes() for path in desk.place.folder.rglob("*") if path.is_file() and path != kept]
    tokens = [token.encode() for token in desk.provider.issued | desk.provider.refreshed]
    assert len(tokens) == 2
    assert [token for token in tokens for text in (*seen, *files) if token in text] == []
    assert kept is not None and all(token in kept.read_bytes() for token in tokens)


def test_in_the_systems_keyring_if_there_is_one(desk: Desk, tmp_path: Path) -> None:
    ring = {"PYTHON_KEYRING_BACKEND": "tests.auth.keyrings.FileRing", "RING": str(tmp_path / "ring")}
    ran = desk.run("login", **ring)
    assert ran.code == 0 and "in:\n    the system's keyring\n" in ran.out
    kept = desk.kept()
    assert kept is not None and "token" not in kept.read_text()
    desk.provider.expire()
    assert desk.run("send", EVENT, "invitation", "--yes", **ring).code == 0
    assert desk.provider.count("refresh_token") == 1 and "token" not in kept.read_text()
    desk.place.members("Kim;;Nieuw;nieuw@nieuwstede.example.org;Nieuwstede;directeur")
    # As from cron, which has none.
    out = desk.send()
    assert out.code == 77 and "keyring, which cannot be reached from here" in out.err
    if sys.platform == "linux":
        warned = desk.run("schedule", EVENT, "invitation", "--yes", now="2020-02-10T10:00", **ring)
        assert "which cron usually cannot reach" in warned.err
    assert desk.run("logout", **ring).code == 0
    assert (tmp_path / "ring").read_text() == "{}" and desk.kept() is None


def test_a_sign_in_that_nobody_can_renew_is_warned_of(desk: Desk) -> None:
    desk.provider.gives_refresh_tokens = False
    ran = desk.run("login")
    assert ran.code == 0 and "so the sign-in expires soon: offline_access may be missing" in ran.err
    desk.provider.expire()
    ended = desk.send()
    assert ended.code == 77 and "the provider does not allow renewing it" in ended.out


@posix
def test_ctrl_c_ends_the_waiting(desk: Desk) -> None:
    desk.provider.pending, desk.provider.interval = 10**6, 1
    code, screen = desk.type("login", "--device", answers=[("client secret", ""), ("Ctrl-C stops", "\x03")])
    assert code == 130 and "Logged in" not in screen and desk.kept() is None


def test_check_says_that_nobody_can_log_in_yet(desk: Desk) -> None:
    assert f"nobody has signed in as {NAME}" in desk.run("check", EVENT).out
    assert desk.run("login").code == 0
    assert "signed in" not in desk.run("check", EVENT).out


def test_it_speaks_dutch(desk: Desk) -> None:
    ran = desk.run("login", MKWMAIL_LANG="nl")
    assert ran.code == 0
    assert "Open dit adres" in ran.err and "Ingelogd op 127.0.0.1" in ran.out
