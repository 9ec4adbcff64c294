"""The system's keyring, where the extra ``keyring`` is installed and there is one to be had."""

from typing import TYPE_CHECKING

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
