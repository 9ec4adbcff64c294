"""Comparison of names: may two spellings be the name of one person, or of one organisation? Pure.

Between two lists people get married, gain and lose titles, and have their names corrected. A difference that such a
change explains is no other person. Everything else may be one, and a person must say so.

The capitals, accents and titles of a name never count. Prefixes ("van der") do not count either: lists often lack them
or have them in a column of their own.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from mkwmail.dutch.names import (
    AANHEF,
    ORGANISATION_WORDS,
    PREFIX_WORDS,
    SHORT_TITLES_BEHIND,
    TITLES_ALSO_BEHIND,
    TITLES_BEFORE,
    TITLES_BEHIND,
)

# In front of a name.
_BEFORE = AANHEF | TITLES_BEFORE | {"em", "hc"}
# Behind a name. Some are family names too ("Ma"): such a name is compared with and without them. The second and the
# third of a name are two people.
_BEHIND = (
    TITLES_BEHIND | TITLES_ALSO_BEHIND | (frozenset(word.casefold() for word in SHORT_TITLES_BEHIND) - {"ii", "iii"})
)
_YOUNGER, _OLDER = frozenset(("jr", "jun", "junior")), frozenset(("sr", "sen", "senior"))
_PREFIXES = frozenset(word.strip("'") for word in PREFIX_WORDS) | {"vande", "vanden", "vander"}
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
_APOSTROPHES = re.compile(r"['’‘`´]")
_WORD = re.compile(r"[^\W_]+")
# Spellings that sound alike in Dutch, applied in this order; doubled letters are dropped after them.
_SOUNDS = (
    ("sch", "s"),
    ("ph", "f"),
    ("th", "t"),
    ("ck", "k"),
    ("ch", "g"),
    ("qu", "kw"),
    ("x", "ks"),
    ("c", "k"),
    ("z", "s"),
    ("v", "f"),
    ("dt", "t"),
    ("ei", "i"),
    ("ij", "i"),
    ("y", "i"),
    ("j", "i"),
    ("ae", "a"),
    ("ue", "u"),
    ("ou", "au"),
)


_Word = str | tuple[str, ...]  # a word, with its hyphens; or the letters of initials


class _Given(NamedTuple):
    """One given name; ``whole`` is False for an initial, of which a long one may have several letters ("th")."""

    text: str
    whole: bool


class _Reading(NamedTuple):
    """One way to read a name. ``family``: the family names without prefixes; a double name has two.

    ``joined``: the family name with its prefixes, in one word. ``loose``: the family name is read as a double name
    without a hyphen, which may be wrong.
    """

    given: tuple[_Given, ...]
    family: tuple[str, ...]
    joined: str
    loose: bool = False


def name_key(name: str) -> str:
    """Return a name in the form in which two spellings of exactly this name are equal.

    Case, accents, titles, punctuation and the order of "Verbeek, Kim" do not count.
    """
    return " ".join(
        letter for word in _words_of(name)[0] for letter in (word.split("-") if isinstance(word, str) else word)
    )


def same_person(one: str, other: str) -> bool:
    """Check whether two names may be spellings of one person's name.

    True for another spelling, titles, initials for first names, an order with the surname first, and a family name
    that is added to or taken from a double name; also if one of the names is empty. False for a first name or a family
    name that is another one, which is what a successor's name has.
    """
    if one == other:
        return True
    mine, theirs = _readings(one), _readings(other)
    if not mine or not theirs:
        return True
    if _words_of(one)[1] * _words_of(other)[1] < 0:
        return False
    if sorted(name_key(one).split()) == sorted(name_key(other).split()):
        return True
    return any(_fits(first, second) for first in mine for second in theirs)


def parts_of(name: str) -> tuple[str, str]:
    """Return the given names and the family name, in the form for comparison.

    They are cut at the first prefix, or else before the last word.
    """
    found = _readings(name)
    if not found:
        return "", ""
    return " ".join(each.text for each in found[0].given), found[0].joined


def may_be_renamed(name: str, before: str) -> bool:
    """Check whether this may be the same person, in the same organisation.

    With a marriage both the surname and the address may change: then only the first name is left.
    """
    (first, *_more), (earlier, *_others) = (parts_of(each)[0].split() or [""] for each in (name, before))
    return same_person(name, before) or (first == earlier and len(first) > 1)  # initials alone tell nothing


def _fits(one: _Reading, other: _Reading) -> bool:
    """Check whether both given and family names fit; at most one of them may have a misspelling."""
    if not (one.given and other.given) and not (one.family and other.family):
        return False
    if (one.loose or other.loose) and not (one.given and other.given):
        return False
    # A word more in the given names of one and in the family name of the other: Jan Peter Bos is not Jan Willem Bos.
    more = len(one.given) - len(other.given), len(one.family) - len(other.family)
    if (one.loose or other.loose) and more[0] * more[1] < 0:
        return False
    whole = bool(one.family and other.family)
    given, family = _given_fit(one.given, other.given, whole), _family_fit(one, other)
    return min(given, family) > 0 and given + family > 2


# How well two parts fit: 0 not, 1 with a misspelling, 2 well.
def _given_fit(one: Sequence[_Given], other: Sequence[_Given], with_family: bool) -> int:
    if not one or not other:
        return 2
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if _glued(short) and _glued(short) == _glued(long):
        return 2
    # "Willem Bos" may be "Jan Willem Bos" or "J.W. Bos"; "W. Bos" is not "J.W. Bos".
    starts = range(len(long) - len(short) + 1) if short[0].whole and with_family else (0,)
    return max((_aligned(short, long[start:]) for start in starts), default=0)


def _glued(given: Sequence[_Given]) -> str:
    return _sound("".join(each.text for each in given)) if all(each.whole for each in given) else ""


def _aligned(short: Sequence[_Given], long: Sequence[_Given]) -> int:
    """Compare given names in order: the first ones fit, the longer row may have more names between the others."""
    worst, place = _one_given_fits(short[0], long[0]), 1
    for wanted in short[1:]:
        fit = 0
        while place < len(long) and not fit:
            fit = _one_given_fits(wanted, long[place])
            place += 1
        worst = min(worst, fit)
    return worst


def _one_given_fits(one: _Given, other: _Given) -> int:
    if one.whole and other.whole:
        if _sound(one.text) == _sound(other.text):
            return 2
        return 1 if _misspelt_given(one.text, other.text) else 0
    if one.text.startswith(other.text) or other.text.startswith(one.text):
        return 2
    return 2 if _sound(one.text)[:1] == _sound(other.text)[:1] else 0


def _misspelt_given(one: str, other: str) -> bool:
    """Check for one slip of the pen.

    Short names and endings are often another name: Lies and Loes, Paul and Paula, Martin and Martien.
    """
    if _swapped(one, other):
        return True
    if min(len(one), len(other)) < 5 or one[-1] != other[-1] or one[0] != other[0]:
        return False
    return _misspelt(one, other, 1)


def _family_fit(one: _Reading, other: _Reading) -> int:
    if not one.family or not other.family:
        return 2
    if one.joined == other.joined or _sound(one.joined) == _sound(other.joined):
        return 2
    mine, theirs = {_sound(each) for each in one.family}, {_sound(each) for each in other.family}
    if mine <= theirs or theirs <= mine:
        return 2
    short, long = (one.family, other.family) if len(one.family) <= len(other.family) else (other.family, one.family)
    left = [each for each in long if _sound(each) not in {_sound(word) for word in short}]
    wrong = [each for each in short if _sound(each) not in {_sound(word) for word in long}]
    if len(wrong) == 1 and any(_misspelt_family(wrong[0], each) for each in left):
        return 1
    return 1 if _misspelt_family(one.joined, other.joined) else 0


def _misspelt_family(one: str, other: str) -> bool:
    if _swapped(one, other):
        return True
    shortest = min(len(one), len(other))
    if shortest < 4 or _sound(one)[:1] != _sound(other)[:1]:
        return False
    return _misspelt(one, other, 2 if shortest >= 7 else 1)


def _swapped(one: str, other: str) -> bool:
    """Check whether two neighbouring letters changed places: Jna for Jan."""
    if len(one) != len(other) or len(one) < 3 or one[0] != other[0] or _digits(one) != _digits(other):
        return False
    differing = [place for place, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
    if len(differing) != 2 or differing[1] != differing[0] + 1:
        return False
    first, second = differing
    return one[first] == other[second] and one[second] == other[first]


def _distance(one: str, other: str, most: int, *, swaps: bool) -> int:
    """Return how many letters must be added, removed or replaced (Levenshtein); ``most`` + 1 if more than ``most``.

    With ``swaps``, two neighbouring letters that changed places are one difference too (Damerau).
    """
    earlier: list[int] = []
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            cost = min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != wanted))
            if swaps and row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                cost = min(cost, earlier[column - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return most + 1
        earlier, before = before, now
    return before[-1]


def _misspelt(one: str, other: str, most: int) -> bool:
    """Check for slips of the pen; Lid 1 is not one for Lid 2."""
    return _digits(one) == _digits(other) and 0 < _distance(one, other, most, swaps=False) <= most


@lru_cache(maxsize=4096)
def _sound(word: str) -> str:
    for written, sound in _SOUNDS:
        word = word.replace(written, sound)
    return re.sub(r"(\D)\1+", r"\1", word)


def _digits(name: str) -> str:
    return "".join(re.findall(r"\d", name))


@lru_cache(maxsize=4096)
def _readings(name: str) -> tuple[_Reading, ...]:
    """Return the ways to read a name, the likeliest first; none for an empty one."""
    return tuple(dict.fromkeys(reading for behind in (True, False) for reading in _read(_words_of(name, behind)[0])))


def _read(words: Sequence[_Word]) -> Iterator[_Reading]:
    first = next((place for place, word in enumerate(words) if isinstance(word, str)), len(words))
    texts = [word for word in words[first:] if isinstance(word, str)]
    if len(texts) < len(words) - first or not texts:
        # Initials behind a name, as in "Vries Karin K.", or nothing else.
        if words:
            yield _reading(words, ())
        return
    # All words from the first prefix on are the family name: "Karin de Vries".
    cut = next((place for place, word in enumerate(texts[:-1]) if word in _PREFIXES), len(texts) - 1)
    yield _reading((*words[:first], *texts[:cut]), texts[cut:])
    for place in range(cut - 1, 0 if first == 0 else -1, -1):
        yield _reading((*words[:first], *texts[:place]), texts[place:], loose=True)
    if len(words) == 1:
        yield _reading(words, ())  # one word may be the first name too


def _reading(words: Sequence[_Word], family: Sequence[str], loose: bool = False) -> _Reading:
    given: list[_Given] = []
    for word in words:
        if isinstance(word, str):
            given += [_Given(part, True) for part in word.split("-")]
        else:
            given += [_Given(letter, False) for letter in word]
    parts = [part for word in family for part in word.split("-")]
    names = tuple(each for each in parts if each not in _PREFIXES) or tuple(parts)
    return _Reading(tuple(given), names, "".join(parts), loose)


def _words_of(name: str, strip_behind: bool = True) -> tuple[list[_Word], int]:
    """Return the words of a name without titles, and the generation: 1 for a junior, -1 for a senior, else 0."""
    tokens, generation = _without_titles(name, strip_behind)
    words: list[_Word] = []
    shouted = not any(letter.islower() for letter in name)
    for place, token in enumerate(tokens):
        letters = _initials(token, place, len(tokens), shouted)
        if letters:
            words.append(letters)
            continue
        folded = _APOSTROPHES.sub(" " if _is_elided(token) else "", _fold(token))
        plain = ("-".join(_WORD.findall(part)) for part in folded.split())
        words += [word for word in plain if word]
    return words, generation


def _without_titles(name: str, strip_behind: bool) -> tuple[list[str], int]:
    """Return the words of a name as written, with the surname last."""
    text = " ".join(unicodedata.normalize("NFKC", name).replace("(", " ").replace(")", " ").split())
    before, comma, after = text.partition(",")
    if comma:
        rest = after.replace(",", " ").split()
        if any(_plain(word) not in _BEHIND for word in rest):
            given = [word for word in rest if _plain(word) not in _BEHIND]
            titles = [word for word in rest if _plain(word) in _BEHIND]
            text = " ".join((*given, before, *titles))
        else:
            text = " ".join((before, *rest))
    tokens = re.sub(r"\s*[-‐‑–/]\s*", "-", text).split()
    generation = 0
    while len(tokens) > 1 and _is_title(tokens, _BEFORE):
        tokens.pop(0)
    while strip_behind and len(tokens) > 2 and _plain(tokens[-1]) in _BEHIND:
        word = _plain(tokens.pop())
        generation = 1 if word in _YOUNGER else -1 if word in _OLDER else generation
    return tokens, generation


def _is_title(tokens: Sequence[str], titles: frozenset[str]) -> bool:
    word = _plain(tokens[0])
    if word == "de":
        return len(tokens) > 2 and _plain(tokens[1]) == "heer"
    return word in titles


def _plain(word: str) -> str:
    return word.casefold().strip(".")


def _is_elided(token: str) -> bool:
    """Check whether the apostrophe cuts off a prefix: 't, d'Ancona. In O'Brien it is part of the name."""
    return bool(re.match(r"['’‘`´][tsTS]\b|[dDlL]['’‘`´]\w", token))


def _initials(token: str, place: int, count: int, shouted: bool) -> tuple[str, ...]:
    """Return the letters if a word is initials: J., J.H., Th., JH."""
    if place == count - 1 and count > 1 and not token.endswith("."):
        return ()
    parts = [part for part in re.split(r"[.\-]+", token) if part]
    if not all(part.isalpha() for part in parts):
        return ()
    if "." in token and all(len(part) <= 3 for part in parts):
        return tuple(_fold(part) for part in parts)
    if len(token) == 1 and token.isalpha():
        return (_fold(token),)
    # "JH" and "JWM" are initials; "JAN" is a name in capitals.
    capitals = place == 0 and not shouted and token.isupper() and token.isalpha()
    if capitals and (len(token) == 2 or (len(token) <= 4 and not set(_fold(token)) & set("aeiouy"))):
        return tuple(_fold(letter) for letter in token)
    return ()


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _folded(text: str) -> str:
    return " ".join(_fold(text).split())


# Names in forms and replies, which people type in a hurry: what is alike is asked about.

# Titles that may be anywhere in such a name.
_ANYWHERE = (AANHEF | TITLES_BEFORE | TITLES_BEHIND) | frozenset(
    "ba bc dra emba fam familie hc jhr jkvr llm ma mba miss mrs ms ra rc sir".split()  # noqa: SIM905
)
# "A" and "O" are initials here.
_BEFORE_SURNAME = frozenset(word for word in _PREFIXES if len(word) > 1) | frozenset(
    ["d", "en", "l", "of", "s", "t", "v", "vd", "vdr"]
)
_ON_BEHALF = re.compile(
    r"\b(?:namens|voor|door|p/o|i\.?o\.?|o\.?b\.?o\.?|on behalf of|obo|tav|t\.a\.v\.|i\.?p\.?v\.?)\s+"
)


class _Loose(NamedTuple):
    """The words of a name: initials (single letters), and the others, in order.

    ``surnames``: those that can be the surname, or half of it. ``first``: the first name or initial, if there is one.
    """

    initials: tuple[str, ...]
    names: tuple[str, ...]
    surnames: frozenset[str]
    first: str


@lru_cache(maxsize=20_000)
def _read_loosely(name: str) -> _Loose:
    text = _folded(name.replace("’", "'"))
    given, comma, after = text.partition(",")
    if comma:
        # "Vries, Jan de": the surname comes first.
        text = f"{after} {given}"
    doubles = {part for each in re.findall(r"[\w']+(?:\s?-\s?[\w']+)+", text) for part in re.split(r"\s?-\s?", each)}
    # "'t", "d'" and "v.d." are prefixes, not initials.
    bare = re.sub(r"(?:^|(?<=\s))(?:'\w\b|\w'(?=\w)|v\.?\s?d\.?(?:\s?r\.?)?(?=\s))", " ", text)
    plain = re.sub(r"[^\w\s]", " ", bare)
    every = [word for word in plain.split() if word not in _ANYWHERE and not word.isdecimal()]
    initials = tuple(word for word in every if len(word) == 1)
    names = tuple(word for word in every if len(word) > 1 and word not in _BEFORE_SURNAME)
    last = {names[-1]} if names else set()
    surnames = {word for word in names if word in doubles and (word != names[0] or len(names) == 1)} | last
    after_prefix = {word for before, word in pairwise(every) if before in _BEFORE_SURNAME and word in names}
    own = [word for word in every if len(word) == 1 or word in names]
    first = own[0] if len(own) > 1 or initials else ""
    return _Loose(initials, names, frozenset(surnames | after_prefix), first)


def alike(one: str, other: str) -> bool:
    """Return whether two names may be those of one person.

    A name that is empty, or has nothing but titles and prefixes, may be anybody's.

    >>> alike("drs. J. de Vries", "Jan de Vries"), alike("Vries, Jan de", "Jan de Vries"), alike("Jan Smit", "Jan Bos")
    (True, True, False)
    """
    for name in (one, other):
        parts = [each for each in _ON_BEHALF.split(_folded(name)) if each.strip()]
        if len(parts) > 1:
            rest = other if name is one else one
            return any(alike(each, rest) for each in parts)
    mine, theirs = _read_loosely(one), _read_loosely(other)
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


def _half(mine: _Loose, theirs: _Loose) -> bool:
    few, many = sorted((mine.names, theirs.names), key=len)
    return len(many) > len(few) and set(few) <= set(many)


def same_first_name(one: str, other: str) -> bool:
    """Return whether two names that are alike do not have different first names.

    An initial fits every name that begins with it. It tells relatives with one surname apart where nothing else does.
    """
    first, second = _read_loosely(one).first, _read_loosely(other).first
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
    return allowed > 0 and _distance(one, other, allowed, swaps=True) <= allowed


@lru_cache(maxsize=20_000)
def _place_words(name: str) -> frozenset[str]:
    split = "".join(char if char.isalnum() else " " for char in _folded(name)).split()
    return frozenset(split) - ORGANISATION_WORDS


@lru_cache(maxsize=200_000)
def same_place(one: str, other: str) -> bool:
    """Return whether two names of organisations may mean the same one.

    They may if one contains all words of the other. Words that many organisations have are ignored.
    """
    mine, theirs = _place_words(one), _place_words(other)
    inside = mine <= theirs or theirs <= mine
    compact = [_folded(name).replace(" ", "").replace("-", "") for name in (one, other)]
    return compact[0] == compact[1] or (bool(mine) and bool(theirs) and inside)
