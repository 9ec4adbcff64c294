"""Debian's Dovecot as a process of its own on loopback, with one Maildir.

with Dovecot() as server:
    server.deliver(b"…")
    server.settings()  # the mailbox: line for mkwmail.yaml
    server.fetched()  # what the program asked of it
"""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.delivery.certificates import Certificate
from tests.workplace import Place, is_root

DOVECOT = shutil.which("dovecot") or shutil.which("/usr/sbin/dovecot")
USER, PASSWORD = "secretaris", "geheim woord"

missing = pytest.mark.skipif(
    DOVECOT is None or not is_root(), reason="needs dovecot-imapd, and the rights to start a mail server"
)

_SETTINGS = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
listen = 127.0.0.1
protocols = imap
ssl = no
disable_plaintext_auth = no
default_login_user = dovenull
default_internal_user = dovecot
first_valid_uid = 1
mail_location = maildir:{folder}/mail
# A login that fails is answered at once, and the next one as well.
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
    ssl = {tls}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
protocol imap {{
  rawlog_dir = {folder}/raw
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}
}}
namespace inbox {{
  inbox = yes
  mailbox Verzonden {{
    auto = create
    special_use = \\Sent
  }}
  mailbox "Antwoorden é" {{
    auto = create
  }}
}}
"""


KEY = b"a key of thirty-two octets, or so"


def token_for(user: str, lasts: float = 3600) -> str:
    """A signed token (RFC 7519) of somebody that is good for so many seconds, or was."""
    now = int(time.time())
    claims = {"iat": now - 7200, "nbf": now - 7200, "exp": int(now + lasts), "email": user, "sub": user}
    parts = [json.dumps(each).encode() for each in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in parts)
    signature = hmac.new(KEY, signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


class Dovecot:
    """A mailbox on loopback."""

    def __init__(self, mechanism: str = "", certificate: Certificate | None = None, implicit: bool = True) -> None:
        """:param mechanism: of a login with a token; else with the password.

        ``certificate``: with TLS, from the first octet if ``implicit``.
        """
        self._mechanism = mechanism
        self._certificate = certificate
        self._implicit = implicit and certificate is not None
        self.folder = Path(tempfile.mkdtemp(prefix="mkwmail-dovecot-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._number = 0

    def __enter__(self) -> Self:
        self.folder.chmod(0o755)
        for name in ("raw", "mail", "mail/new", "mail/cur", "mail/tmp"):
            (self.folder / name).mkdir()
        for name in ("raw", "mail", "mail/new", "mail/cur", "mail/tmp"):
            shutil.chown(self.folder / name, "mail", "mail")
        settings = self.folder / "dovecot.conf"
        words = {"folder": self.folder, "port": self.port, "password": PASSWORD.replace(" ", "_")}
        words["tls"] = "yes" if self._implicit else "no"
        more = self._with_tokens() if self._mechanism else ""
        if self._certificate is not None:
            more += f"ssl = yes\nssl_cert = <{self._certificate.certificate}\nssl_key = <{self._certificate.key}\n"
        settings.write_text(_SETTINGS.format(**words) + more)
        assert DOVECOT is not None
        self._process = subprocess.Popen([DOVECOT, "-F", "-c", str(settings)], stderr=subprocess.DEVNULL)
        for _turn in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("dovecot did not start: " + (self.folder / "log").read_text())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self._process.pid, signal.SIGTERM)
        self._process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _with_tokens(self) -> str:
        """Accept tokens that were signed with our key (doc.dovecot.org, "Open Authentication v2.0")."""
        (self.folder / "keys/default/HS256").mkdir(parents=True)
        (self.folder / "keys/default/HS256/default").write_bytes(base64.b64encode(KEY))
        (self.folder / "oauth.conf").write_text(
            f"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={self.folder}/keys/\n"
            "username_attribute = email\n"
        )
        return (
            f"auth_mechanisms = {self._mechanism}\n"
            f"passdb {{\n  driver = oauth2\n  mechanisms = {self._mechanism}\n  args = {self.folder}/oauth.conf\n}}\n"
        )

    def settings(self, place: Place, folders: str = "INBOX", more: str = "") -> str:
        """Write the password's file, and return the lines for mkwmail.yaml; ``more``: further keys."""
        security = "tls" if self._implicit else "starttls" if self._certificate is not None else "none"
        file = place.folder / "wachtwoord"
        file.write_text(PASSWORD.replace(" ", "_") + "\n")
        file.chmod(0o600)
        return (
            f"mailbox: {{host: 127.0.0.1, port: {self.port}, security: {security}, username: {USER},"
            f" password_file: wachtwoord, folders: [{folders}]{more}}}\n"
        )

    def deliver(self, mail: bytes, folder: str = "", *, read: bool = False) -> None:
        """Put a mail into a folder; ``folder`` as the Maildir names it. ``read``: flagged as read."""
        self._number += 1
        place = self.folder / "mail" / folder
        for name in ("new", "cur", "tmp"):
            if not (place / name).is_dir():
                (place / name).mkdir(parents=True)
                shutil.chown(place / name, "mail", "mail")
                shutil.chown(place, "mail", "mail")
        mail = mail.replace(b"\r\n", b"\n")
        # With the sizes, as Dovecot's own delivery writes them: it need not read each file to know them.
        size = f"S={len(mail)},W={len(mail) + mail.count(10)}"
        # Dovecot's hash of names is the same for many that differ in a number only: it would search for minutes.
        mixed = hashlib.sha256(str(self._number).encode()).hexdigest()[:16]
        name = f"{1_600_000_000 + self._number}.{mixed}.here,{size}"
        path = place / "cur" / f"{name}:2,S" if read else place / "new" / name
        path.write_bytes(mail)
        shutil.chown(path, "mail", "mail")

    def deliver_others(self, count: int, domain: str, every: int) -> None:
        """Put in mails of other people; of so many one refers to a Message-ID of our domain that is not ours."""
        for number in range(count):
            about = (
                f"In-Reply-To: <{number}@{domain}>\nReferences: <{number}@{domain}>\n" if number % every == 0 else ""
            )
            self.deliver(
                f"From: x{number}@example.net\nSubject: Lunch?\nMessage-ID: <o{number}@example.net>\n{about}"
                f"Date: Tue, 18 Feb 2020 10:00:00 +0100\nContent-Type: multipart/mixed; boundary=b\n\n"
                f"--b\nContent-Type: text/plain\n\nGEHEIM {number}\n--b--\n".encode(),
                read=True,
            )

    def names(self) -> list[str]:
        """Return the file names of all mails; they hold the flags. A mail that was seen by a server is in cur."""
        return sorted(
            each.name.partition(":2,")[0] + ":" + each.name.partition(":2,")[2]
            for each in (self.folder / "mail").rglob("*")
            if each.parent.name in ("new", "cur")
        )

    def asked(self) -> str:
        """Return every command that the program gave."""
        return "\n".join(each.read_text(errors="replace") for each in sorted((self.folder / "raw").glob("*.in")))

    def answered(self) -> str:
        """Return everything that the program was given."""
        return "\n".join(each.read_text(errors="replace") for each in sorted((self.folder / "raw").glob("*.out")))
