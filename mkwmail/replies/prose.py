"""Reports without a machine-readable part: qmail's format, Exim's and Gmail's headers, and plain words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mkwmail.replies.verdict import Verdict, verdict


@dataclass(frozen=True, slots=True)
class Prose:
    """What the text of a mail says of a message that was not delivered.

    ``certain``: its very shape is a mail system's, whoever the sender is said to be.
    """

    recipients: tuple[str, ...]
    verdict: Verdict
    reply: str
    certain: bool


# QSBMF (cr.yp.to/proto/qsbmf.txt): a first line that begins so, then paragraphs "<address>:" with the reason.
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
    """What a text without fields says; None where it speaks of no failure.

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
    # A delay says that it is tried further; a failure may quote a temporary reply that it gave up on.
    if _DELAYED.search(text) and not re.search(r"permanent|giving up|gave up|fatal", text, re.IGNORECASE):
        return Verdict.DELAYED
    return verdict("", reason or text[:_LONGEST_REASON])


def _blamed(text: str) -> Iterator[str]:
    """The addresses that stand by themselves on a line, as reports set them apart."""
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
