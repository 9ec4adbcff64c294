"""The connection's bytes: replies by their lines, and words that nobody asked for."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.delivery.smtp_stream import Stream, Timeouts
from mkwmail.delivery.transport import Phase


@pytest.fixture
def ends() -> Iterator[tuple[Stream, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        yield Stream(here, Timeouts(command=5)), there


@given(st.lists(st.integers(1, 40), max_size=5))
def test_a_reply_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    said = b"250-mail.example.org\r\n250-PIPELINING\r\n250 SIZE 1000\r\n550 5.1.1 unknown\n"
    here, there = socket.socketpair()
    with here, there:
        stream = Stream(here, Timeouts(command=5))
        for cut in cuts:
            there.sendall(said[:cut])
            said = said[cut:]
            stream.has_pending_input()
        there.sendall(said)
        first, second = (stream.read(phase) for phase in (Phase.EHLO, Phase.RCPT))
    assert (first.code, first.text) == (250, "mail.example.org PIPELINING SIZE 1000")
    assert (second.code, second.text) == (550, "5.1.1 unknown")
    assert not stream.left_over


def test_a_word_behind_a_reply_is_heard(ends: tuple[Stream, socket.socket]) -> None:
    stream, server = ends
    server.sendall(b"354 go on\r\n")
    assert stream.read(Phase.DATA).code == 354
    assert not stream.has_pending_input()
    server.sendall(b"354 go on\r\n421 bye\r\n")
    assert stream.read(Phase.DATA).code == 354
    assert stream.has_pending_input()
    assert stream.read(Phase.BODY).code == 421


def test_after_something_was_written_it_looks_at_once(ends: tuple[Stream, socket.socket]) -> None:
    stream, server = ends
    server.sendall(b"354 go on\r\n")
    assert stream.read(Phase.DATA).code == 354
    stream.write(b"a body\r\n")
    server.sendall(b"421 bye\r\n")
    assert stream.has_pending_input()


@pytest.mark.parametrize("said", [b"250 " + b"x" * 5000 + b"\r\n", b"x" * 5000])
def test_a_line_beyond_all_measure_is_no_reply(ends: tuple[Stream, socket.socket], said: bytes) -> None:
    stream, server = ends
    server.sendall(said)
    assert stream.read(Phase.MAIL).code == 0
