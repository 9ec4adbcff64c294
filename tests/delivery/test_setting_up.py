"""Opening a session: encryption, certificates, login, silence; against real sockets."""

import base64
import socket
import ssl
import threading
from pathlib import Path

import pytest

from mkwmail.auth.credentials import Password
from mkwmail.config.settings import Security, Smtp
from mkwmail.delivery.smtp_client import open_session, probe
from mkwmail.delivery.smtp_replies import Meaning, meaning
from mkwmail.delivery.transport import NoSessionError, Phase
from mkwmail.errors import ExitCode
from tests.delivery.certificates import Certificate, make_certificate
from tests.delivery.office import LONG_BODY, PATIENT, SHORT, a_message
from tests.smtp_server import DROP, SILENCE, Action, Raw, ReplyThenDrop, ScriptedServer, Slowly


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    return certificate


def refusal(smtp: Smtp, password: str = "geheim") -> NoSessionError:
    with pytest.raises(NoSessionError) as caught:
        open_session(smtp, Password(password), SHORT)
    assert caught.value.faults[0].remedy
    return caught.value


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_probe_logs_in_over_tls_and_leaves_without_sending(trusted: Certificate, security: Security) -> None:
    with ScriptedServer(
        extensions=("SIZE 1000000", "PIPELINING", "8BITMIME", "DSN", "LIMITS MAILMAX=20 RCPTMAX=100"),
        tls=trusted.server_context(),
        implicit_tls=security is Security.TLS,
        users={"secretaris": "gehéim"},
    ) as server:
        facts = probe(
            server.smtp(security=security, username="secretaris"), Password("gehéim"), "secretaris@example.org", PATIENT
        )
        assert server.taken == []
        assert server.said("DATA") == []
        assert server.said("RCPT") == ["RCPT TO:<secretaris@example.org>"]
        assert server.said("QUIT") == ["QUIT"]
        assert server.said("EHLO") == ["ehlo [127.0.0.1]"] * (2 if security is Security.STARTTLS else 1)
    assert facts.tls in ("TLSv1.2", "TLSv1.3")
    assert facts.logged_in
    assert facts.size == 1_000_000
    assert facts.most_messages == 20
    assert {"AUTH", "DSN", "PIPELINING"} <= set(facts.extensions)


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Certificate) -> None:
    for implicit in (False, True):
        security = Security.TLS if implicit else Security.STARTTLS
        with ScriptedServer(tls=certificate.server_context(), implicit_tls=implicit, users={"u": "p"}) as server:
            error = refusal(server.smtp(security=security, username="u"))
            assert server.said("AUTH") == []
        assert "self-signed" in str(error) or "self signed" in str(error)
        assert (error.code, error.lasting) == (ExitCode.SERVER, True)


def test_an_authority_of_the_organisation_is_trusted_if_the_settings_name_it(
    certificate: Certificate, tmp_path: Path
) -> None:
    for implicit in (False, True):
        security = Security.TLS if implicit else Security.STARTTLS
        with ScriptedServer(tls=certificate.server_context(), implicit_tls=implicit) as server:
            error = refusal(server.smtp(security=security))
            assert "ca_file: NAME.pem" in str(error)
            settings = server.smtp(security=security)
            open_session(settings.model_copy(update={"ca_file": str(certificate.certificate)}), None).close()
            empty = tmp_path / "empty.pem"
            empty.write_text("nothing")
            error = refusal(settings.model_copy(update={"ca_file": str(empty)}))
            assert (error.code, error.lasting) == (ExitCode.SETTINGS, True) and "empty.pem" in str(error)


def test_the_name_at_ehlo_is_the_address_or_the_one_in_the_settings() -> None:
    with ScriptedServer() as server:
        settings = server.smtp()
        open_session(settings, None).close()
        open_session(settings.model_copy(update={"hello": "mail.example.org"}), None).close()
        assert [each.lower() for each in server.said("EHLO")] == ["ehlo [127.0.0.1]", "ehlo mail.example.org"]


def test_a_certificate_for_another_host_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_certificate(tmp_path, "DNS:smtp.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.certificate))
    with ScriptedServer(tls=other.server_context()) as server:
        error = refusal(server.smtp(security=Security.STARTTLS))
    assert "127.0.0.1" in str(error)
    assert error.lasting


def test_starttls_that_is_not_offered_sends_no_password() -> None:
    with ScriptedServer(users={"u": "p"}) as server:
        error = refusal(server.smtp(security=Security.STARTTLS, username="u"))
        assert server.said("AUTH") == []
    assert "STARTTLS" in str(error)
    assert error.code == ExitCode.SERVER


def test_starttls_that_is_refused_or_followed_by_more_words(trusted: Certificate) -> None:
    cases: list[tuple[Action, str]] = [
        ("454 4.7.0 no TLS now", "no TLS now"),
        (Raw(b"220 go\r\n250-x\r\n"), "after STARTTLS"),
    ]
    for action, words in cases:
        with ScriptedServer(tls=trusted.server_context()) as server:
            server.on("STARTTLS", action)
            assert words in str(refusal(server.smtp(security=Security.STARTTLS)))


def test_a_server_that_speaks_only_old_tls(trusted: Certificate) -> None:
    context = trusted.server_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1
    with ScriptedServer(tls=context) as server:
        error = refusal(server.smtp(security=Security.STARTTLS))
    assert error.code == ExitCode.SERVER


def test_no_encryption_is_for_loopback_only() -> None:
    error = refusal(Smtp(host="smtp.example.org", security=Security.NONE))
    assert (error.code, error.lasting) == (ExitCode.SETTINGS, True)


def test_encryption_from_the_start_against_a_server_that_greets_in_the_clear() -> None:
    with ScriptedServer() as server:
        error = refusal(server.smtp(security=Security.TLS))
    assert "465" in error.faults[0].remedy


@pytest.mark.parametrize(
    ("step", "action"),
    [
        ("CONNECT", DROP),
        ("CONNECT", SILENCE),
        ("GREETING", "220-" + "\n220-".join(["x"] * 500)),
        ("GREETING", Raw(b"x" * 10_000)),
        ("GREETING", Raw(b"\xff\x00\x1b[2J\r\n")),
        ("GREETING", Raw(b"220-hello\r\n250 mixed\r\n")),
        ("GREETING", Slowly("220 test", 0.1)),
        ("EHLO", SILENCE),
        ("EHLO", DROP),
        ("AUTH", SILENCE),
        ("AUTH", DROP),
    ],
)
def test_silence_drops_and_nonsense_end_in_time_and_are_reported(step: str, action: Action) -> None:
    with ScriptedServer(users={"u": "geheim"}) as server:
        server.on(step, action)
        error = refusal(server.smtp(username="u"))
    assert (error.code, error.lasting) == (ExitCode.SERVER, False)
    assert "\x1b" not in str(error)


def test_one_wrong_password_is_one_try() -> None:
    with ScriptedServer(users={"u": "other"}) as server:
        error = refusal(server.smtp(username="u"))
        assert len(server.said("AUTH")) == 1
    assert (error.code, error.lasting) == (ExitCode.LOGIN, True)


def test_login_where_plain_is_not_offered() -> None:
    with ScriptedServer(extensions=("AUTH LOGIN XOAUTH2",), users={}) as server:
        server.on("AUTH", "334 VXNlcm5hbWU6")
        error = refusal(server.smtp(username="u"))
        # The scripted server knows no further step; what matters is what was said.
        assert server.commands[1:3] == ["AUTH LOGIN", "dQ=="]
    assert error.code in (ExitCode.SERVER, ExitCode.LOGIN)


@pytest.mark.parametrize(("offered", "words"), [((), "does not offer a login"), (("AUTH XOAUTH2",), "XOAUTH2")])
def test_no_login_that_works(offered: tuple[str, ...], words: str) -> None:
    with ScriptedServer(extensions=offered) as server:
        error = refusal(server.smtp(username="u"))
    assert words in str(error)
    assert error.code == ExitCode.LOGIN


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = refusal(Smtp(host="127.0.0.1", port=port, security=Security.NONE))
    assert f"127.0.0.1:{port}" in str(error)
    assert error.code == ExitCode.SERVER


def test_an_unknown_host() -> None:
    error = refusal(Smtp(host="smtp.invalid", port=587))
    assert error.code == ExitCode.SERVER


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_messages_over_tls(trusted: Certificate, version: ssl.TLSVersion) -> None:
    """The session tickets of TLS 1.3 are no words of the server's; its closing is."""
    context = trusted.server_context()
    context.minimum_version = context.maximum_version = version
    messages = [a_message(f"lid{number}@example.org", number, LONG_BODY[: number * 78_000]) for number in range(4)]
    with ScriptedServer(tls=context) as server:
        server.on("RCPT", "550 5.1.1 no", recipient="lid1@example.org")
        server.on("DOT", ReplyThenDrop("250 2.0.0 and goodbye"), recipient="lid2@example.org")
        session = open_session(server.smtp(security=Security.STARTTLS), None, PATIENT)
        replies = [reply for _message, reply in session.submit(iter(messages), lambda message: True)]
        session.close()
        assert [taken.data for taken in server.taken] == [messages[0].data, messages[2].data]
    assert [meaning(reply) for reply in replies] == [
        Meaning.SENT,
        Meaning.REFUSED,
        Meaning.SENT,
        Meaning.RELEASED,
    ]


def test_a_session_over_tls_can_be_cut_from_another_thread(trusted: Certificate) -> None:
    with ScriptedServer(tls=trusted.server_context()) as server:
        server.on("DOT", SILENCE)
        session = open_session(server.smtp(security=Security.STARTTLS), None, PATIENT)

        def cut() -> None:
            server.wait_for(".")
            session.cut()

        thread = threading.Thread(target=cut)
        thread.start()
        ((_message, reply),) = session.submit(iter([a_message("b@example.org")]), lambda message: True)
        thread.join(10)
        session.close()
    assert (reply.code, reply.phase) == (0, Phase.DOT)
    assert meaning(reply) is Meaning.IN_DOUBT


def test_nothing_is_left_open(trusted: Certificate) -> None:
    before = threading.active_count()
    with ScriptedServer(tls=trusted.server_context()) as server:
        session = open_session(server.smtp(security=Security.STARTTLS), None, PATIENT)
        session.close()
        session.close()
    assert threading.active_count() == before


def test_a_server_that_knows_no_ehlo_is_greeted_as_in_the_old_days() -> None:
    with ScriptedServer() as server:
        server.on("EHLO", "502 5.5.1 command not implemented")
        session = open_session(server.smtp(), None, PATIENT)
        session.close()
        assert server.said("HELO") == ["helo [127.0.0.1]"]
        # Without extensions there is no login: nothing goes as if there had been one.
        error = refusal(server.smtp(username="u"))
        assert not server.said("AUTH")
        assert error


SECRET = "S3kr1t geheim"
ECHOES = {
    "as it is": SECRET,
    "with doubled spaces": SECRET.replace(" ", "   "),
    "over two lines": "S3kr1t gehe\n550 5.7.1 im",
    "in base64": base64.b64encode(f"\0u\0{SECRET}".encode()).decode(),
    "in base64, by itself": base64.b64encode(SECRET.encode()).decode(),
    "in base64 over two lines": "UzNrcjF0\n550 5.7.1 IGdlaGVpbQ==",
    "at the end of a long line": "x" * 470 + " " + SECRET,
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("step", ["AUTH", "MAIL", "RCPT", "DOT"])
def test_a_password_that_the_server_repeats_is_masked(echo: str, step: str) -> None:
    first, *more = f"550 5.7.1 no: {echo}".split("\n")
    said = "\n".join((first.replace("550 ", "550-", 1), *more)) if more else first
    with ScriptedServer(users={"u": SECRET}) as server:
        server.on(step, said)
        try:
            session = open_session(server.smtp(username="u"), Password(SECRET), PATIENT)
        except NoSessionError as error:
            shown = str(error)
        else:
            ((_message, reply),) = session.submit(iter([a_message("b@example.org")]), lambda message: True)
            session.close()
            shown = str(reply)
    squeezed = "".join(shown.split())
    assert "***" in shown
    assert "".join(SECRET.split()) not in squeezed and "geheim" not in squeezed
    assert not any(part in squeezed for part in ("UzNrcjF0IGdlaGVpbQ", "AHUAUzNrcjF0"))


@pytest.mark.parametrize(("secret", "shown"), [("no", "no: ***"), ("   ", "no: nobody knows")])
def test_a_short_password_is_masked_as_a_word_of_its_own(secret: str, shown: str) -> None:
    said = f"550 5.1.1 nope: {secret if secret.strip() else 'nobody knows'}"
    with ScriptedServer(users={"u": secret}) as server:
        server.on("RCPT", said)
        session = open_session(server.smtp(username="u"), Password(secret), PATIENT)
        ((_message, reply),) = session.submit(iter([a_message("b@example.org")]), lambda message: True)
        session.close()
    assert reply.text == f"5.1.1 nope: {shown.partition(': ')[2]}"
