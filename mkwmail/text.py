"""Sizes, counts and names as the person at the keyboard reads them."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from mkwmail.i18n import _, ngettext


def size(octets: int) -> str:
    """Return a size in words: ``120 kB``, ``3.4 MB``.

    The units are decimal, as in the limits of mail providers.
    """
    if octets < 1_000_000:
        return f"{max(1, round(octets / 1000))} kB"
    megabytes, tenth = divmod(round(octets / 100_000), 10)
    return _("%(megabytes)d.%(tenth)d MB") % {"megabytes": megabytes, "tenth": tenth}


def mails(count: int) -> str:
    """``43 mails``."""
    return ngettext("%(n)d mail", "%(n)d mails", count) % {"n": count}


def members(count: int) -> str:
    """``43 members``."""
    return ngettext("%(n)d member", "%(n)d members", count) % {"n": count}


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


def one_line(text: str, longest: int = 300) -> str:
    """Return a stranger's text on one line, without characters that control.

    Control characters of C0 and C1, marks that reverse the direction of text, and other invisible characters become
    spaces. They could hide what a terminal, a page or a spreadsheet shows.

    :param longest: the number of characters that are kept.
    """
    # Cut first: a text can be megabytes long.
    cut = text[: 4 * longest]
    return " ".join("".join(char if char.isprintable() else " " for char in cut).split())[:longest]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like ``word``; None if none is.

    The word is returned as it is written in ``known``.
    """
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.casefold().replace("-", "_"), name)
    found = get_close_matches(word.casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a question that suggests the most similar known word.

    If no known word is similar, list all of them to choose from; empty if there are none.
    """
    names = list(dict.fromkeys(known))
    near = nearest(word, names)
    if near is not None:
        return _('did you mean "%(name)s"?') % {"name": near}
    return _("choose from: %(names)s") % {"names": ", ".join(names)} if names else ""
