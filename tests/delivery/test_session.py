"""The conversation on the wire, message by message."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.delivery.smtp_client import Extensions, envelope_id, open_session, stuffed
from mkwmail.delivery.smtp_replies import Meaning, meaning
from mkwmail.delivery.transport import Phase, Reply
from mkwmail.mail.letter import Message
from tests.delivery.office import LONG_BODY, PATIENT, SHORT, a_message
from tests.smtp_server import DROP, SILENCE, STALL, Action, Raw, ReplyThenDrop, ScriptedServer, Slowly


def submit(server: ScriptedServer, *messages: Message, short: bool = False) -> list[Reply]:
    begun: list[str] = []

    def begin(message: Message) -> bool:
        begun.append(message.recipient)
        return True

    session = open_session(server.smtp(), None, SHORT if short else PATIENT)
    try:
        replies = [reply for _message, reply in session.submit(iter(messages), begin)]
    finally:
        session.close()
    assert len(begun) <= len(messages)
    return replies


def test_the_bytes_arrive_as_they_are() -> None:
    message = Message(
        "a@example.org", "b@example.org", "<m@example.org>", (b".a\r", b"\n.b\r\n", b"", b"..\r\n.", b"\r\n")
    )
    with ScriptedServer() as server:
        replies = submit(server, message)
    assert [meaning(reply) for reply in replies] == [Meaning.SENT]
    assert server.taken[0].data == message.data
    assert server.commands == [
        "ehlo [127.0.0.1]",
        "MAIL FROM:<a@example.org>",
        "RCPT TO:<b@example.org>",
        "DATA",
        "QUIT",
    ]


@given(st.lists(st.text(".ab\n", max_size=6).map(lambda text: text.replace("\n", "\r\n").encode()), max_size=6))
def test_stuffing_doubles_dots_wherever_the_chunks_are_cut(chunks: Sequence[bytes]) -> None:
    whole = b"".join(chunks)
    if whole and not whole.endswith(b"\r\n"):
        whole += b"\r\n"
    wire = b"".join(stuffed(chunks))
    assert wire == b"\r\n".join(b"." + line if line.startswith(b".") else line for line in whole.split(b"\r\n"))
    assert b"\r\n.\r\n" not in b"\r\n" + wire


def test_attachments_are_not_copied() -> None:
    chunk = b"A" * 100_000
    assert any(piece is chunk for piece in stuffed([b"head\r\n", chunk, b"\r\n"]))


def test_size_and_dsn_if_they_are_offered() -> None:
    with ScriptedServer(extensions=("SIZE 1000", "DSN")) as server:
        submit(server, a_message("b@example.org", 7, b"Hallo\r\n"))
        assert server.commands[1:3] == [
            f"MAIL FROM:<a@example.org> SIZE={a_message('b@example.org', 7, b'Hallo' + bytes(2)).size}"
            " RET=HDRS ENVID=m7@example.org",
            "RCPT TO:<b@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@example.org",
        ]
    assert envelope_id("<a+b=c@example.org>") == "a+2Bb+3Dc@example.org"


def test_what_is_larger_than_the_server_takes_is_not_offered_to_it() -> None:
    with ScriptedServer(extensions=("SIZE 100",)) as server:
        (reply,) = submit(server, a_message("b@example.org", 1, b"x" * 100 + b"\r\n"))
        assert server.said("MAIL") == []
    assert meaning(reply) is Meaning.RUN
    assert "100" in reply.text


@pytest.mark.parametrize(("offered", "size"), [("SIZE", None), ("SIZE 0", None), ("SIZE x", None), ("SIZE 5", 5)])
def test_a_size_that_is_no_limit(offered: str, size: int | None) -> None:
    keyword, _space, value = offered.partition(" ")
    assert Extensions({keyword: value}).size == size


def test_rset_after_a_transaction_that_failed_and_only_then() -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "550-5.1.1 no\n550 5.1.1 such user", recipient="b@example.org")
        server.on("DATA", "451 4.3.0 later", recipient="c@example.org")
        server.on("DOT", "554 5.6.0 content", recipient="d@example.org")
        replies = submit(server, *(a_message(f"{letter}@example.org", n) for n, letter in enumerate("abcde")))
        verbs = [command.split()[0] for command in server.commands[1:]]
    assert [str(reply) for reply in replies] == [
        "250 2.0.0 queued",
        "550 5.1.1 no such user",
        "451 4.3.0 later",
        "554 5.6.0 content",
        "250 2.0.0 queued",
    ]
    mail = ["MAIL", "RCPT", "DATA"]
    assert verbs == [*mail, "MAIL", "RCPT", "RSET", *mail, "RSET", *mail, *mail, "QUIT"]


def test_a_session_that_cannot_be_reset_ends() -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "550 no", times=1)
        server.on("RSET", "500 what?")
        assert len(submit(server, a_message("b@example.org"), a_message("c@example.org", 2))) == 1


@pytest.mark.parametrize(
    ("step", "action", "phase", "expected"),
    [
        ("MAIL", DROP, Phase.MAIL, Meaning.RELEASED),
        ("MAIL", SILENCE, Phase.MAIL, Meaning.RELEASED),
        ("RCPT", DROP, Phase.RCPT, Meaning.RELEASED),
        ("RCPT", SILENCE, Phase.RCPT, Meaning.RELEASED),
        ("RCPT", Raw(b"550\r\n"), Phase.RCPT, Meaning.REFUSED),
        ("RCPT", Raw(b"55\r\n"), Phase.RCPT, Meaning.RELEASED),
        ("RCPT", Raw(b"250-a\r\n" * 200), Phase.RCPT, Meaning.RELEASED),
        ("RCPT", Raw(b"250 " + b"x" * 8000 + b"\r\n"), Phase.RCPT, Meaning.RELEASED),
        ("RCPT", Slowly("250 ok", 0.1), Phase.RCPT, Meaning.RELEASED),
        ("DATA", DROP, Phase.DATA, Meaning.RELEASED),
        ("DATA", SILENCE, Phase.DATA, Meaning.RELEASED),
        ("DATA", "250 ok", Phase.DATA, Meaning.RELEASED),
        ("DATA", ReplyThenDrop("421 4.3.2 bye"), Phase.DATA, Meaning.RELEASED),
        ("DOT", DROP, Phase.DOT, Meaning.IN_DOUBT),
        ("DOT", SILENCE, Phase.DOT, Meaning.IN_DOUBT),
        ("DOT", Raw(b"2500 ok\r\n"), Phase.DOT, Meaning.IN_DOUBT),
        ("DOT", Raw(b"250-ok\r\n251 ok\r\n"), Phase.DOT, Meaning.IN_DOUBT),
        ("DOT", Raw(b"250-ok\r\n"), Phase.DOT, Meaning.IN_DOUBT),
        ("DOT", Slowly("250 ok", 0.1), Phase.DOT, Meaning.IN_DOUBT),
        ("DOT", ReplyThenDrop("421 4.3.2 bye"), Phase.DOT, Meaning.DEFERRED),
    ],
)
def test_the_phase_of_a_failure_is_known(step: str, action: Action, phase: Phase, expected: Meaning) -> None:
    with ScriptedServer() as server:
        server.on(step, action)
        replies = submit(server, a_message("b@example.org"), a_message("c@example.org", 2), short=True)
    assert replies[0].phase is phase
    assert meaning(replies[0]) is expected
    if expected is not Meaning.REFUSED:
        assert len(replies) == 1  # such a connection is used no more


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (DROP, Meaning.RELEASED),
        ("552 5.3.4 too large", Meaning.RUN),
        ("451 4.3.0 later", Meaning.DEFERRED),
        ("250 2.0.0 thanks", Meaning.IN_DOUBT),
        (STALL, Meaning.RELEASED),
    ],
)
def test_words_within_the_body_come_before_the_dot(action: Action, expected: Meaning) -> None:
    # Longer than the buffers: the dot cannot have been written when the server stops reading or speaks.
    with ScriptedServer() as server:
        server.on("BODY", action)
        (reply,) = submit(server, a_message("b@example.org", 1, LONG_BODY), short=action is STALL)
        assert server.taken == []
    assert reply.phase is Phase.BODY
    assert meaning(reply) is expected


def test_a_server_that_takes_leave_between_two_messages_is_noticed() -> None:
    with ScriptedServer() as server:
        server.on("DOT", Raw(b"250 ok\r\n421 4.4.2 idle too long\r\n"))
        replies = submit(server, a_message("b@example.org"), a_message("c@example.org", 2))
        assert len(server.said("MAIL")) == 1
    assert [meaning(reply) for reply in replies] == [Meaning.SENT, Meaning.RELEASED]
    assert replies[1].code == 421


def test_a_body_that_must_not_begin_does_not() -> None:
    def refuse(message: Message) -> bool:
        raise OSError("disk full")

    with ScriptedServer() as server:
        session = open_session(server.smtp(), None, PATIENT)
        with pytest.raises(OSError, match="disk full"):
            list(session.submit(iter([a_message("b@example.org")]), refuse))
        session.close()
        assert server.said("DATA") == ["DATA"]
    assert server.taken == []
    assert server.said("QUIT") == []


@pytest.mark.parametrize("address", ["a b@example.org", "a>@example.org", "a@example.org\r\nRSET", "é@example.org", ""])
def test_an_address_can_say_nothing_else_to_the_server(address: str) -> None:
    with ScriptedServer() as server, pytest.raises(ValueError, match="not an address"):
        submit(server, a_message(address))


PIPELINING = ("PIPELINING",)


def test_with_pipelining_a_message_takes_one_round_trip() -> None:
    """The server answers nothing before it has heard everything that can be said without its answer."""
    messages = [a_message(f"lid{number}@example.org", number) for number in range(3)]
    with ScriptedServer(PIPELINING) as server:
        replies = submit(server, *messages)
        assert [taken.data for taken in server.taken] == [message.data for message in messages]
        # How many lines had come when each was answered: MAIL, RCPT and DATA arrive behind the dot before them.
        assert [behind for line, behind in server.behind if line.startswith("MAIL")] == [2, 2, 2]
    assert [meaning(reply) for reply in replies] == [Meaning.SENT] * 3


def test_a_pipelined_refusal_at_rcpt_is_closed_with_a_lone_dot_if_the_server_waits_for_a_body() -> None:
    with ScriptedServer(PIPELINING) as server:
        server.on("RCPT", "451 4.2.0 later", recipient="b@example.org")
        server.takes_data_anyway = True
        replies = submit(
            server, a_message("a@example.org", 1), a_message("b@example.org", 2), a_message("c@example.org", 3)
        )
        assert [(taken.recipients, len(taken.data)) for taken in server.taken if not taken.recipients] == [((), 0)]
        assert [server.bodies_of(f"{name}@example.org") for name in "abc"] == [1, 0, 1]
    assert [meaning(reply) for reply in replies] == [Meaning.SENT, Meaning.DEFERRED, Meaning.SENT]
    assert replies[1].code == 451


def test_the_first_failing_reply_decides_also_where_more_follow() -> None:
    with ScriptedServer(PIPELINING) as server:
        server.on("RCPT", "451 4.7.1 greylisted", recipient="b@example.org")  # and 503 or 554 to DATA
        replies = submit(server, a_message("b@example.org"), a_message("c@example.org", 2))
        assert server.said("RSET") == ["RSET"]
    assert [(reply.code, reply.phase) for reply in replies] == [(451, Phase.RCPT), (250, Phase.DOT)]


def test_what_was_asked_ahead_is_given_back_when_the_connection_ends() -> None:
    with ScriptedServer(PIPELINING) as server:
        server.on("DOT", DROP, recipient="b@example.org")
        replies = submit(
            server, a_message("b@example.org"), a_message("c@example.org", 2), a_message("d@example.org", 3)
        )
        assert server.bodies_of("c@example.org") == 0
    assert [meaning(reply) for reply in replies] == [Meaning.IN_DOUBT, Meaning.RELEASED]


def test_a_body_asked_ahead_that_may_not_begin_is_closed_without_a_dot() -> None:
    begun: list[str] = []

    def one_only(message: Message) -> bool:
        begun.append(message.recipient)
        return len(begun) == 1

    messages = [a_message("b@example.org"), a_message("c@example.org", 2), a_message("d@example.org", 3)]
    with ScriptedServer(PIPELINING) as server:
        session = open_session(server.smtp(), None, PATIENT)
        replies = [reply for _message, reply in session.submit(iter(messages), one_only)]
        session.close()
        assert [taken.recipients for taken in server.taken] == [("b@example.org",)]
        assert server.said("QUIT") == []
    assert [meaning(reply) for reply in replies] == [Meaning.SENT, Meaning.RELEASED]
    assert begun == ["b@example.org", "c@example.org"]


def test_a_message_that_is_too_large_is_not_asked_ahead() -> None:
    with ScriptedServer(("PIPELINING", "SIZE 2000")) as server:
        large = a_message("c@example.org", 2, b"x" * 3000)
        replies = submit(server, a_message("b@example.org"), large, a_message("d@example.org", 3))
        assert server.said("RCPT") == ["RCPT TO:<b@example.org>", "RCPT TO:<d@example.org>"]
    assert [reply.code for reply in replies] == [250, 552, 250]
