"""The mailbox over IMAP (RFC 9051): searched on the server, and read without changing anything.

Folders are opened with EXAMINE and mails are fetched with BODY.PEEK, so that no flag changes. This module does not know
the ledger.
"""

import re
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from email.message import Message
from time import monotonic
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError
from imapclient.imapclient import SENT

from mkwmail.auth.credentials import Credential, Password, tls_context, unknown_authority
from mkwmail.config.settings import Imap, Security
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _
from mkwmail.responses.saved_mail import parsed

#: Mails in one group: a server may refuse longer lists, and the position advances after each group.
GROUP = 500
LARGEST_MAIL = 10 << 20  # octets; larger ones are not fetched
_REPLY_SECONDS = 60.0  # opening a folder of 50,000 mails for the first time takes long
_HEADERS = "MESSAGE-ID IN-REPLY-TO REFERENCES CONTENT-TYPE SUBJECT FROM AUTO-SUBMITTED"
_STRUCTURE = "BODYSTRUCTURE"
_BACKOFF = re.compile(r"Backoff Time: (\d{1,15})\d* milliseconds", re.IGNORECASE)
_LONGEST_WAIT = 3600  # seconds; Exchange asks for 300 at most


class MailboxError(UserError):
    """The error that the mailbox cannot be read now.

    ``wait``: the seconds for which the server wants to be left alone, an hour at most; 0 if it did not say so.
    """

    def __init__(self, *faults: Fault, code: ExitCode, wait: int = 0) -> None:
        super().__init__(*faults, code=code)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder as the server describes it: UIDs count only under the same UIDVALIDITY (RFC 9051 §2.3.1.1)."""

    name: str
    validity: int
    last_uid: int


@dataclass(frozen=True, slots=True)
class Header:
    """The headers of a mail that tell whether it concerns us, and its size in octets.

    ``calendar``: one of its parts can be an answer of a calendar.
    """

    uid: int
    size: int
    fields: Message
    calendar: bool


class Mailbox:
    """A connection to the mailbox. Everything that fails raises :class:`MailboxError`."""

    def __init__(self, client: IMAPClient, place: str) -> None:
        self._client = client
        self._place = place

    def examine(self, folder: str) -> FolderState:
        """Open a folder for reading only."""
        with _faults(self._place, folder):
            found = self._client.select_folder(folder, readonly=True)
            next_uid = found.get(b"UIDNEXT")
            if next_uid is None:
                next_uid = max(self._client.search(["ALL"]), default=0) + 1
            return FolderState(folder, int(found[b"UIDVALIDITY"]), int(next_uid) - 1)

    def search(self, first: int, last: int, since: date, domains: Iterable[str], subjects: Iterable[str]) -> list[int]:
        """Return the UIDs of mails that may concern us, ascending.

        :param domains: those of our Message-IDs. ``subjects``: what the subject of a mail to us can hold.
        """
        # Without the upper end, n:* gives the newest mail even if its UID is lower (RFC 9051 §6.4.8).
        within: list[Any] = ["UID", f"{first}:{last}", "SINCE", since]
        signs: list[list[Any]] = [
            ["HEADER", name, f"@{each}"] for each in domains for name in ("IN-REPLY-TO", "REFERENCES")
        ]
        signs += [["HEADER", "CONTENT-TYPE", kind] for kind in ("report", "multipart", "calendar")]
        signs += [["FROM", name] for name in ("mailer-daemon", "postmaster", "microsoftexchange")]
        signs += [["SUBJECT", each] for each in subjects]
        with _faults(self._place):
            found = self._client.search([*within, *_any(signs)])
            if not found:
                # Some servers do not search in headers. They are few mails, or all headers are looked at.
                found = self._client.search(within)
            return sorted(uid for uid in found if first <= uid <= last)

    def with_text(self, first: int, last: int, since: date, text: str) -> set[int]:
        """Return the UIDs of mails whose text holds some ASCII characters."""
        with _faults(self._place):
            return set(self._client.search(["UID", f"{first}:{last}", "SINCE", since, "BODY", text]))

    def headers(self, uids: Sequence[int]) -> list[Header]:
        """Return the headers of mails, for at most :data:`GROUP` of them."""
        # In one command: a server opens each mail for it, and that takes most of the time.
        items = ["RFC822.SIZE", f"BODY.PEEK[HEADER.FIELDS ({_HEADERS})]", _STRUCTURE]
        found = []
        for uid, data in self._fetched(uids, items):
            text = next((value for key, value in data.items() if key.startswith(b"BODY[HEADER")), b"")
            size, structure = int(data.get(b"RFC822.SIZE", 0)), data.get(_STRUCTURE.encode())
            found.append(Header(uid, size, parsed(text or b""), _has_reply(structure)))
        return found

    def mails(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Yield whole mails with their UIDs, one by one. A mail that was removed meanwhile is left out."""
        for uid in uids:
            for got, data in self._fetched([uid], ["BODY.PEEK[]"]):
                content = data.get(b"BODY[]")
                if content is not None:
                    yield got, content

    def sent_folder(self) -> str:
        """Return the folder with sent mail (RFC 6154), or an empty text if there is none."""
        with _faults(self._place):
            return str(self._client.find_special_folder(SENT) or "")

    def with_id(self, message_id: str) -> list[int]:
        """Return the UIDs of the mails with a Message-ID, without angle brackets."""
        with _faults(self._place):
            return sorted(self._client.search(["HEADER", "MESSAGE-ID", message_id]))

    def _fetched(self, uids: Sequence[int], items: Sequence[str]) -> list[tuple[int, dict[bytes, Any]]]:
        """Fetch, and leave out what was not asked for: answers without a UID come under a sequence number.

        A mail whose structure cannot be read is fetched without it.
        """
        if not uids:
            return []
        wanted = set(uids)
        try:
            with _faults(self._place):
                try:
                    found = self._client.fetch(list(uids), items)
                except ProtocolError:
                    if _STRUCTURE not in items:
                        raise
                    middle = len(uids) // 2
                    if middle:
                        return self._fetched(uids[:middle], items) + self._fetched(uids[middle:], items)
                    return self._fetched(uids, [each for each in items if each != _STRUCTURE])
        except MemoryError:
            raise _silent(self._place) from None
        return sorted((uid, data) for uid, data in found.items() if uid in wanted)


@contextmanager
def open_mailbox(imap: Imap, username: str, credential: Credential | None, seconds: float) -> Iterator[Mailbox]:
    """Connect and log in; close the connection at the end.

    :param seconds: the time for everything, however slowly the server answers.
    :raises MailboxError: if the server cannot be reached, or refuses the login.
    """
    place = f"{imap.host}:{imap.port}"
    late, began = threading.Event(), monotonic()
    with _faults(place):
        client = _connected_within(imap, min(_REPLY_SECONDS, seconds))
    watch = threading.Timer(max(0.0, seconds - (monotonic() - began)), _cut, (client, late))
    watch.daemon = True
    watch.start()
    broken = False
    try:
        _log_in(client, place, username, credential)
        yield Mailbox(client, place)
    except MailboxError:
        broken = True  # a server that did not answer would not answer LOGOUT either
        if late.is_set():
            raise _late(place, seconds) from None
        raise
    finally:
        watch.cancel()
        with suppress(OSError, IMAPClientError):
            client.shutdown() if broken or late.is_set() else client.logout()


def _connected_within(imap: Imap, seconds: float) -> IMAPClient:
    """Connect in a thread of its own: the library's deadline starts again with every character of the greeting."""
    ended: Future[IMAPClient] = Future()

    def connect() -> None:
        try:
            ended.set_result(_connected(imap, seconds))
        except Exception as error:  # raised again when the result is asked for
            ended.set_exception(error)

    threading.Thread(target=connect, daemon=True).start()
    return ended.result(seconds)


def _connected(imap: Imap, seconds: float) -> IMAPClient:
    context = tls_context(imap.ca_file)
    implicit = imap.security is Security.TLS
    client = IMAPClient(imap.host, imap.port, ssl=implicit, ssl_context=context if implicit else None, timeout=seconds)
    if imap.security is Security.STARTTLS:
        client.starttls(context)
    return client


def _cut(client: IMAPClient, late: threading.Event) -> None:
    late.set()
    with suppress(OSError, AttributeError):
        client.socket().shutdown(socket.SHUT_RDWR)


def _log_in(client: IMAPClient, place: str, username: str, credential: Credential | None) -> None:
    if credential is None:
        raise MailboxError(
            Fault(place, _("there is no username for the mailbox"), _("write below mailbox: a line username: …")),
            code=ExitCode.SETTINGS,
        )
    if isinstance(credential, Password):
        with _faults(place, username=username):
            client.login(username, credential.reveal())
        return
    token = credential.current()
    try:
        _by_token(client, username, token.reveal())
    except IMAPClientError as error:
        if isinstance(error.__context__, IMAPClientAbortError):
            raise _silent(place) from None
        if _BACKOFF.search(str(error)):
            raise _refused(place, str(error), "", "") from None
        # A server refuses a token that is valid by this computer's clock if, for example, that clock was set.
        other = credential.other_than(token)
        with _faults(place, username=username):
            if other is None:
                raise LoginError from None
            _by_token(client, username, other.reveal())


def _by_token(client: IMAPClient, username: str, token: str) -> None:
    """Log in with XOAUTH2, which Microsoft and Google have, else with OAUTHBEARER (RFC 7628)."""
    if client.has_capability("AUTH=OAUTHBEARER") and not client.has_capability("AUTH=XOAUTH2"):
        client.oauthbearer_login(username, token)
    else:
        client.oauth2_login(username, token)


@contextmanager
def _faults(place: str, folder: str = "", username: str = "") -> Iterator[None]:
    """Turn everything that a connection can raise into one sentence."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        if unknown := unknown_authority(error, "mailbox"):
            raise MailboxError(Fault(place, *unknown), code=ExitCode.SERVER) from None
        fault = _("the server's certificate cannot be trusted: %(reason)s") % {"reason": error.verify_message}
        remedy = _("write mailbox: host as the provider gives it; nothing was read, because it may be another server")
        raise MailboxError(Fault(place, fault, remedy), code=ExitCode.SERVER) from None
    except ssl.SSLError as error:
        fault = _("no encrypted connection could be made: %(reason)s") % {"reason": error.reason or error}
        remedy = _("security: tls goes with port 993, security: starttls with port 143")
        raise MailboxError(Fault(place, fault, remedy), code=ExitCode.SERVER) from None
    except TimeoutError:
        raise _silent(place) from None
    except OSError as error:
        fault = _("the mailbox cannot be reached: %(reason)s") % {"reason": reason_of(error)}
        remedy = _("check mailbox: host and port in mkwmail.yaml, and the network")
        raise MailboxError(Fault(place, fault, remedy), code=ExitCode.SERVER) from None
    except IMAPClientAbortError:
        raise _silent(place) from None
    except IMAPClientError as error:
        if isinstance(error.__context__, IMAPClientAbortError):  # `login` turns a lost connection into a refusal
            raise _silent(place) from None
        raise _refused(place, str(error), folder, username) from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError):
        fault = _("the mailbox answered something that cannot be read")
        raise MailboxError(Fault(place, fault, _("try again later")), code=ExitCode.SERVER) from None


def _refused(place: str, reason: str, folder: str, username: str) -> MailboxError:
    backoff = _BACKOFF.search(reason)
    if backoff:
        wait = min(-(-int(backoff[1]) // 1000), _LONGEST_WAIT)
        fault = _("the mailbox asks to wait %(seconds)d seconds") % {"seconds": wait}
        return MailboxError(Fault(place, fault, _("try again later")), code=ExitCode.SERVER, wait=wait)
    if username:
        fault = _("the mailbox refuses the login of %(username)s") % {"username": username}
        return MailboxError(Fault(place, fault, _("log in again: mkwmail login --mailbox")), code=ExitCode.LOGIN)
    if "authenticated but not connected" in reason:
        fault = _("the login is right, but this account may not read this mailbox")
        remedy = _("ask your administrator for access to the mailbox, with IMAP")
        return MailboxError(Fault(place, fault, remedy), code=ExitCode.LOGIN)
    if folder:
        fault = _('the mailbox has no folder "%(folder)s" that can be read') % {"folder": folder}
        return MailboxError(Fault(place, fault, _("check mailbox: folders in mkwmail.yaml")), code=ExitCode.SETTINGS)
    fault = _("the mailbox answered something that cannot be read")
    return MailboxError(Fault(place, fault, _("try again later")), code=ExitCode.SERVER)


def _silent(place: str) -> MailboxError:
    fault = _("the mailbox ended the connection, or did not answer in time")
    return MailboxError(Fault(place, fault, _("try again later")), code=ExitCode.SERVER)


def _late(place: str, seconds: float) -> MailboxError:
    fault = _("the mailbox was not read to its end within %(seconds)d seconds") % {"seconds": int(seconds)}
    return MailboxError(Fault(place, fault, _("read the rest: mkwmail inbox")), code=ExitCode.SERVER)


def _any(signs: Sequence[list[Any]]) -> list[Any]:
    """Return the search key for one of these: OR takes two (RFC 9051 §6.4.4)."""
    key = list(signs[-1])
    for sign in reversed(signs[:-1]):
        key = ["OR", *sign, *key]
    return key


def _has_reply(structure: object) -> bool:
    """Check whether a BODYSTRUCTURE has a calendar part that can be an answer."""
    if isinstance(structure, (tuple, list)):
        texts = [each.lower() if isinstance(each, bytes) else each for each in structure]
        if len(texts) > 2 and texts[0] in (b"text", b"application") and texts[1] in (b"calendar", b"ics"):
            parameters = [each.lower() for each in texts[2] or () if isinstance(each, bytes)]
            method = dict(zip(parameters[::2], parameters[1::2], strict=False)).get(b"method")
            return method in (None, b"reply", b"counter")
        return any(_has_reply(each) for each in structure)
    return False
