"""Counts, lengths of time and lists in the words of the person at the keyboard."""

from collections.abc import Sequence
from datetime import timedelta

from mkwmail.language import _, ngettext
from mkwmail.sources.kinds import Kind, kind_of


def mails(count: int) -> str:
    """``43 mails``."""
    return ngettext("%(n)d mail", "%(n)d mails", count) % {"n": count}


def members(count: int) -> str:
    """``43 members``."""
    return ngettext("%(n)d member", "%(n)d members", count) % {"n": count}


def is_handed_to(server: str) -> str:
    """Return the sentence that mail leaves although the clock is shifted."""
    return _("Mail is really handed to %(server)s, which may deliver it.") % {"server": server}


def was_handed_to(server: str) -> str:
    """Return the sentence that mail left although the clock was shifted."""
    return _("Mail was really handed to %(server)s, which may deliver it.") % {"server": server}


def mailing_words(mailing: str) -> str:
    """A mailing's name for those who do not type it: ``reminder-2`` is ``reminder (reminder-2)``."""
    words = {
        Kind.SAVE_THE_DATE: _("save the date"),
        Kind.INVITATION: _("invitation"),
        Kind.REMINDER: _("reminder"),
        Kind.UPDATE: _("update"),
        Kind.CORRECTION: _("correction"),
        Kind.PRACTICAL: _("practical information"),
        Kind.CANCELLATION: _("cancellation"),
        Kind.THANKS: _("thanks"),
    }
    kind = kind_of(mailing)
    said = words.get(kind, mailing)
    return said if mailing in (kind, said) else f"{said} ({mailing})"


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
