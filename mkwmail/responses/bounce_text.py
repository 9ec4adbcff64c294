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
    LOOP = "mail loop"  # their mail system sends it round in circles; this says nothing about the address
    GIVEN_UP = "given up"  # its server could not be reached for days; this says nothing about the address
    DELAYED = "delayed"  # the server is still trying: there is nothing to do


# RFC 3463 §2: class, subject, detail. In an IP address or a version number there are other digits around it.
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_BASIC = re.compile(r"(?<![\d.])([45]\d\d)[ -]")

_FULL_WORDS = re.compile(
    r"mailbox (?:is )?(?:full|over)|mailbox size limit|mail system full|over ?quota|quota ?(?:exceeded|full)|"
    r"exceeded (?:its|the|storage) |mailbox exceeds|"
    r"(?:out of|insufficient) (?:storage|space|disk)|"
    r"(?:postbus|postvak|mailbox|inbox)(?: van (?:\S{1,99} ){0,2}\S{1,99})? (?:is |zit )?vol\b|"
    r"quota overschreden|postfach (?:ist )?voll|bo[iî]te (?:aux lettres )?(?:est )?pleine",
    re.IGNORECASE,
)
_POLICY_WORDS = re.compile(
    r"\bspam\b|\bpolicy\b|black ?list|block(?:ed|list)|\bdmarc\b|\bspf\b|\bdkim\b|reputation|\bvirus\b|content reject|"
    r"message size|too (?:large|big)|te groot|administrative prohibition|"
    r"not authorized|unsolicited|\brbl\b|\bdnsbl\b|listed (?:at|in|on|by)\b|"
    r"relay(?:ing)? (?:not|denied|access|is not)|unable to relay|(?:content|mail|spam)[ -]?filter|"
    r"sender verify|callback|reverse (?:host|dns)|"
    r"\bhelo\b|\behlo\b|\bptr\b|geweigerd wegens",
    re.IGNORECASE,
)
# About the domain or the address of the sender, whom the server does not accept.
_SENDER_WORDS = re.compile(r"sender (?:address|domain|rejected)|envelope sender|return.path|invalid dns", re.IGNORECASE)
# The DNS said that there is no such domain; "try again" means that it said nothing (SERVFAIL).
_NO_DOMAIN_WORDS = re.compile(
    r"nxdomain|(?:no such|unknown) (?:domain|host)\b|non-?existent domain|"
    r"domain (?:name )?(?:\S{1,255} )?(?:does ?n[o'’]t exist|(?:is )?unknown)|"
    r"(?:domain|domain name|host) not found(?!.{0,200}try again)|domein bestaat niet",
    re.IGNORECASE | re.DOTALL,
)
_LOOP_WORDS = re.compile(
    r"hop ?count|too many hops|(?:mail|routing|message|forwarding) loop|loops? back to|loop detected", re.IGNORECASE
)
# Greylisting refuses every first attempt; a server that does not try again gives up.
_LATER_WORDS = re.compile(
    r"gr[ae]y-?list|(?:try|retry|come back)(?: again)? (?:later|in \d)|message (?:has )?expired",
    re.IGNORECASE,
)
_GIVEN_UP_WORDS = re.compile(
    r"retry time|timed? ?out|delivery time expired|in the queue too long|"
    r"for more than \d+ (?:day|hour)|connection (?:refused|dropped|reset)|could not connect|"
    r"temporary (?:failure|lookup)|lost connection",
    re.IGNORECASE,
)
_UNKNOWN_WORDS = re.compile(
    r"(?:gebruiker|ontvanger|geadresseerde|adres) (?:is )?(?:onbekend|niet gevonden)|"
    r"(?:unbekannter? |unknown )(?:benutzer|empf[aä]nger)|(?:benutzer|empf[aä]nger) (?:ist )?unbekannt|"
    r"(?:utilisateur|destinataire|adresse) (?:est )?inconnue?|recipient ?not ?found|user does ?n[o'’]t have|"
    r"(?:user|mailbox|recipient|address|account)(?: name)? (?:is )?(?:unknown|not found|does ?n[o']t exist|"
    r"disabled|unavailable|inactive)|unknown (?:user|recipient|address)|no such (?:user|mailbox|person|recipient|"
    r"address|domain)|not listed in .{0,40}directory|(?:account|address) or domain may not exist|"
    r"no mailbox here|invalid (?:recipient|mailbox|address)|unrouteable|unroutable|bestaat niet|"
    r"onbekende (?:gebruiker|ontvanger)",
    re.IGNORECASE,
)
# Codes of the subject "address" that are about the sender's address (RFC 3463 §3.2, X.1.7 and X.1.8) or about the
# sender's other mail (Exchange, X.1.20 and X.1.90).
_SENDERS = {(1, 7), (1, 8), (1, 20), (1, 90)}
# The message is too long for the mailbox or the system (RFC 3463 §3.3 X.2.3, §3.4 X.3.4): the address is right.
_TOO_LARGE = {(2, 3), (3, 4)}
# A routing loop, also as Exchange writes it (RFC 3463 §3.5, X.4.6; 5.4.11 and 5.4.14 count hops).
_LOOPS = {(4, 6), (4, 11), (4, 14)}
# The message expired, or a server had too much mail for now (RFC 3463 §3.5, X.4.7 and X.4.5; Exchange writes X.2.121
# and X.2.122 if somebody receives too many messages in an hour).
_GIVEN_UP_CODES = {(4, 5), (4, 7), (2, 121), (2, 122)}
# The replies that are about a mailbox or its domain (RFC 5321 §4.2.3, RFC 7504); the others are about the session.
_ABOUT_ADDRESS = ("550", "551", "553", "521", "556")
# There is no route to the domain (RFC 3463 §3.5, X.4.4); as a permanent code it means that the domain is wrong.
_NO_ROUTE = (5, 4, 4)


def verdict(status: str, reply: str) -> Verdict:
    """Return the reason why a message was refused or given up.

    :param status: the Status field of a report (RFC 3464 §2.3.4), or empty.
    :param reply: the server's reply, with its codes if it gave any.
    """
    reply = " ".join(reply.split())
    # The status is first: the reply may be the last one of many, before the sending server gave up.
    codes = _codes(f"{status} {reply}")
    telling = [_by_code(*code) for code in codes]
    found = next((each for each in telling if each is not None), None)
    if found is not None and found is not Verdict.GIVEN_UP:
        return found
    if _SENDER_WORDS.search(reply) and found is None:
        return Verdict.POLICY
    if _NO_DOMAIN_WORDS.search(reply):
        return Verdict.FAILED
    if found is Verdict.GIVEN_UP:
        return Verdict.FULL if _FULL_WORDS.search(reply) else found
    by_words = _by_words(reply, (5, 7, 0) in codes)
    # The refusal is temporary: no server reported that the address does not exist (RFC 3463 §2, class 4).
    basic = _BASIC.search(reply)
    temporary = (bool(codes) and codes[0][0] == 4) or (basic is not None and basic[1].startswith("4"))
    return Verdict.GIVEN_UP if by_words is Verdict.FAILED and temporary else by_words


def _codes(text: str) -> list[tuple[int, int, int]]:
    return [(int(each[1]), int(each[2]), int(each[3])) for each in _ENHANCED.finditer(text)]


def _by_code(kind: int, subject: int, detail: int) -> Verdict | None:
    """Return what one enhanced status code tells, if it tells anything.

    X.0.0 and X.5.0 give no reason; Exim writes 5.0.0 for every reply of the other server. A temporary code of the
    subject "policy" is mostly greylisting.
    """
    if (subject, detail) == (2, 2):
        return Verdict.FULL
    if (subject, detail) in _GIVEN_UP_CODES:
        return Verdict.GIVEN_UP
    if (subject, detail) in _LOOPS:
        return Verdict.LOOP
    if (subject, detail) in _SENDERS | _TOO_LARGE or subject == 6 or (subject == 7 and detail != 0 and kind == 5):
        return Verdict.POLICY
    return Verdict.FAILED if subject == 1 or (kind, subject, detail) == _NO_ROUTE else None


def _by_words(reply: str, policy_code: bool) -> Verdict:
    if _FULL_WORDS.search(reply):
        return Verdict.FULL
    if _LOOP_WORDS.search(reply):
        return Verdict.LOOP
    if _UNKNOWN_WORDS.search(reply):
        return Verdict.FAILED
    if _LATER_WORDS.search(reply):
        return Verdict.GIVEN_UP
    if policy_code or _POLICY_WORDS.search(reply):
        return Verdict.POLICY
    if _GIVEN_UP_WORDS.search(reply):
        return Verdict.GIVEN_UP
    # RFC 5321 §4.2.3: 552 means that the storage limit is exceeded.
    basic = _BASIC.search(reply)
    if basic and basic[1] == "552":
        return Verdict.FULL
    is_other = basic is not None and basic[1].startswith("5") and basic[1] not in _ABOUT_ADDRESS
    return Verdict.POLICY if is_other else Verdict.FAILED


def names_no_mailbox(reply: str) -> bool:
    """Return whether a reply says for certain that the address is wrong.

    The reply must have the code or the words for that. Any other refusal may be about this one message, or
    about this one day.
    """
    if verdict("", reply) is not Verdict.FAILED:
        return False
    codes = _codes(reply)
    sure = _UNKNOWN_WORDS.search(reply) or _NO_DOMAIN_WORDS.search(reply)
    return bool(sure) or any(subject == 1 or (kind, subject, detail) == _NO_ROUTE for kind, subject, detail in codes)


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
    r"still be(?:ing)? retried|has not yet been delivered|no action is required|"
    r"warning message only|wordt? nog steeds geprobeerd|"
    r"temporarily suspended|will (?:be retried|retry)|delivery attempts will continue|"
    r"(?:bezorging|aflevering) .{0,100}(?:is|wordt) vertraagd|probeert het nog|nog .{0,40}geprobeerd",
    re.IGNORECASE,
)
_UNDELIVERED = re.compile(
    r"(?:could|can) ?(?:not|n['’]t) (?:be |to )?deliver|(?:was|were|been)(?:n['’]t| not) (?:be )?delivered|"
    r"not been delivered|undeliver(?:able|ed)|did not reach|could not be reached|fatal delivery error|"
    r"deliver(?:y|ing)(?: to the following recipients?| of (?:your|the) message)?(?: has)? fail|delivery failure|"
    r"failed to deliver|failed recipient|(?:unable|not able) to (?:be )?deliver|returned mail|mail delivery failed|"
    r"permanent error|fatal error|(?:kon|kan|kunnen) niet worden (?:afgeleverd|bezorgd|verzonden)|"
    r"niet (?:(?:worden )?(?:afgeleverd|bezorgd)|bestelbaar)|onbestelbaar|"
    r"(?:bezorg|aflever)(?:ing|en) .{0,100}is mislukt|nicht .{0,100}zugestellt|unzustellbar|"
    r"n['’]a pas pu [eê]tre|non remis",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LONGEST_REASON = 600
#: Characters of a report for people in which the reason is looked for.
MOST_OF_TEXT = 5000


# A notice of delay promises another if the delivery "fails permanently": that is not it yet.
_FINAL = re.compile(r"permanent (?:error|fail|fatal)|giv(?:ing|en) up|gave up|fatal", re.IGNORECASE)


def read_prose(text: str, subject: str, failed_recipients: str) -> Prose | None:
    """Return the report in a plain text; None if it reports no failure.

    :param failed_recipients: the header X-Failed-Recipients, which Exim and Gmail write.
    """
    if _QMAIL_START.match(text):
        return _qmail(text)
    named = tuple(dict.fromkeys(_ADDRESS.findall(failed_recipients)))
    if named:
        return Prose(named, _judged(text, _reason_behind(text, named)), _reason_behind(text, named), certain=True)
    said = " ".join(f"{subject}: {text}".split())
    if not (_UNDELIVERED.search(said) or _DELAYED.search(said)):
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
    said = " ".join(text.split())
    if _DELAYED.search(said) and not _FINAL.search(said):
        return Verdict.DELAYED
    found = verdict("", reason or text[:_LONGEST_REASON])
    # The first text behind the address may be the rest of a sentence, with the reason further on.
    is_sure = found is not Verdict.FAILED or names_no_mailbox(reason)
    end = _RETURNED_BELOW.search(text)
    return found if is_sure else verdict("", f"{reason}\n{text[: end.start() if end else None][:MOST_OF_TEXT]}")


# The name of a field with the recipient, or the address at the start of a line with the reason behind it.
_LABELLED = re.compile(
    r"[ \t]{0,9}(?:(?:failed |final |original )?recipient(?: address)?|(?:e-?mail ?)?ad(?:d?ress|res)|"
    r"(?:mislukte )?ontvanger|geadresseerde)[ \t]{0,9}[:=][ \t]{0,9}(?:rfc822;[ \t]?)?<?"
    r"([\w.+-]{1,64}@[\w.-]{1,255}\w)>?[ \t]{0,9}$|"
    r"[ \t]{0,9}<?([\w.+-]{1,64}@[\w.-]{1,255}\w)>?(?::[ \t]|[ \t]?\.\.\.|[ \t]\()",
    re.IGNORECASE,
)
# The returned message follows, whose headers name other addresses.
_RETURNED_BELOW = re.compile(
    r"(?im)^.{0,80}(?:headers?|copy of (?:your|the) message|original message|oorspronkelijk).{0,80}$"
)


def _blamed(text: str) -> Iterator[str]:
    """Yield the addresses that a report names as recipients.

    In most reports they are alone on a line. In others a field name is before them, or the reason is behind them.
    """
    for line in text.split("\n"):
        alone = line.strip(" \t:<>*-()'\"“”")
        if _ADDRESS.fullmatch(alone):
            yield alone
    end = _RETURNED_BELOW.search(text)
    for line in (text[: end.start()] if end else text).split("\n"):
        labelled = _LABELLED.match(line)
        if labelled:
            yield labelled[1] or labelled[2]


def _reason_behind(text: str, recipients: tuple[str, ...]) -> str:
    for address in recipients:
        start = text.find(address)
        if start >= 0:
            behind = text[start + len(address) :].lstrip(" \t:>)\n\"'")
            return re.split(r"\n[ \t]*\n[ \t]*(?=\S)", behind, maxsplit=1)[0][:_LONGEST_REASON]
    return ""
