"""Counts, lengths of time and lists in the words of the person at the keyboard."""

from collections.abc import Sequence
from datetime import timedelta

from mkwmail.language import ngettext


def mails(count: int) -> str:
    """``43 mails``."""
    return ngettext("%(n)d mail", "%(n)d mails", count) % {"n": count}


def members(count: int) -> str:
    """``43 members``."""
    return ngettext("%(n)d member", "%(n)d members", count) % {"n": count}


def duration(length: timedelta) -> str:
    """``2 minutes``, rounded up; ``3 hours`` from ninety minutes on."""
    minutes = max(1, -(-int(length.total_seconds()) // 60))
    if minutes < 90:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = -(-minutes // 60)
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}


def some(names: Sequence[str], shown: int = 3) -> str:
    """The first names of a list, and how many more there are.

    >>> some(["An", "Bo", "Cy", "Di", "Ed"])
    'An, Bo, Cy and 2 more'
    """
    if len(names) <= shown + 1:
        return ", ".join(names)
    rest = len(names) - shown
    more = ngettext("and %(n)d more", "and %(n)d more", rest) % {"n": rest}
    return f"{', '.join(names[:shown])} {more}"
