"""Names of people in Dutch: prefixes (tussenvoegsels), initials, salutations, sorting.

A name is never recased: what the list writes with a capital keeps it, for Belgian and many foreign names are
registered so. All that happens to a name is the capital of a prefix that comes first. A gender is never
inferred; a title is used only where the list gives it.

Sources: https://onzetaal.nl/taalloket/hoofdletters-namen-nederland,
https://taaladvies.net/j-van-den-berg/, https://taaladvies.net/mevrouw-van-der-ven-van-dijk/.
"""

import re
import unicodedata
from typing import Literal, NamedTuple

from mkwmail.i18n import _

Form = Literal["je", "u"]
Title = Literal["", "de heer", "mevrouw"]


class Name(NamedTuple):
    """A person's name as the member list gives it, in parts or whole.

    ``written`` is a name given whole: it wins over the parts and is never changed. ``prefix`` is the
    tussenvoegsel ("van der"); a surname may carry its own instead ("van der Ven").
    """

    first: str = ""
    initials: str = ""
    prefix: str = ""
    surname: str = ""
    written: str = ""
    title: Title = ""


_TITLES: dict[str, Title] = {
    **dict.fromkeys(("", "-", "onbekend", "neutraal", "x"), ""),
    **dict.fromkeys(("dhr", "heer", "de heer", "hr", "m", "man", "meneer", "geachte heer"), "de heer"),
    **dict.fromkeys(("mevr", "mw", "mevrouw", "v", "vrouw", "geachte mevrouw"), "mevrouw"),
}


def read_title(text: str) -> Title:
    """The title that a cell of the column `aanhef` means; empty where it says none.

    :raises ValueError: for anything else. "mr." is among them: in Dutch it is a lawyer's degree.
    """
    key = " ".join(text.casefold().replace(".", " ").split())
    try:
        return _TITLES[key]
    except KeyError:
        raise ValueError(
            _('"%(text)s" is not a title that is known: write dhr, mevr or nothing') % {"text": text}
        ) from None


# Initials of more than one letter that people keep as such (Onze Taal: both T. and Th. are right).
_LONG_INITIALS = frozenset({"Ch", "Chr", "Fr", "Gh", "IJ", "Jac", "Joh", "Ph", "Sj", "St", "Th", "Tj", "Ij"})
_INITIALS = re.compile(r"[^\W\d_]+(?:[. -]+[^\W\d_]+)*\.?")


def normal_initials(text: str) -> str:
    """Initials with a full stop after each and no spaces: "l", "LM", "L M" → "L.", "L.M.", "L.M.".

    "Th", "Chr", "Joh", "IJ" and their like stay together. What cannot be told apart (a first name in the
    column, lower-case letters in a row) stays as it is: better odd than wrong.
    """
    text = " ".join(text.split())
    if not _INITIALS.fullmatch(text):
        return text
    parts = [_initial(part) for part in re.findall(r"-?[^\W\d_]+", text)]
    return text if "" in parts else "".join(parts)


def _initial(part: str) -> str:
    """One part between dots or spaces, with its full stops; empty where it is no initial."""
    hyphen, letters = ("-", part[1:]) if part.startswith("-") else ("", part)
    if letters in _LONG_INITIALS:
        return f"{hyphen}{letters}."
    if len(letters) == 1:
        return f"{hyphen}{letters.upper()}."
    if letters.isupper() and len(letters) <= 5:
        return hyphen + "".join(f"{letter}." for letter in letters)
    return ""


_APOSTROPHES = "'’‘`"
_PREFIX_WORDS = frozenset(
    re.findall(
        r"\S+",
        "a aan af al auf bij d da dal de dei del dela della den der des di die do don dos du el het im in l la las "
        "le les lo los 'm o onder op over 's 't te ten ter thoe tho tot uijt uit van ver vom von voor vor zu zum zur",
    )
)


def _plain(word: str) -> str:
    """A word folded for looking it up: lower case, one kind of apostrophe."""
    folded = word.casefold()
    for mark in _APOSTROPHES:
        folded = folded.replace(mark, "'")
    return folded


def _is_prefix(word: str) -> bool:
    return _plain(word) in _PREFIX_WORDS or _plain(word).rstrip("'") in _PREFIX_WORDS


def _join(prefix: str, rest: str) -> str:
    """Prefix and main word: "van Zandbrink", and without a space after an apostrophe: "d'Ancona"."""
    if not prefix or not rest:
        return prefix or rest
    return prefix + rest if prefix[-1] in _APOSTROPHES else f"{prefix} {rest}"


def _family(name: Name) -> str:
    """The surname with its prefix, as it stands after a first name.

    Where the name is also written whole and ends in this family name, the spelling there wins.
    """
    family = _join(name.prefix, name.surname)
    if not name.written:
        return family
    tail = name.written[-len(family) :] if family else ""
    return tail if _plain(tail) == _plain(family) else family


def _at_start(family: str) -> str:
    """A family name with nothing before it: its first prefix takes a capital ("Van der Ven-van Dijk").

    't and d' stay lower case also there (onzetaal.nl: meneer 't Hart, mevrouw d'Ancona). A single word is
    left alone: whoever writes "jansen" is not corrected here.
    """
    word, space, rest = family.partition(" ")
    if not rest or not word.islower() or any(mark in word for mark in _APOSTROPHES):
        return family
    return word[0].upper() + word[1:] + space + rest


def _call_name(name: Name) -> str:
    """The first name to greet with; empty where the list has only initials for one."""
    first = name.first
    return "" if len(first) < 2 or first.endswith(".") else first


def _known_initials(name: Name) -> str:
    """The initials, also where they stand in the column of the first name."""
    return normal_initials(name.initials or ("" if _call_name(name) else name.first))


def full_name(name: Name) -> str:
    """The name in full: "Lilian van Zandbrink"; with initials where no first name is known.

    Empty where nothing is known.
    """
    if name.written:
        return name.written
    given = _call_name(name) or _known_initials(name)
    family = _family(name)
    return f"{given} {family}".strip() if given else _at_start(family)


def formal_name(name: Name) -> str:
    """The name for a formal letter: "mevrouw Van Zandbrink"; "L. van Zandbrink" without a title.

    Initials are never made from a first name (Theo may be T. or Th.): without any, the first name stays.
    """
    family = _family(name)
    if name.title:
        whole = family or name.written
        return f"{name.title} {_at_start(whole)}" if whole else full_name(name)
    initials = _known_initials(name)
    if name.written or not (initials and family):
        return full_name(name)
    return f"{initials} {family}"


def salutation(name: Name, form: Form) -> str:
    """The opening words of a letter, without the comma.

    ``je``: "Beste Lilian", and without a first name the full name or the title: never initials alone.
    ``u``: "Geachte mevrouw Van Zandbrink", or neutral "Geachte L. van Zandbrink" where no title is given.
    Where nothing is known of the name: "Beste collega", "Geachte bestuurder", which presume no gender.
    """
    if form == "je" and (called := _call_name(name)):
        return f"Beste {called}"
    formal = formal_name(name).removeprefix("de ") if name.title else formal_name(name)
    if form == "je":
        return f"Beste {(formal if name.title else full_name(name)) or 'collega'}"
    return f"Geachte {formal or 'bestuurder'}"


def _parts(name: Name) -> tuple[str, str, str]:
    """Main word, what is given before it, and the prefix, as a list of names is sorted by them."""
    family = _family(name)
    given = _call_name(name) or _known_initials(name)
    if not family:
        given, family = _split(name.written or given)
    elif name.written and not given:
        given = name.written.removesuffix(family).strip()
    words = re.findall(rf"(?:d|l)[{_APOSTROPHES}]|\S+", family)
    count = 0
    while count < len(words) - 1 and words[count].islower() and _is_prefix(words[count]):
        count += 1
    prefix = " ".join(words[:count])
    return family[len(prefix) :].strip(), given, prefix


def _split(written: str) -> tuple[str, str]:
    """A name that is only known whole, split in given and family name: before the first prefix in it, else
    before its last word. Used for sorting alone, where a wrong guess puts nobody's name wrong."""
    words = written.split()
    for index, word in enumerate(words[1:-1], 1):
        if _is_prefix(word):
            return " ".join(words[:index]), " ".join(words[index:])
    if len(words) > 1 and re.match(rf"[dl][{_APOSTROPHES}]\w", words[-1]):
        return " ".join(words[:-1]), words[-1]
    return " ".join(words[:-1]), "".join(words[-1:])


def _folded(text: str) -> str:
    """Text for comparing: without case, accents and apostrophes."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum() or letter == " ").strip()


def sort_key(name: Name) -> tuple[str, str, str]:
    """What lists of names are sorted by: main word, given name, prefix; accents and case do not count.

    Dutch lists go by the main word: Van Zandbrink under Z. A Belgian name, whose prefix has its capital
    after a first name too, goes by its prefix, as Belgian lists do.
    """
    main, given, prefix = _parts(name)
    return _folded(main), _folded(given), _folded(prefix)


def sorting_name(name: Name) -> str:
    """The name as an alphabetical list prints it: "Zandbrink, Lilian van"; "Hart, Kim 't"."""
    main, given, prefix = _parts(name)
    after = " ".join(part for part in (given, prefix) if part)
    return f"{main}, {after}" if after else main
