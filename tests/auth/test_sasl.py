"""Logging in with an access token: OAUTHBEARER and XOAUTH2, the challenge that says no, one other token and no more."""

import base64
import traceback

import pytest

from mkwmail.auth.credentials import Secret, SignInError
from mkwmail.auth.oauth import initial_response, reason_in
from mkwmail.config.settings import Smtp
from mkwmail.delivery.smtp_client import open_session
from mkwmail.delivery.transport import NoSessionError
from mkwmail.errors import ExitCode, Fault
from tests.delivery.office import PATIENT
from tests.smtp_server import ScriptedServer

NAME = "kim,verbeek=x@example.org"
GOOD, STALE = "goed-token", "oud-token"


class Tokens:
    """Whence tokens come in these tests: one after another."""

    def __init__(self, *tokens: str) -> None:
        self.left = [Secret(token) for token in tokens]

    def current(self) -> Secret:
        if not self.left:
            raise SignInError(Fault("provider", "withdrawn", "login"), ExitCode.LOGIN, True)
        return self.left[0]

    def other_than(self, refused: Secret) -> Secret:
        self.left.remove(refused)
        return self.current()


def server(mechanisms: str = "XOAUTH2") -> ScriptedServer:
    return ScriptedServer(takes_token=lambda name, token: (name, token) == (NAME, GOOD), mechanisms=mechanisms)


def smtp(listening: ScriptedServer) -> Smtp:
    return listening.smtp(username=NAME, auth="oauth")


def refusal(listening: ScriptedServer, *tokens: str) -> NoSessionError:
    with pytest.raises(NoSessionError) as caught:
        open_session(smtp(listening), Tokens(*tokens), PATIENT)
    shown = "".join(traceback.format_exception(caught.value))
    assert not [token for token in tokens if token in shown]
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize(
    ("offered", "taken"),
    [("XOAUTH2", "XOAUTH2"), ("LOGIN XOAUTH2", "XOAUTH2"), ("PLAIN XOAUTH2 OAUTHBEARER", "OAUTHBEARER")],
)
def test_the_standard_mechanism_if_it_is_offered(offered: str, taken: str) -> None:
    with server(offered) as listening:
        open_session(smtp(listening), Tokens(GOOD), PATIENT).close()
        (said,) = listening.said("AUTH")
        assert said.startswith(f"AUTH {taken} ")
        assert base64.b64decode(said.split()[-1]).decode() == initial_response(
            taken, NAME, "127.0.0.1", listening.port, GOOD
        )


def test_the_names_of_the_mechanisms_fields() -> None:
    assert initial_response("OAUTHBEARER", NAME, "h", 587, "t") == (
        "n,a=kim=2Cverbeek=3Dx@example.org,\1host=h\1port=587\1auth=Bearer t\1\1"
    )


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_token_longer_than_a_command_may_be_waits_to_be_asked_for(mechanism: str) -> None:
    long = "x" * 2400
    with ScriptedServer(takes_token=lambda name, token: token == long, mechanisms=mechanism) as listening:
        open_session(smtp(listening), Tokens(long), PATIENT).close()
        assert listening.said("AUTH") == [f"AUTH {mechanism}"]


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_refused_token_is_replaced_once(mechanism: str) -> None:
    with server(mechanism) as listening:
        open_session(smtp(listening), Tokens(STALE, GOOD), PATIENT).close()
        assert len(listening.said("AUTH")) == 2
    with server(mechanism) as listening:
        told = refusal(listening, STALE, "oud-token-2", GOOD)
        assert len(listening.said("AUTH")) == 2
    assert (told.code, told.lasting) == (ExitCode.LOGIN, True)
    assert "token not taken (invalid_token)" in str(told)
    assert "sign in as smtp: username" in told.faults[0].remedy


def test_a_refused_token_that_cannot_be_replaced_says_why() -> None:
    with server() as listening:
        told = refusal(listening, STALE)
    assert (told.code, told.lasting) == (ExitCode.LOGIN, True)
    assert str(told) == "provider: withdrawn → login"


def test_without_a_valid_token_nothing_is_tried() -> None:
    with server() as listening:
        assert str(refusal(listening)) == "provider: withdrawn → login"
        assert listening.said("AUTH") == []


def test_a_server_that_takes_no_tokens() -> None:
    with ScriptedServer(users={}) as listening:
        told = refusal(listening, GOOD)
        assert listening.said("AUTH") == []
    assert told.code == ExitCode.LOGIN and "PLAIN LOGIN" in str(told)


@pytest.mark.parametrize(
    ("reply", "words", "remedy"),
    [
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
            "SMTP AUTH is switched off for this mailbox",
            "Set-CASMailbox",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            "SMTP AUTH is switched off for the whole organisation",
            "Set-TransportConfig -SmtpClientAuthenticationDisabled $false",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.",
            "security defaults switch SMTP AUTH off",
            "Set-CASMailbox",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated",
            "rules do not let this account send",
            "docs/microsoft365.md",
        ),
        ("535 5.7.3 Authentication unsuccessful", "does not accept the sign-in for this username", "mkwmail login"),
    ],
)
def test_what_microsoft_says_is_shown_with_its_remedy(reply: str, words: str, remedy: str) -> None:
    with server() as listening:
        listening.on("AUTH", reply)
        told = refusal(listening, GOOD, GOOD + "2")
        # Another token helps only if the token is at fault.
        assert len(listening.said("AUTH")) == (2 if "5.7.3" in reply else 1)
    assert (told.code, told.lasting) == (ExitCode.LOGIN, True)
    assert words in told.faults[0].fault and remedy in told.faults[0].remedy


def test_a_server_that_cannot_now_is_tried_again_later_with_the_same_token() -> None:
    with server() as listening:
        listening.on("AUTH", "454 4.7.0 Temporary authentication failure")
        told = refusal(listening, GOOD)
        assert len(listening.said("AUTH")) == 1
    assert (told.code, told.lasting) == (ExitCode.SERVER, False)


def test_a_server_that_repeats_the_token_shows_it_to_nobody() -> None:
    with server() as listening:
        line = base64.b64encode(
            initial_response("XOAUTH2", NAME, "127.0.0.1", listening.port, "geheim-token").encode()
        ).decode()
        listening.on("AUTH", f"535 5.7.8 geheim-token, {line} is not good")
        told = refusal(listening, "geheim-token", "ander-token")
    assert "***" in str(told) and line not in str(told)


@pytest.mark.parametrize(
    ("challenge", "expected"),
    [
        (b'{"status":"401","schemes":"bearer mac","scope":"https://mail.google.com/"}', "401"),
        (b'{"status":"insufficient_scope"}', "insufficient_scope"),
        (b'{"status":"\\u001b[2J"}', "[2J"),
        (b"[1]", ""),
        (b"{}", ""),
        (b"\xff", ""),
        (b"", ""),
    ],
)
def test_the_reason_in_a_challenge(challenge: bytes, expected: str) -> None:
    assert reason_in(base64.b64encode(challenge).decode()) == expected
    assert reason_in("no base64!") == ""
