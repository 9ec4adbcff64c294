"""The connection to the mailbox: tokens, and a server that answers too slowly."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mkwmail.auth.credentials import Password, Secret
from mkwmail.auth.oauth import StoredTokens, Tokens, TokenSet
from mkwmail.auth.store import Store
from mkwmail.config.settings import Imap
from mkwmail.errors import UserError
from mkwmail.responses.incoming import Kind, Ours, read_incoming
from mkwmail.responses.mailbox import open_mailbox
from tests.auth.people import smtp_of
from tests.authorization_server import AuthorizationServer
from tests.delivery.certificates import make_certificate
from tests.dovecot import USER, Dovecot, missing, token_for
from tests.imap_server import ImapServer


class Renewing:
    """A sign-in whose token has expired although it seemed good, and that gets another one."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = [Secret(each) for each in tokens]

    def check(self) -> None:
        """It is there."""

    def current(self) -> Secret:
        return self._tokens[0]

    def other_than(self, refused: Secret) -> Secret | None:
        assert refused is self._tokens[0]
        return self._tokens[1] if len(self._tokens) > 1 else None


def imap_at(port: int) -> Imap:
    return Imap.model_validate({"host": "127.0.0.1", "port": str(port), "security": "none", "username": USER})


@missing
@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_a_token_that_has_expired_is_renewed(mechanism: str) -> None:
    with Dovecot(mechanism) as server:
        tokens = Renewing(token_for(USER, -60), token_for(USER))
        with open_mailbox(imap_at(server.port), USER, tokens, 60) as box:
            assert box.examine("INBOX").last_uid == 0
        with pytest.raises(UserError) as refused, open_mailbox(imap_at(server.port), USER, Renewing("x.y.z"), 60):
            pass
        assert refused.value.faults[0].fault == "the mailbox refuses the login of secretaris"
        assert refused.value.code == 77


@pytest.mark.parametrize("says", [b"TAG NO \r\n", b"TAG NO AUTHENTICATE failed.\r\n", b"TAG NO [X] \r\n"])
@pytest.mark.parametrize("tokens", [("x.y.z",), ("x.y.z", "a.b.c")])
def test_a_token_that_is_refused_without_a_reason_is_one_sentence(says: bytes, tokens: tuple[str, ...]) -> None:
    with ImapServer({"AUTHENTICATE": says}) as server:
        with pytest.raises(UserError) as refused, open_mailbox(imap_at(server.port), USER, Renewing(*tokens), 60):
            pass
        assert server.tokens == list(tokens)
    assert [each.fault for each in refused.value.faults] == ["the mailbox refuses the login of secretaris"]
    assert refused.value.code == 77 and refused.value.faults[0].remedy.endswith("mkwmail login --mailbox")


def test_a_sign_in_for_sending_only_goes_on_sending(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "DNS:localhost,IP:127.0.0.1")
    with AuthorizationServer(certificate) as provider:
        smtp, store = smtp_of(provider), Store(tmp_path / "logins")
        issued = TokenSet(Secret("t"), time.time() + 3600, Secret("r"))
        assert smtp.client_id
        store.keep(smtp, StoredTokens(smtp.client_id, None, issued).values())
        assert Tokens(smtp, store).current().reveal() == "t"
        with pytest.raises(UserError) as lacking:
            Tokens(smtp, store, needs="imap").check()
        assert lacking.value.code == 77 and lacking.value.faults[0].remedy.endswith("mkwmail login --mailbox")
        store.keep(smtp, StoredTokens(smtp.client_id, None, issued, "send imap").values())
        Tokens(smtp, store, needs="imap").check()


@contextmanager
def dripping() -> Iterator[int]:
    """A server that says one character now and then, and so is never silent for long."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            there, _address = listening.accept()
            with there:
                while not stop.wait(0.05):
                    try:
                        there.sendall(b"*")
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listening.getsockname()[1])
        stop.set()
        thread.join()


def test_a_slow_server_is_left_after_the_time_for_everything() -> None:
    with dripping() as port:
        began = time.monotonic()
        with pytest.raises(UserError) as slow, open_mailbox(imap_at(port), USER, Password("x"), 0.5):
            pass
        assert time.monotonic() - began < 5
        assert str(port) in slow.value.faults[0].place


def test_a_late_greeting_counts_within_the_time_for_everything() -> None:
    with ImapServer({}, slow="LOGIN") as server:
        server.greets_after = 1.5
        began = time.monotonic()
        with pytest.raises(UserError), open_mailbox(imap_at(server.port), USER, Password("x"), 2.0):
            pass
        assert time.monotonic() - began < 3.4
    assert server.asked == ["CAPABILITY", "LOGIN"]


@pytest.mark.parametrize("charset", ["utf-8\0x", "no such set", "\xff\xfe"])
def test_a_character_set_that_does_not_exist_stops_nothing(charset: str) -> None:
    mail = f"From: kim@x.nl\nSubject: =?{charset}?q?Ik_kom?=\nIn-Reply-To: <a@b>\n"
    data = f'{mail}Content-Type: text/plain; charset="{charset}"\n\nIk kom.\n'.encode("latin-1")
    assert read_incoming(data, "x", Ours({"a@b": ("dag", "kim")})).kind is Kind.REPLY
