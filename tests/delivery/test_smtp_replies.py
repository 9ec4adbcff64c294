"""The meaning of replies: the table, and the providers' own words."""

import pytest

from mkwmail.delivery.smtp_replies import Meaning, Why, accepted, closes, meaning, plain_text, run_fault, why
from mkwmail.delivery.transport import Phase, Reply
from mkwmail.errors import ExitCode

MESSAGE = [Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT]


@pytest.mark.parametrize(
    ("phase", "code", "text", "expected"),
    [
        (Phase.DOT, 250, "2.0.0 queued", Meaning.SENT),
        (Phase.DOT, 251, "ok", Meaning.SENT),
        (Phase.DOT, 0, "lost", Meaning.IN_DOUBT),
        (Phase.DOT, 354, "again?", Meaning.IN_DOUBT),
        (Phase.DOT, 421, "4.3.2 going down", Meaning.DEFERRED),
        (Phase.DOT, 452, "4.3.1 disk full", Meaning.DEFERRED),
        (Phase.DOT, 554, "5.7.1 spam", Meaning.REFUSED),
        (Phase.BODY, 0, "lost", Meaning.RELEASED),
        (Phase.BODY, 250, "thanks already", Meaning.IN_DOUBT),
        (Phase.BODY, 552, "5.3.4 too large", Meaning.RUN),
        (Phase.BODY, 451, "4.3.0 later", Meaning.DEFERRED),
        (Phase.BODY, 354, "again", Meaning.RELEASED),
        (Phase.DATA, 0, "lost", Meaning.RELEASED),
        (Phase.DATA, 250, "what?", Meaning.RELEASED),
        (Phase.DATA, 451, "4.2.0 later", Meaning.DEFERRED),
        (Phase.DATA, 554, "5.5.1 no valid recipients", Meaning.REFUSED),
        (Phase.RCPT, 450, "4.2.0 greylisted", Meaning.DEFERRED),
        (Phase.RCPT, 552, "too many recipients", Meaning.DEFERRED),  # RFC 5321 §4.5.3.1.10
        (Phase.RCPT, 550, "5.1.1 unknown", Meaning.REFUSED),
        (Phase.RCPT, 550, "", Meaning.REFUSED),
        (Phase.RCPT, 554, "5.7.1 Relay access denied", Meaning.REFUSED),  # until there are three of them
        (Phase.RCPT, 421, "4.7.0 busy", Meaning.RELEASED),
        (Phase.RCPT, 0, "lost", Meaning.RELEASED),
        (Phase.RCPT, 553, "5.7.1 Sender address rejected: not owned by user", Meaning.RUN),
        (Phase.RCPT, 550, "5.1.8 Access denied, bad outbound sender", Meaning.RUN),
        (Phase.MAIL, 251, "ok?", Meaning.RUN),
        (Phase.MAIL, 451, "4.3.0 later", Meaning.RUN),
        (Phase.MAIL, 552, "5.3.4 too large", Meaning.RUN),
        (Phase.MAIL, 550, "5.7.1 no", Meaning.RUN),
        (Phase.MAIL, 421, "4.4.2 idle", Meaning.RELEASED),
        (Phase.MAIL, 0, "lost", Meaning.RELEASED),
        (Phase.AUTH, 535, "5.7.8 wrong", Meaning.RUN),
        (Phase.AUTH, 500, "what", Meaning.RUN),
        (Phase.TOKEN, 535, "5.7.3 Authentication unsuccessful", Meaning.RUN),
        (Phase.TOKEN, 334, "more", Meaning.RUN),
        (Phase.TOKEN, 454, "4.7.0 Temporary authentication failure", Meaning.RELEASED),
        (Phase.TOKEN, 421, "4.7.0 busy", Meaning.RELEASED),
        (Phase.TOKEN, 0, "lost", Meaning.RELEASED),
        (Phase.AUTH, 432, "4.3.2 Concurrent connections limit exceeded", Meaning.RELEASED),
        (Phase.GREETING, 421, "busy", Meaning.RELEASED),
        (Phase.GREETING, 554, "no", Meaning.RUN),
    ],
)
def test_meaning(phase: Phase, code: int, text: str, expected: Meaning) -> None:
    assert meaning(Reply(code, text, phase)) is expected


@pytest.mark.parametrize("phase", MESSAGE)
@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", Why.QUOTA),
        (550, "5.4.5 Daily user sending limit exceeded", Why.QUOTA),
        (550, "5.7.232 Your message can't be sent because your tenant exceeded its limit", Why.QUOTA),
        (554, "5.2.252 SendAsDenied; info@example.org not allowed to send as", Why.SEND_AS),
        (550, "5.7.60 SMTP; Client does not have permissions to send as this sender", Why.SEND_AS),
        (535, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled", Why.SMTP_AUTH_OFF),
        (
            *(535, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."),
            Why.SMTP_AUTH_OFF_EVERYWHERE,
        ),
        (
            *(
                535,
                "5.7.139 user is locked by your organization's security defaults policy. Contact your administrator.",
            ),
            Why.SECURITY_DEFAULTS,
        ),
        (530, "5.7.0 Authentication required", Why.LOGIN),
        (550, "5.7.30 Basic authentication is not supported for Client Submission", Why.BASIC_LOGIN_OFF),
    ],
)
def test_what_providers_say_about_the_account_means_the_run_at_every_step(
    phase: Phase, code: int, text: str, reason: Why
) -> None:
    reply = Reply(code, text, phase)
    assert meaning(reply) is Meaning.RUN
    assert why(reply) is reason


@pytest.mark.parametrize(
    ("phase", "code", "text"),
    [
        (Phase.EHLO, 421, "4.7.0 Try again later, closing connection. (EHLO)"),
        (Phase.EHLO, 501, "5.5.4 Invalid HELO name (See RFC2821 4.1.1.1)"),
        (Phase.EHLO, 550, "5.7.1 Invalid EHLO hostname"),
        (Phase.RCPT, 504, "5.5.2 <[192.0.2.1]>: Helo command rejected: need fully-qualified hostname"),
        (Phase.RCPT, 450, "4.7.1 <laptop>: Helo command rejected: Host not found"),
        (Phase.MAIL, 550, "5.7.1 Bad HELO: use a full name"),
    ],
)
def test_a_refused_name_at_ehlo_is_named_at_every_step(phase: Phase, code: int, text: str) -> None:
    reply = Reply(code, text, phase)
    assert meaning(reply) is Meaning.RUN
    assert why(reply) is Why.HELLO
    assert "hello: mail.example.org" in run_fault(reply).remedy


@pytest.mark.parametrize(
    ("phase", "code", "text", "reason"),
    [
        (Phase.DOT, 550, "Domain example.org has exceeded the max emails per hour (500/500) allowed.", Why.QUOTA),
        (Phase.RCPT, 550, "example.org has exceeded the max defers and failures per hour (5/5) allowed.", Why.QUOTA),
        (Phase.RCPT, 450, "4.7.1 <s@example.org>: Sender address rejected: sending limit reached", Why.QUOTA),
        (Phase.RCPT, 451, "4.7.1 Mail rate limit exceeded for s@example.org", Why.QUOTA),
        (Phase.MAIL, 550, "5.7.1 You have exceeded your daily sending quota", Why.QUOTA),
        (Phase.RCPT, 550, "5.7.1 Too many messages sent today", Why.QUOTA),
        (Phase.RCPT, 550, "relay not permitted, authentication required", Why.LOGIN),
        (Phase.RCPT, 550, "SMTP AUTH is required for message submission on port 587", Why.LOGIN),
        (Phase.MAIL, 503, "5.5.1 Error: authentication required", Why.LOGIN),
        (Phase.RCPT, 553, "5.7.1 <s@example.org>: Sender address rejected: not logged in", Why.LOGIN),
        (Phase.RCPT, 450, "4.1.8 <s@example.org>: Sender address rejected: Domain not found", Why.SENDER),
        (Phase.DOT, 550, "5.7.1 From header does not match the login", Why.SENDER),
        (Phase.DOT, 550, "5.7.1 The From: address is not allowed for this account", Why.SENDER),
    ],
)
def test_what_hosters_say_of_the_account_in_words_means_the_run(
    phase: Phase, code: int, text: str, reason: Why
) -> None:
    reply = Reply(code, text, phase)
    assert (meaning(reply), why(reply)) == (Meaning.RUN, reason)


@pytest.mark.parametrize(
    ("phase", "code", "text", "expected"),
    [
        (Phase.RCPT, 550, "5.2.122 The recipient has exceeded their limit of messages per hour", Meaning.REFUSED),
        (Phase.RCPT, 450, "4.2.1 The user is receiving mail at a rate that exceeds the hourly limit", Meaning.DEFERRED),
        (Phase.RCPT, 452, "4.2.2 Over quota", Meaning.DEFERRED),
        (Phase.RCPT, 450, "4.7.1 Error: too many mails per minute", Meaning.DEFERRED),
        (Phase.DOT, 550, "5.7.1 RESOLVER.RST.AuthRequired; authentication required", Meaning.REFUSED),
        (Phase.DOT, 550, "5.7.124 Sender not in allowed-senders list", Meaning.REFUSED),
    ],
)
def test_the_same_words_about_the_recipient_mean_the_member(
    phase: Phase, code: int, text: str, expected: Meaning
) -> None:
    assert meaning(Reply(code, text, phase)) is expected


@pytest.mark.parametrize(
    ("phase", "code", "text"),
    [
        (Phase.MAIL, 530, "5.7.0 Must issue a STARTTLS command first"),
        (Phase.MAIL, 530, "Must issue a STARTTLS command first."),
        (Phase.RCPT, 530, "5.7.0 Must issue a STARTTLS command first"),
        (Phase.AUTH, 530, "5.7.0 Must issue a STARTTLS command first"),
        (Phase.AUTH, 538, "5.7.11 Encryption required for requested authentication mechanism"),
        (Phase.MAIL, 554, "5.7.3 TLS is required"),
        (Phase.MAIL, 550, "5.7.10 Encryption needed"),
    ],
)
def test_a_server_that_wants_encryption_first_is_no_fault_of_the_login(phase: Phase, code: int, text: str) -> None:
    reply = Reply(code, text, phase)
    assert meaning(reply) is Meaning.RUN
    assert why(reply) is Why.ENCRYPTION
    assert "security: starttls" in run_fault(reply).remedy
    assert run_fault(reply).code is ExitCode.SERVER


def test_words_about_encryption_in_other_replies_are_no_fault_of_the_run() -> None:
    assert why(Reply(530, "5.7.0 Authentication required", Phase.MAIL)) is Why.LOGIN
    assert meaning(Reply(550, "5.7.1 next server requires TLS", Phase.RCPT)) is Meaning.REFUSED
    assert why(Reply(502, "STARTTLS not implemented", Phase.STARTTLS)) is Why.SERVER


def test_other_words_at_ehlo_are_no_fault_of_the_name() -> None:
    assert meaning(Reply(421, "4.3.2 Service not available", Phase.EHLO)) is Meaning.RELEASED
    assert meaning(Reply(550, "5.1.1 <helo@example.org>: no such user", Phase.RCPT)) is Meaning.REFUSED


def test_every_reply_at_every_step_means_something() -> None:
    for phase in Phase:
        for code in (0, *range(100, 600)):
            reply = Reply(code, "", phase)
            if not accepted(reply) or phase is Phase.DOT:
                assert meaning(reply) in Meaning
            # Only an acceptance of the whole message counts as sent.
            assert (meaning(reply) is Meaning.SENT) == (phase is Phase.DOT and 200 <= code < 300)


def test_every_run_fault_says_what_happened_what_to_do_and_quotes_the_server() -> None:
    for phase, code, text in [
        (Phase.AUTH, 535, "5.7.139 basic authentication is disabled"),
        (Phase.AUTH, 534, "5.7.9 app password"),
        (Phase.AUTH, 535, "5.7.8 wrong"),
        (Phase.DOT, 554, "5.2.0 quota"),
        (Phase.AUTH, 535, "5.7.139 SmtpClientAuthentication is disabled for the Mailbox."),
        (Phase.TOKEN, 535, "5.7.139 SmtpClientAuthentication is disabled for the Tenant."),
        (Phase.TOKEN, 535, "5.7.3 Authentication unsuccessful"),
        (Phase.TOKEN, 535, "5.7.139 the user credentials were incorrect"),
        (Phase.TOKEN, 535, "5.7.8 no (insufficient_scope)"),
        (Phase.RCPT, 554, "5.2.252 SendAsDenied"),
        (Phase.RCPT, 553, "5.7.1 Sender address rejected: not owned by user"),
        (Phase.MAIL, 552, "5.3.4 too large"),
        (Phase.MAIL, 451, "later"),
        (Phase.MAIL, 550, "no"),
        (Phase.GREETING, 0, "the server did not answer in time"),
    ]:
        fault = run_fault(Reply(code, text, phase))
        assert text in fault.reason
        assert fault.remedy
        logs_in = phase in (Phase.AUTH, Phase.TOKEN) or "SendAs" in text
        assert fault.code == (ExitCode.LOGIN if logs_in else ExitCode.SERVER)


def test_the_connection_is_of_no_use_after_421_silence_or_words_out_of_step() -> None:
    assert closes(Reply(421, "", Phase.RCPT))
    assert closes(Reply(0, "", Phase.DOT))
    assert closes(Reply(250, "", Phase.DATA))
    assert closes(Reply(451, "", Phase.BODY))
    assert not closes(Reply(550, "", Phase.RCPT))
    assert not closes(Reply(451, "", Phase.DOT))
    assert not closes(Reply(250, "", Phase.DOT))


def test_a_servers_words_can_be_shown() -> None:
    assert plain_text([b"5.1.1 no \x1b[31msuch\x07 user", b"5.1.1 sorry \xff\xe2\x80\xae", b""]) == (
        "5.1.1 no [31msuch user sorry \N{REPLACEMENT CHARACTER}"
    )
    assert len(plain_text([b"x" * 5000])) == 500


def test_enhanced_codes_are_read_only_where_they_belong() -> None:
    assert Reply(550, "5.1.1 unknown", Phase.RCPT).enhanced == "5.1.1"
    assert Reply(550, "5.1.1", Phase.RCPT).enhanced == "5.1.1"
    assert Reply(550, "see 5.1.1", Phase.RCPT).enhanced == ""
    assert Reply(550, "5.1.1.2 x", Phase.RCPT).enhanced == ""
