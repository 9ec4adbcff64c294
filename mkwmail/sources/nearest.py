"""The known word that somebody probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that is most like ``word``, as it is written there; None where none is near."""
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.casefold().replace("-", "_"), name)
    found = get_close_matches(word.casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None
