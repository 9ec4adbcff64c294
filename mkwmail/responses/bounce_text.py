"""The text of delivery reports, and the reason for a failed delivery.

It reads reports without a machine-readable part: qmail's format, the headers of Exim and Gmail, and plain words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The reason why a message was not delivered.

    The reasons are distinguished only if they need different actions.
    """

    FAILED = "failed"  # the address is wrong: correct it
    FULL = "mailbox full"  # the address is right, but the mailbox is full: try later, or telephone
    POLICY = "policy"  # the server rejects the message or its sender; this says nothing about the address
    GIVEN_UP = "given up"  # its server could not be reached for days; this says nothing about the address
    DELAYED = "delayed"  # the server is still trying: there is nothing to do


# RFC 3463 §2: class, subject, detail. In an IP address or a version number there are other digits around it.
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_BASIC = re.compile(r"(?<![\d.])([45]\d\d)[ -]")

_FULL_WORDS = re.compile(
    r"mailbox (?:is )?(?:full|over)|over ?quota|quota (?:exceeded|full)|exceeded (?:its|the|storage) |"
    r"(?:out of|insufficient) (?:storage|space|disk)|postbus (?:is )?vol|mailbox vol\b|quota overschreden",
    re.IGNORECASE,
)
_POLICY_WORDS = re.compile(
    r"\bspam\b|\bpolicy\b|black ?list|block(?:ed|list)|\bdmarc\b|\bspf\b|\bdkim\b|reputation|\bvirus\b|content reject|"
    r"message (?:size|too large)|too large|not authorized|unsolicited|\brbl\b|\bdnsbl\b",
    re.IGNORECASE,
)
_GIVEN_UP_WORDS = re.compile(
    r"retry time|timed? ?out|delivery time expired|message expired|in the queue too long|"
    r"for more than \d+ (?:day|hour)|connection refused|could not connect|temporary (?:failure|lookup)|lost connection",
    re.IGNORECASE,
)
_UNKNOWN_WORDS = re.compile(
    r"(?:user|mailbox|recipient|address|account|domain)(?: name)? (?:is )?(?:unknown|not found|does ?n[o']t exist|"
    r"disabled|unavailable|inactive)|unknown (?:user|recipient|address)|no such (?:user|mailbox|person|recipient|"
    r"address|domain)|no mailbox here|invalid (?:recipient|mailbox|address)|unrouteable|unroutable|bestaat niet|"
    r"onbekende (?:gebruiker|ontvanger)",
    re.IGNORECASE,
)
# Codes of the subject "address" that are about the sender's address (RFC 3463 §3.2, X.1.7 and X.1.8).
_SENDERS = {(1, 7), (1, 8)}
# The message is too long for the mailbox or the system (RFC 3463 §3.3 X.2.3, §3.4 X.3.4): the address is right.
_TOO_LARGE = {(2, 3), (3, 4)}


def verdict(status: str, reply: str) -> Verdict:
    """Return the reason why a message was refused or given up.

    :param status: the Status field of a report (RFC 3464 §2.3.4), or empty.
    :param reply: the server's reply, with its codes if it gave any.
    """
    found = list(_ENHANCED.finditer(f"{status} {reply}"))
    codes = [(int(each[2]), int(each[3])) for each in found]
    # X.0.0 and X.5.0 give no reason; Exim writes 5.0.0 for every reply of the other server.
    telling = [code for code in codes if code[0] not in (0, 5) and code != (7, 0)]
    for subject, detail in telling:
        if (subject, detail) == (2, 2):
            return Verdict.FULL
        if (subject, detail) in _SENDERS | _TOO_LARGE or subject in (6, 7):
            return Verdict.POLICY
        if subject == 1:
            return Verdict.FAILED
    by_words = _by_words(reply, (7, 0) in codes)
    # The code is for a temporary refusal: no server reported that the address does not exist (RFC 3463 §2, class 4).
    temporary = bool(found) and found[0][1] == "4"
    return Verdict.GIVEN_UP if by_words is Verdict.FAILED and (temporary or (4, 7) in codes) else by_words


def _by_words(reply: str, policy_code: bool) -> Verdict:
    if _FULL_WORDS.search(reply):
        return Verdict.FULL
    if _UNKNOWN_WORDS.search(reply):
        return Verdict.FAILED
    if policy_code or _POLICY_WORDS.search(reply):
        return Verdict.POLICY
    if _GIVEN_UP_WORDS.search(reply):
        return Verdict.GIVEN_UP
    # RFC 5321 §4.2.3: 552 means that the storage limit is exceeded.
    basic = _BASIC.search(reply)
    return Verdict.FULL if basic and basic[1] == "552" else Verdict.FAILED


def names_no_mailbox(reply: str) -> bool:
    """Return whether a reply says for certain that the address is wrong.

    The reply must have the code or the words for that. Any other refusal may be about this one message, or
    about this one day.
    """
    if verdict("", reply) is not Verdict.FAILED:
        return False
    codes = {(int(each[2]), int(each[3])) for each in _ENHANCED.finditer(reply)}
    return any(subject == 1 for subject, _detail in codes) or bool(_UNKNOWN_WORDS.search(reply))


@dataclass(frozen=True, slots=True)
class Prose:
    """The report that a mail's text gives about an undelivered message.

    ``certain``: only a mail system sends a report of this form, whatever the sender's address is.
    """

    recipients: tuple[str, ...]
    verdict: Verdict
    reply: str
    certain: bool


# QSBMF (cr.yp.to/proto/qsbmf.txt): the first line begins like this; then follow paragraphs "<address>:" with the
# reason.
_QMAIL_START = re.compile(r"\s*Hi\. This is (?:the|a) ")
_QMAIL_RECIPIENT = re.compile(r"(?ms)^<([^<>\s]+@[^<>\s]+)>:[ \t]*\n(.*?)(?=\n[ \t]*\n|\Z)")
_QMAIL_END = re.compile(r"(?m)^--- (?:Below this line|The header of) ")
_DELAYED = re.compile(
    r"delivery (?:is |has been )?(?:delayed|temporarily)|will (?:continue|keep) (?:to try|trying)|"
    r"still be(?:ing)? retried|has not (?:yet )?been delivered|no action is required|"
    r"warning message only|wordt? nog steeds geprobeerd|"
    r"temporarily suspended|will be retried",
    re.IGNORECASE,
)
_UNDELIVERED = re.compile(
    r"could not be delivered|couldn['’]t be delivered|was(?:n['’]t| not) delivered|undeliver(?:able|ed)|"
    r"delivery (?:has )?failed|delivery failure|unable to deliver|not able to deliver|returned mail|permanent error|"
    r"fatal error|kon niet worden (?:afgeleverd|bezorgd|verzonden)|niet (?:afgeleverd|bezorgd)|onbestelbaar",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LONGEST_REASON = 600


def read_prose(text: str, failed_recipients: str) -> Prose | None:
    """Return the report in a plain text; None if it reports no failure.

    :param failed_recipients: the header X-Failed-Recipients, which Exim and Gmail write.
    """
    if _QMAIL_START.match(text):
        return _qmail(text)
    named = tuple(dict.fromkeys(_ADDRESS.findall(failed_recipients)))
    if named:
        return Prose(named, _judged(text, _reason_behind(text, named)), _reason_behind(text, named), certain=True)
    if not (_UNDELIVERED.search(text) or _DELAYED.search(text)):
        return None
    recipients = tuple(dict.fromkeys(_blamed(text)))
    reason = _reason_behind(text, recipients)
    return Prose(recipients, _judged(text, reason), reason, certain=False)


def _qmail(text: str) -> Prose:
    end = _QMAIL_END.search(text)
    own = text[: end.start()] if end else text
    found = _QMAIL_RECIPIENT.findall(own)
    reason = " ".join(each[1] for each in found[:1])
    return Prose(tuple(each[0] for each in found), _judged(own[: own.find("<")], reason), reason, certain=True)


def _judged(text: str, reason: str) -> Verdict:
    # A notice of delay says that the server keeps trying; a notice of failure may quote the temporary reply after
    # which the server gave up.
    if _DELAYED.search(text) and not re.search(r"permanent|giving up|gave up|fatal", text, re.IGNORECASE):
        return Verdict.DELAYED
    return verdict("", reason or text[:_LONGEST_REASON])


def _blamed(text: str) -> Iterator[str]:
    """Yield the addresses that are alone on a line, as in most reports."""
    for line in text.split("\n"):
        alone = line.strip(" \t:<>*-()'\"“”")
        if _ADDRESS.fullmatch(alone):
            yield alone


def _reason_behind(text: str, recipients: tuple[str, ...]) -> str:
    for address in recipients:
        start = text.find(address)
        if start >= 0:
            behind = text[start + len(address) :].lstrip(" \t:>)\n\"'")
            return re.split(r"\n[ \t]*\n[ \t]*(?=\S)", behind, maxsplit=1)[0][:_LONGEST_REASON]
    return ""
