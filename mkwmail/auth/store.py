"""Where logins are kept: outside the working folder, in the system's keyring, else in a file of one's own."""

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from filelock import FileLock, Timeout

from mkwmail.config.settings import Smtp
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import PRIVATE, reason_of, write_private
from mkwmail.i18n import _
from mkwmail.user_folders import config_folder

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_SERVICE = "mkwmail"


class NoRingError(Exception):
    """There is no keyring here, it is closed, or it does not take this."""


def put(name: str, text: str) -> None:
    """Keep a text.

    :raises NoRingError: where it is not kept.
    """
    try:
        _ring().set_password(_SERVICE, name, text)
    # Whatever a system's keyring raises: one that takes no long text (Windows: 2,560 octets) or was closed, too.
    except Exception as error:
        raise NoRingError from error


def get(name: str) -> str | None:
    """The text that is kept; None where there is none.

    :raises NoRingError: where the keyring cannot be asked, as from cron.
    """
    try:
        return _ring().get_password(_SERVICE, name)
    except Exception as error:
        raise NoRingError from error


def remove(name: str) -> None:
    """Keep it no longer.

    :raises NoRingError: where the keyring cannot be asked.
    """
    try:
        ring = _ring()
        if ring.get_password(_SERVICE, name) is not None:
            ring.delete_password(_SERVICE, name)
    except Exception as error:
        raise NoRingError from error


def _ring() -> "KeyringBackend":
    import keyring

    ring = keyring.get_keyring()
    # Below 1 are those that keyring itself does not recommend: plain files, and none at all.
    if ring.priority < 1:
        raise NoRingError
    return ring


def closing(path: Path, mode: int) -> str:
    """The command that closes a file to others; empty where it is closed. ``mode``: its ``st_mode``."""
    # Windows keeps no such modes: st_mode says nothing about who may read there.
    is_open = os.name == "posix" and bool(mode & 0o077)
    return f"chmod 600 {shlex.quote(str(path))}" if is_open else ""


Values = dict[str, str | float]

_IN_RING: Values = {"kept": "keyring"}
_LOCK_SECONDS = 120.0  # another process may be waiting for the provider


class Store:
    """The logins of the person at this computer. Each has a file, even where the keyring has what it is about."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of_user(cls) -> "Store":
        """In the place that the system has for a person's settings.

        :raises UserError: code SETTINGS if there is no such place.
        """
        return cls(config_folder() / "logins")

    def path(self, smtp: Smtp) -> Path:
        """The file of a login: one for each username at each server."""
        return self._folder / f"{quote(name_of(smtp), safe='@')}.json"

    def load(self, smtp: Smtp) -> Values | None:
        """What is kept of a login; None where nothing is.

        :raises UserError: code SETTINGS where the file is open to others or cannot be read; LOGIN where it is in a
            keyring that cannot be asked.
        """
        values = self._read(self.path(smtp))
        if values != _IN_RING:
            return values
        fault = _("the login of %(username)s is in the system's keyring, which cannot be reached from here")
        remedy = _(
            "unlock the keyring; cron mostly cannot: uninstall the extra `keyring`, and type mkwmail login, which "
            "then keeps it in a file"
        )
        try:
            text = get(name_of(smtp))
        except NoRingError:
            text, reached = None, False
        else:
            reached = True
        if not reached:
            raise _fault(fault % {"username": smtp.username}, remedy, ExitCode.LOGIN)
        return _parsed(text.encode()) if text is not None else None

    def keep(self, smtp: Smtp, values: Mapping[str, str | float]) -> str:
        """Keep a login, in the keyring where there is one. Returns where, in words.

        :raises UserError: where it can be kept nowhere.
        """
        if self._put_in_ring(smtp, values):
            return _("the system's keyring")
        self._write(self.path(smtp), values)
        return str(self.path(smtp))

    def renew(self, smtp: Smtp, values: Mapping[str, str | float]) -> None:
        """Keep what a login has become, where it was kept before.

        :raises UserError: where that cannot be written.
        """
        if self.is_in_ring(smtp) and self._put_in_ring(smtp, values):
            return
        self._write(self.path(smtp), values)

    def is_in_ring(self, smtp: Smtp) -> bool:
        """Whether a login is in the system's keyring. :raises UserError: where its file cannot be read."""
        return self._read(self.path(smtp)) == _IN_RING

    def remove(self, smtp: Smtp) -> bool:
        """Keep a login no longer; whether there was one.

        :raises UserError: where it cannot be removed.
        """
        path = self.path(smtp)
        if not path.exists():
            return False
        try:
            ringed = self.is_in_ring(smtp)
        except UserError:
            ringed = False  # open to others, or spoiled: it goes all the same
        try:
            if ringed:
                remove(name_of(smtp))
            path.unlink(missing_ok=True)
        except NoRingError:
            fault = _("the system's keyring cannot be reached, so the login is still in it")
            reason = fault
        except OSError as error:
            reason = _("%(file)s cannot be removed: %(why)s") % {"file": path, "why": reason_of(error)}
        else:
            return True
        raise _fault(reason, _("give the command again when it can"), ExitCode.LEDGER_FAULT)

    @contextmanager
    def locked(self, smtp: Smtp) -> Iterator[None]:
        """Hold a login against other processes and threads, so that one at a time renews it.

        :raises UserError: where somebody else holds it for long, or nothing can be written there.
        """
        path = self.path(smtp).with_suffix(".lock")
        lock = FileLock(path, timeout=_LOCK_SECONDS, mode=PRIVATE)
        problem = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            fault = _("another mkwmail has been renewing this login for two minutes")
            problem = _fault(fault, _("give the command again later"), ExitCode.SERVER)
        except OSError as error:
            problem = _unwritable(path, error)
        if problem is not None:
            raise problem
        try:
            yield
        finally:
            lock.release()

    def _put_in_ring(self, smtp: Smtp, values: Mapping[str, str | float]) -> bool:
        try:
            put(name_of(smtp), json.dumps(dict(values)))
        except NoRingError:
            return False
        self._write(self.path(smtp), _IN_RING)
        return True

    def _read(self, path: Path) -> Values | None:
        try:
            mode = path.stat().st_mode
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            fault = _("%(file)s cannot be read: %(why)s") % {"file": path, "why": reason_of(error)}
            raise _fault(fault, "mkwmail login", ExitCode.SETTINGS) from None
        remedy = closing(path, mode)
        if remedy:
            fault = _("%(file)s, where the login is kept, can be read by others on this computer") % {"file": path}
            raise _fault(fault, remedy, ExitCode.SETTINGS)
        values = _parsed(data)
        if values is None:
            raise _fault(_("%(file)s is spoiled") % {"file": path}, "mkwmail login", ExitCode.SETTINGS)
        return values

    def _write(self, path: Path, values: Mapping[str, str | float]) -> None:
        problem = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A refresh token that was rotated is good once: the new one must not be lost with the power.
            write_private(path, json.dumps(dict(values)).encode())
        except OSError as error:
            problem = _unwritable(path, error)
        # Raised here and not within: no exception carries frames in which the values are at hand.
        if problem is not None:
            raise problem


def name_of(smtp: Smtp) -> str:
    """How a login is called: by its username and its server."""
    return f"{smtp.username}_{smtp.host.casefold()}"


def _parsed(data: bytes) -> Values | None:
    try:
        read = json.loads(data)
    except ValueError:
        return None
    if not isinstance(read, dict) or not all(isinstance(value, str | int | float) for value in read.values()):
        return None
    return read


def _unwritable(path: Path, error: OSError) -> UserError:
    fault = _("%(file)s cannot be written: %(why)s") % {"file": path, "why": reason_of(error)}
    return _fault(fault, "", ExitCode.LEDGER_FAULT)


def _fault(fault: str, remedy: str, code: ExitCode) -> UserError:
    return UserError(Fault("", fault, remedy), code=code)
