"""The known word that somebody probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from mkwmail.language import _


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that is most like ``word``, as it is written there; None where none is near."""
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.casefold().replace("-", "_"), name)
    found = get_close_matches(word.casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """The nearest known word as a question, else all of them to choose from; empty where there is none."""
    names = list(dict.fromkeys(known))
    near = nearest(word, names)
    if near is not None:
        return _('did you mean "%(name)s"?') % {"name": near}
    return _("choose from: %(names)s") % {"names": ", ".join(names)} if names else ""
