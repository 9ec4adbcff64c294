"""Debian's Postfix as a process of its own on loopback, that delivers everything to one Maildir.

with Postfix(certificate, {"message_size_limit": "20000"}) as server:
    …
    server.wait_for_delivered(5)
    mails = server.mailbox("kim@woonstede.example.org")
"""

import contextlib
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.delivery.certificates import Certificate
from tests.workplace import is_root

POSTFIX = shutil.which("postfix") or shutil.which("/usr/sbin/postfix")
SASL = shutil.which("saslpasswd2") or shutil.which("/usr/sbin/saslpasswd2")
USER, PASSWORD = "secretaris", "geheim woord"

missing = pytest.mark.skipif(
    POSTFIX is None or SASL is None or not is_root(),
    reason="needs postfix and sasl2-bin, and the rights to start a mail server",
)

_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

_SETTINGS = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = /dev/stdout
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = post.example.org
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = static:all
virtual_mailbox_maps = regexp:{folder}/set/mailboxes
virtual_mailbox_base = {folder}/mail
virtual_minimum_uid = 100
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = {folder}/set/key.pem {folder}/set/certificate.pem
smtpd_sasl_auth_enable = yes
cyrus_sasl_config_path = {folder}/set/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
# Limits that stop a mailing for a minute at a provider last a second here, on loopback too.
anvil_rate_time_unit = 1s
smtpd_client_event_limit_exceptions =
"""

_SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasldb
mech_list: PLAIN LOGIN
"""


class Postfix:
    """A running server. ``settings`` are added to its main.cf."""

    def __init__(self, certificate: Certificate, settings: Mapping[str, str] | None = None) -> None:
        # Not in the tests' own folder: Postfix's own user must be able to get there.
        self._folder = Path(tempfile.mkdtemp(prefix="postfix-"))
        self._certificate = certificate
        self._settings = settings or {}
        self.log: list[str] = []
        self._news = threading.Condition()

    def __enter__(self) -> Self:
        self._folder.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._write("set/main.cf", _SETTINGS + "".join(f"{key} = {value}\n" for key, value in self._settings.items()))
        self._write("set/master.cf", _SERVICES)
        self._write("set/mailboxes", "if !/^nobody@/\n/./ all/\nendif\n")
        self._write("set/sasl/smtpd.conf", _SASL)
        shutil.copy(self._certificate.certificate, self._folder / "set/certificate.pem")
        shutil.copy(self._certificate.key, self._folder / "set/key.pem")
        for name, owner in (("queue", "root"), ("data", "postfix"), ("mail", "nobody")):
            (self._folder / name).mkdir()
            shutil.chown(self._folder / name, owner)
        assert SASL and POSTFIX
        secret = ("-c", "-p", "-f", str(self._folder / "sasldb"), "-u", "post.example.org", USER)
        subprocess.run([SASL, *secret], input=PASSWORD, text=True, check=True)
        shutil.chown(self._folder / "sasldb", "postfix")
        self._process = subprocess.Popen(
            [POSTFIX, "-c", str(self._folder / "set"), "start-fg"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.wait_for(lambda log: any("daemon started" in line for line in log), "start")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The server is a child of the script that was started, which ends after it.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self._folder / "queue/pid/master.pid").read_text()), signal.SIGTERM)
        self._process.wait(20)
        self._reader.join(5)
        assert self._process.stdout
        self._process.stdout.close()
        shutil.rmtree(self._folder)

    @contextlib.contextmanager
    def session(self) -> Iterator[smtplib.SMTP]:
        """A session of somebody who has logged in."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP("127.0.0.1", self.port) as session:
            session.starttls(context=context)
            session.login(f"{USER}@post.example.org", PASSWORD)
            yield session

    def mailbox(self, address: str) -> list[bytes]:
        """The mails that were delivered to an address, without the lines that Postfix puts on top."""
        found = [path.read_bytes() for path in sorted(self.maildir.glob("new/*"))]
        to = f"\nDelivered-To: {address}\n".encode()
        return [b"".join(_below_trace(mail)) for mail in found if to in mail]

    @property
    def maildir(self) -> Path:
        """Return the folder of delivered mail: all of it, except mail for nobody@…."""
        return self._folder / "mail" / "all"

    def wait_for_delivered(self, count: int) -> None:
        """Return when so many mails have been delivered."""
        self.wait_for(lambda log: sum("status=sent" in line for line in log) >= count, f"{count} delivered")

    def wait_for(self, true: Callable[[list[str]], bool], what: str) -> None:
        """Return when something is true of the log."""
        with self._news:
            came = self._news.wait_for(lambda: true(self.log), 20)
        assert came, f"Postfix: no {what}:\n" + "".join(self.log[-20:])

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{folder}", str(self._folder)).replace("{port}", str(self.port)))

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._news:
                self.log.append(line)
                self._news.notify_all()


_TRACE = (b"Return-Path:", b"X-Original-To:", b"Delivered-To:", b"Received:", b"\t", b" ")


def _below_trace(mail: bytes) -> Iterator[bytes]:
    """A delivered mail has the line ends of its own system."""
    above = True
    for line in mail.splitlines():
        above = above and line.startswith(_TRACE)
        if not above:
            yield line + b"\r\n"


@contextlib.contextmanager
def greylisting() -> Iterator[int]:
    """A policy service that defers each recipient the first time (Postfix SMTPD_POLICY_README); its port."""
    seen: set[str] = set()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:
            asked: dict[str, str] = {}
            for line in stream:
                name, equals, value = line.decode().rstrip("\n").partition("=")
                if equals:
                    asked[name] = value
                    continue
                known = asked["recipient"] in seen
                seen.add(asked["recipient"])
                stream.write(b"action=dunno\n\n" if known else b"action=defer 4.2.0 Greylisted, come back\n\n")
                stream.flush()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = listening.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
