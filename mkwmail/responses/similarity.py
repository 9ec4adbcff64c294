"""Similar names of people, and of organisations.

Two names are alike if they may be those of one person: titles, initials, prefixes, the order of first name and
surname, one or two letters, and half of a double name may differ.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from mkwmail.responses.answers import folded_words

_TITLES = frozenset(
    (
        *("dhr", "heer", "hr", "mevr", "mevrouw", "mw", "mejuffrouw", "mr", "mrs", "ms", "miss", "sir", "drs", "dr"),
        *("ir", "ing", "prof", "msc", "bsc", "ma", "ba", "mba", "phd", "llm", "bc", "dra", "em", "jhr", "jkvr", "ra"),
        *("beste", "geachte", "fam", "familie", "meneer", "hc", "rc", "emba"),
    )
)
_PREFIXES = frozenset(
    (
        *("van", "der", "den", "de", "het", "ter", "ten", "te", "en", "von", "zu", "zum", "la", "le", "du", "des"),
        *("del", "della", "di", "da", "dos", "op", "aan", "in", "bij", "onder", "over", "uit", "voor", "el", "al", "t"),
        *("s", "l", "d", "vd", "vdr", "v", "of"),
    )
)
_ON_BEHALF = re.compile(
    r"\b(?:namens|voor|door|p/o|i\.?o\.?|o\.?b\.?o\.?|on behalf of|obo|tav|t\.a\.v\.|i\.?p\.?v\.?)\s+"
)


class _Words(NamedTuple):
    """The words of a name: initials (single letters), and the others, in order.

    ``surnames``: those that can be the surname, or half of it. ``first``: the first name or initial, if there is one.
    """

    initials: tuple[str, ...]
    names: tuple[str, ...]
    surnames: frozenset[str]
    first: str


@lru_cache(maxsize=20_000)
def _words(name: str) -> _Words:
    text = folded_words(name.replace("’", "'"))
    given, comma, after = text.partition(",")
    if comma:
        # "Vries, Jan de": the surname comes first.
        text = f"{after} {given}"
    doubles = {part for each in re.findall(r"[\w']+(?:\s?-\s?[\w']+)+", text) for part in re.split(r"\s?-\s?", each)}
    # "'t", "d'" and "v.d." are prefixes, not initials.
    bare = re.sub(r"(?:^|(?<=\s))(?:'\w\b|\w'(?=\w)|v\.?\s?d\.?(?:\s?r\.?)?(?=\s))", " ", text)
    plain = re.sub(r"[^\w\s]", " ", bare)
    every = [word for word in plain.split() if word not in _TITLES and not word.isdecimal()]
    initials = tuple(word for word in every if len(word) == 1)
    names = tuple(word for word in every if len(word) > 1 and word not in _PREFIXES)
    last = {names[-1]} if names else set()
    surnames = {word for word in names if word in doubles and (word != names[0] or len(names) == 1)} | last
    after_prefix = {word for before, word in pairwise(every) if before in _PREFIXES and word in names}
    own = [word for word in every if len(word) == 1 or word in names]
    first = own[0] if len(own) > 1 or initials else ""
    return _Words(initials, names, frozenset(surnames | after_prefix), first)


def alike(one: str, other: str) -> bool:
    """Return whether two names may be those of one person.

    A name that is empty, or has nothing but titles and prefixes, may be anybody's.

    >>> alike("drs. J. de Vries", "Jan de Vries"), alike("Vries, Jan de", "Jan de Vries"), alike("Jan Smit", "Jan Bos")
    (True, True, False)
    """
    for name in (one, other):
        parts = [each for each in _ON_BEHALF.split(folded_words(name)) if each.strip()]
        if len(parts) > 1:
            rest = other if name is one else one
            return any(alike(each, rest) for each in parts)
    mine, theirs = _words(one), _words(other)
    if not mine.names or not theirs.names:
        return not (mine.initials and theirs.initials) or set(mine.initials) == set(theirs.initials)
    if set(mine.names) == set(theirs.names):
        return True
    for few, many in ((mine, theirs), (theirs, mine)):
        if len(few.names) == 1 and not few.initials:
            # A surname, or a first name, alone.
            return any(_near(few.names[0], word) for word in many.names)
    same = any(_near(a, b) for a in mine.surnames for b in theirs.surnames)
    if same:
        return True
    if len(mine.names) >= 2 and len(theirs.names) >= 2 and mine.names[-1] == theirs.names[0]:
        # "Vries Jan": first name and surname are exchanged.
        return mine.names[0] == theirs.names[-1]
    # "Annemarie Jansen" is the first name and one half of "Annemarie van den Berg Jansen".
    return len(mine.names) >= 2 and len(theirs.names) >= 2 and _half(mine, theirs)


def _half(mine: _Words, theirs: _Words) -> bool:
    few, many = sorted((mine.names, theirs.names), key=len)
    return len(many) > len(few) and set(few) <= set(many)


def same_first_name(one: str, other: str) -> bool:
    """Return whether two names that are alike do not have different first names.

    An initial fits every name that begins with it. It tells relatives with one surname apart where nothing else does.
    """
    first, second = _words(one).first, _words(other).first
    if not first or not second or len(first) == 1 or len(second) == 1:
        return first[:1] == second[:1] or not first or not second
    # "Theo" and "Theodorus"
    return first[:3] == second[:3] or _near(first, second)


def _near(one: str, other: str) -> bool:
    """Return whether two words differ by no more than typing errors: one letter, or two in a long word."""
    if one == other:
        return True
    shorter = min(len(one), len(other))
    allowed = 0 if shorter < 4 else 1 if shorter < 8 else 2
    if abs(len(one) - len(other)) > allowed:
        return False
    return allowed > 0 and _distance(one, other, allowed) <= allowed


def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters differ (Damerau-Levenshtein); more than ``most`` if it is more than that."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


_GENERIC = frozenset(
    (
        *("stichting", "vereniging", "woningstichting", "woningcorporatie", "woningbouwvereniging", "corporatie"),
        *("wonen", "de", "het", "van", "bv"),
    )
)


@lru_cache(maxsize=20_000)
def _place_words(name: str) -> frozenset[str]:
    split = "".join(char if char.isalnum() else " " for char in folded_words(name)).split()
    return frozenset(split) - _GENERIC


@lru_cache(maxsize=200_000)
def same_place(one: str, other: str) -> bool:
    """Return whether two names of organisations may mean the same one.

    They may if one contains all words of the other. Words that many organisations have are ignored.
    """
    mine, theirs = _place_words(one), _place_words(other)
    inside = mine <= theirs or theirs <= mine
    compact = [folded_words(name).replace(" ", "").replace("-", "") for name in (one, other)]
    return compact[0] == compact[1] or (bool(mine) and bool(theirs) and inside)
