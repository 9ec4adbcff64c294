"""Storage of logins, outside the working folder.

A login is in the system's keyring or, if that is not possible, in a file that only the user can read.
"""

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
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.files import PRIVATE, config_folder, reason_of, write_private
from mkwmail.i18n import _

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_SERVICE = "mkwmail"


class NoRingError(Exception):
    """The error that the keyring is missing, locked or rejects the text."""


def put(name: str, text: str) -> None:
    """Store a text in the keyring.

    :raises NoRingError: if the keyring does not store it.
    """
    try:
        _ring().set_password(_SERVICE, name, text)
    # Each keyring raises its own errors, for example if it is locked or the text is too long (Windows: 2,560 octets).
    except Exception as error:
        raise NoRingError from error


def get(name: str) -> str | None:
    """Return the text in the keyring, or None if there is none.

    :raises NoRingError: if the keyring cannot be reached, for example from cron.
    """
    try:
        return _ring().get_password(_SERVICE, name)
    except Exception as error:
        raise NoRingError from error


def remove(name: str) -> None:
    """Remove a text from the keyring, if it is there.

    :raises NoRingError: if the keyring cannot be reached.
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
    # Below 1 are the backends that keyring itself does not recommend: plain files, and the one that stores nothing.
    if ring.priority < 1:
        raise NoRingError
    return ring


def closing(path: Path, mode: int) -> str:
    """Return the command that makes a file private.

    Return an empty text if it is private already. ``mode``: its ``st_mode``.
    """
    # On Windows st_mode does not show who may read a file.
    is_open = os.name == "posix" and bool(mode & 0o077)
    return f"chmod 600 {shlex.quote(str(path))}" if is_open else ""


Values = dict[str, str | float]

_IN_RING: Values = {"kept": "keyring"}
_LOCK_SECONDS = 120.0  # another process may be waiting for the provider


class Store:
    """The logins of the current user.

    Each login has a file, even if its values are in the keyring.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of_user(cls) -> "Store":
        """Return the store in the system's folder for a user's settings.

        :raises UserError: code SETTINGS if there is no such place.
        """
        return cls(config_folder() / "logins")

    def path(self, smtp: Smtp) -> Path:
        """Return the file of a login: one for each username and server."""
        return self._folder / f"{quote(name_of(smtp), safe='@')}.json"

    def load(self, smtp: Smtp) -> Values | None:
        """Return the values of a login, or None if there are none.

        :raises UserError: code SETTINGS if others can read the file or if it cannot be read; LOGIN if the values are
            in a keyring that cannot be reached.
        """
        values = self._read(self.path(smtp))
        if values != _IN_RING:
            return values
        fault = _("the login of %(username)s is in the system's keyring, which cannot be reached from here")
        remedy = _(
            "unlock the keyring; cron usually cannot reach it: uninstall the extra `keyring` and run "
            "mkwmail login, which then stores the login in a file"
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
        """Store a login, in the keyring if possible.

        Return the place in words, for a message.

        :raises UserError: if neither the keyring nor the file can hold it.
        """
        if self._put_in_ring(smtp, values):
            return _("the system's keyring")
        self._write(self.path(smtp), values)
        return str(self.path(smtp))

    def renew(self, smtp: Smtp, values: Mapping[str, str | float]) -> None:
        """Store the new values of a login in the place of the old ones.

        :raises UserError: if they cannot be written.
        """
        if self.is_in_ring(smtp) and self._put_in_ring(smtp, values):
            return
        self._write(self.path(smtp), values)

    def is_in_ring(self, smtp: Smtp) -> bool:
        """Return whether a login is in the system's keyring.

        :raises UserError: if its file cannot be read.
        """
        return self._read(self.path(smtp)) == _IN_RING

    def remove(self, smtp: Smtp) -> bool:
        """Remove a login; return whether there was one.

        :raises UserError: if it cannot be removed.
        """
        path = self.path(smtp)
        if not path.exists():
            return False
        try:
            ringed = self.is_in_ring(smtp)
        except UserError:
            ringed = False  # others can read it, or it is damaged: remove it all the same
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
        raise _fault(reason, _("run the command again when it can be removed"), ExitCode.LEDGER_FAULT)

    @contextmanager
    def locked(self, smtp: Smtp) -> Iterator[None]:
        """Lock a login, so that one process or thread at a time renews it.

        :raises UserError: if the lock is taken for two minutes, or the lock file cannot be written.
        """
        path = self.path(smtp).with_suffix(".lock")
        lock = FileLock(path, timeout=_LOCK_SECONDS, mode=PRIVATE)
        problem = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            fault = _("another mkwmail has been renewing this login for two minutes")
            problem = _fault(fault, _("run the command again later"), ExitCode.SERVER)
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
            raise _fault(_("%(file)s is damaged") % {"file": path}, "mkwmail login", ExitCode.SETTINGS)
        return values

    def _write(self, path: Path, values: Mapping[str, str | float]) -> None:
        problem = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A rotated refresh token is valid once: the new one must survive a power failure.
            write_private(path, json.dumps(dict(values)).encode())
        except OSError as error:
            problem = _unwritable(path, error)
        # Raised outside the except clause, so that no exception carries frames that hold the values.
        if problem is not None:
            raise problem


def name_of(smtp: Smtp) -> str:
    """Return the name of a login, from its username and server."""
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
    return user_error("", fault, remedy, code=code)
