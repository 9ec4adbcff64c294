"""Names of a member list: a whole name taken apart, and what is odd about it.

A name in one column (`naam`) may hold titles, an aanhef, initials, first names, a nickname, a prefix and a surname, in
either order ("Drs. J.H. de Vries MSc", "Vries, mevr. K. de"). Nothing is recased or expanded, and a gender is never
inferred. If it is not certain where the surname begins, it is rather taken too long than too short, and marked.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mkwmail.dutch.names import (
    FIRST_NAMES,
    FIRST_PREFIXES,
    FUNCTIONS,
    INSIDE_SURNAMES,
    LONG_INITIALS,
    NO_PERSON,
    OFFICES,
    POLITE,
    SHORT_TITLES_BEHIND,
    TITLES_BEFORE,
    TITLES_BEHIND,
    TITLES_BETWEEN,
    VACANT,
    Form,
    Name,
    Title,
    call_name,
    full_name,
    is_prefix,
    normal_initials,
    plain,
    read_title,
    title_words,
)
from mkwmail.i18n import _
from mkwmail.members.cells import CellError, shown_value

_DOTTED_DEGREE = re.compile(
    r"(?:^|[\s,]+)(?:M\.?Sc|B\.?Sc|Ph\.?D|LL\.?M|LL\.?B|M\.B\.A|M\.A|B\.A|M\.?Phil|a\.i)\.?$", re.IGNORECASE
)

_TITLES: dict[str, Title] = {
    **dict.fromkeys(("dhr", "heer", "hr", "meneer", "mijnheer", "dhr:", "herr", "monsieur"), "de heer"),
    **dict.fromkeys(("mevr", "mevrouw", "mw", "mej", "mejuffrouw", "mevr:", "mw:", "mrs", "ms", "mvr"), "mevrouw"),
    **dict.fromkeys(("miss", "mme", "madame", "frau"), "mevrouw"),
    **dict.fromkeys(("dhr/mevr", "dhr./mevr", "dhr/mw", "dhr./mw", "heer/mevrouw", "mevr/dhr", "mevr./dhr"), ""),
}
# Choices in a column of titles.
_CHOICES = frozenset(("m/v", "v/m", "dhr/mevr", "dhr/mw", "mevr/dhr", "mw/dhr", "heer/mevrouw", "deheer/mevrouw"))
_ATTENTION = re.compile(r"^(?:t\.?a\.?v\.?|ter attentie van)(?:\s|:)\s*", re.IGNORECASE)

_COUPLE = re.compile(
    r"\s(?:en|and|und(?!\szu)|et|&|\+)\s|\s(?:e\.o|c\.s)\.?(?:\s|$)|;\s*\w|\w\s?[&+]\s?\w|\s/\s|"
    r"[^\W\d_]{2}/[^\W\d_]{2}|^(?:fam|familie|echtpaar|gebr|gebroeders)\b\.?\s",
    re.IGNORECASE,
)
_TWO_TITLES = re.compile(
    r"^(?:de\s)?(?:dhr|heer|hr|mevr|mevrouw|mw)\.?\s?(?:/|\sof\s|en/of)\s?(?:de\s)?(?:dhr|heer|hr|mevr|mevrouw|mw)\b\.?",
    re.IGNORECASE,
)

# "(she/her)", as Microsoft 365 has it behind a name.
_PRONOUNS = re.compile(
    r"[(\[]?\b(?:hij|zij|ze|die|hen|he|she|they)/(?:hem|haar|hun|hen|diens|him|her|them)\b(?:/\w+)?[)\]]?",
    re.IGNORECASE,
)
_DIED = re.compile(r"†|\boverleden\b", re.IGNORECASE)
# Between titles: "dr. h.c.", "em. prof.".
_HONORARY = ("h.c", "hc", "em")
_QUOTES = "'’‘`´\"“”„"
_VOWELS = frozenset("AEIOUYÁÉÍÓÚÄËÏÖÜ")
_DOTTED = re.compile(r"-?[^\W\d_]{1,3}\.(?:-?[^\W\d_]{1,3}\.)*(?:-?[^\W\d_])?")
# "J.de", "prof.dr.", "Dhr.J.": the space after the full stop is missing. Initials such as J.Th. need none.
_CONJOINED = re.compile(
    rf"\.(?!(?:{'|'.join(sorted(LONG_INITIALS))})\b)(?=[^\W\d_]{{2}})"
    r"|\.(?=v[./]?d\b)"
    r"|(?:(?<=\b(?:dhr|drs|ing))|(?<=\b(?:mw|hr|ir|mr|dr|ds))|(?<=\b(?:mevr|prof)))\.(?=[^\W\d_])",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"(?<![^\W\d_])[(\[](?P<bracketed>[^()\[\]]*)[)\]]|[\"“„”](?P<quoted>[^\"“„”]+)[\"“„”]"
    r"|(?<!\S)['‘](?P<single>\w{2,})['’](?=\s)"
)
_BORN = re.compile(r"\s((?:geb\.?|geboren|gehuwd|e/v|e\.v\.?|w/v|w\.v\.?|wed\.?)\s.*)$", re.IGNORECASE)
_LOOSE_DASH = re.compile(r"\s+[-‐–—|/]\s+|(?<=\w)[-‐–—]\s+|\s+[-‐–—](?=\w)")
_SHORT_PREFIX = re.compile(r"v(?:[./]?d)?[./]?(?:[nr]\.?)?|[ts]")
_FUNCTIONS_IN_LETTERS = frozenset(each.replace("-", "") for each in FUNCTIONS)
# The words that an aanhef, a title or a couple has besides names.
_BESIDES_NAMES = frozenset(
    (
        *(*_TITLES, *POLITE, *TITLES_BEFORE, *TITLES_BEHIND, *map(str.casefold, SHORT_TITLES_BEHIND)),
        *("tav", "overleden", "en", "and", "und", "et", "of", "fam", "familie", "echtpaar", "gebr", "gebroeders"),
    )
)
# Anything but letters, the marks of names and spaces.
_STRANGE = re.compile(r"[^\w\s.'’‘`´/-]|[\d_]|/(?!d\b)|(?<!\S)[-./]+(?!\S)|(?<=[^\W\d_]{4})\.(?!\S)")


class OfficeError(CellError):
    """A name that is an office's or the organisation's own.

    The people who read the mail there can be greeted neutrally.
    """


def no_person(text: str, organisation: str = "") -> CellError | None:
    """Return why a name is not one person's, with the remedy, or None.

    It is a placeholder (VACATURE, n.v.t., totaal), a couple, or, as an :class:`OfficeError`, an office ("Secretariaat")
    or the organisation itself. An empty text and an address are a person without a known name.
    """
    if not text or "@" in text:
        return None
    words = text.casefold().split()
    # Nearly all names: without signs, and without a word that is not a name's own, all words are the name.
    bare = "".join(words)
    is_plain = bare.isalnum() and _BESIDES_NAMES.isdisjoint(words)
    if not is_plain:
        text = _PRONOUNS.sub("", _ATTENTION.sub("", text)).strip() or text
        words = text.casefold().split()
        if _DIED.search(text):
            return CellError(
                _('"%(value)s" is said to have died') % {"value": shown_value(text)},
                _("delete the row, or write the reason in a column niet mailen"),
            )
    letters = bare if is_plain else "".join(filter(str.isalnum, _bare(text).casefold()))
    vacant = words[0].strip("(*[") in VACANT and not text.partition(" ")[0].endswith(",")
    vacant = vacant or not {"vacature", "vacatures"}.isdisjoint(words) or text.startswith(("#", "//"))
    if vacant or letters in NO_PERSON or not any(map(str.isalpha, letters)):
        return CellError(
            _('"%(value)s" is not the name of a person') % {"value": shown_value(text)},
            _("write the name, or leave it empty for a neutral greeting, or delete the row"),
        )
    alone = " ".join(text.split()[:-2]) if len(words) > 2 and words[-2] == "/" and _is_function(words[-1]) else text
    if not is_plain and _COUPLE.search(_TWO_TITLES.sub("", alone)):
        return CellError(
            _('"%(value)s" is more than one person') % {"value": shown_value(text)},
            _("give each person a row and an address of their own"),
        )
    own = [word for word in words if word not in ("de", "het", "nieuwe", "van", "a.i.")]
    office = bool(own) and (own[0] in OFFICES or all(word in FUNCTIONS or word in OFFICES for word in own))
    if office or letters in _FUNCTIONS_IN_LETTERS or _is_same(text, organisation):
        return OfficeError(
            _('"%(value)s" is an office, not a person') % {"value": shown_value(text)},
            _("write who reads the mail there, or fill in the address for a neutral greeting"),
        )
    return None


def _bare(text: str) -> str:
    """Return a name without an aanhef before it."""
    words = _Reading(text.isupper()).take_titles(text, alone=False)
    return " ".join(words)


def _is_same(text: str, organisation: str) -> bool:
    """Check whether a name is the organisation's own.

    Somebody may work under their own name, so a first name or initials before it make it a person's.
    """
    if text.casefold().split() != organisation.casefold().split():
        return False
    first = text.partition(" ")[0]
    return not (_is_first_name(first) or "." in first)


@dataclass(slots=True)
class _Reading:
    """Parts of a name while it is taken apart."""

    capitals: bool  # the whole name is in capitals, so capitals tell nothing
    title: Title = ""
    called: str = ""
    before: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    prefix: list[str] = field(default_factory=list)
    surname: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    guess: bool = False

    def take_asides(self, text: str) -> str:
        """Take what is between brackets or quotation marks out of a name."""
        plain_text = ""
        end = 0
        for found in _ASIDE.finditer(text):
            plain_text += text[end : found.start()] + " "
            end = found.end()
            content = " ".join(next(filter(None, found.groups()), "").split())
            # Inside a name, or straight after initials, it is the name by which the person goes.
            nickname = bool(text[end:].strip(" ,")) or plain_text.rstrip().endswith(".")
            self._aside(content, nickname)
        return " ".join((plain_text + text[end:]).split())

    def _aside(self, content: str, nickname: bool) -> None:
        words = content.split()
        nickname = nickname and any(map(str.isalpha, content))
        if title := _known_title(content):
            self.title = title
        elif words and all(map(is_prefix, words)):
            self.prefix = words
        elif words and all(self.is_title_behind([word]) for word in words):
            self.behind += words
        elif len(words) == 1 and not _is_function(content) and (nickname or _is_first_name(content)):
            self.called = content
        elif words:
            self.left_out.append(content)

    def take_tail(self, text: str) -> str:
        """Take a maiden name or a function out of the end of a name."""
        if born := _BORN.search(text):
            self.left_out.append(born[1])
            text = text[: born.start()]
        while dash := _LOOSE_DASH.search(text):
            head, tail = text[: dash.start()], text[dash.end() :]
            if dash[0].strip() in ("|", "/") or any(map(_is_function, tail.split())):
                self.left_out.append(tail)
                text = head
            else:
                self.guess = self.guess or (len(dash[0]) > 2 and not is_prefix(tail.partition(" ")[0]))
                text = f"{head}-{tail}"
        return text

    def take_titles(self, text: str, alone: bool) -> list[str]:
        """Return the words of a part between commas without its titles.

        :param alone: the part is the whole name, of which the last word is no title.
        """
        behind: list[str] = []
        while (found := _DOTTED_DEGREE.search(text)) and (found.start() or not alone):
            behind.insert(0, found[0].strip(" ,"))
            text = text[: found.start()]
        words = _CONJOINED.sub(". ", text).split()
        least = 1 if alone else 0
        while len(words) > least and self.is_title_behind(words, alone):
            behind.insert(0, words.pop())
        self.behind += behind
        taken = -1
        while taken != len(words):
            taken = len(words)
            words = self._take_aanhef(words, least)
            while len(words) > least and self._is_before(words):
                self.before.append(words.pop(0))
            while len(words) > 1 and self.before == [] and _is_function(words[0]) and not words[1].endswith(","):
                # "Wethouder J. de Vries"
                self.left_out.append(words.pop(0))
        return words

    def _take_aanhef(self, words: list[str], least: int) -> list[str]:
        polite = 0
        while polite < len(words) and words[polite].casefold() in POLITE:
            polite += 1
        if polite == len(words):
            return words
        word = words[polite].casefold().rstrip(".:")
        known = word in _TITLES and not (len(word) == 2 and words[polite].isupper() and not self.capitals)
        rest = words[polite + 1 :]
        # "Heer" alone is a surname, as in "de Heer, Jan"; "Dhr." alone is not.
        if not known or (word in ("heer", "meneer") and len(rest) < max(least, 1)):
            return words
        self.title = _TITLES[word]
        return rest

    def is_title_before(self, word: str) -> bool:
        folded = word.casefold().rstrip(".")
        initials = len(word) == 2 and word.isupper() and not self.capitals
        return folded in TITLES_BEFORE and not initials

    def _is_before(self, words: Sequence[str]) -> bool:
        if words[0].casefold().rstrip(".") in _HONORARY and len(words) > 1:
            return bool(self.before) or self.is_title_before(words[1])
        return self.is_title_before(words[0])

    def is_title_behind(self, words: Sequence[str], alone: bool = False) -> bool:
        """Check whether the last word is a degree, or "jr.".

        :param alone: the words are the whole name, in which a short degree needs a first name and a surname before it.
        """
        bare = words[-1].replace(".", "")
        if bare not in SHORT_TITLES_BEHIND:
            before = words[-1].endswith(".") and words[-1].islower() and bare in TITLES_BEFORE
            return before or bare.casefold() in TITLES_BEHIND
        return not alone or (len(words) > 2 and not is_prefix(words[-2]))

    def is_initials(self, word: str) -> bool:
        if "." in word:
            return bool(_DOTTED.fullmatch(word)) and not _SHORT_PREFIX.fullmatch(word) and not _is_first_name(word)
        if len(word) == 1 or word in LONG_INITIALS:
            return word.isalpha()
        if not (word.isupper() and word.isalpha() and len(word) <= 4) or _is_first_name(word):
            return False
        return len(word) <= (2 if self.capitals else 3) or not _VOWELS.intersection(word)

    def is_given(self, word: str) -> bool:
        return self.is_initials(word) or _is_first_name(word)

    def begins_family(self, word: str, first: bool) -> bool:
        """Check whether the surname begins at a word.

        :param first: it is the first word of the name, which may be a first name like Do or Al.
        """
        if "-" in word and is_prefix(word.rpartition("-")[2]):
            return True
        if _SHORT_PREFIX.fullmatch(word) and not (first and len(word) == 1):
            return True
        if len(word) == 1 and (first or word.isupper()):
            return False
        if re.match(r"[dl]['’‘`]\w", word):
            return True
        return is_prefix(word) and (not first or word.islower() or plain(word) in FIRST_PREFIXES)

    def direct(self, words: Sequence[str]) -> None:
        """Read the words of a name in its reading order."""
        count = 0
        named = False
        while count < len(words) - 1 and not self.begins_family(words[count], not count):
            word = words[count]
            if not self.is_initials(word) and (word not in TITLES_BETWEEN or not count):
                if (named or count) and not _is_first_name(word):
                    # After a first name it may be another one, or a surname of two words.
                    self.guess = self.guess or (named and words[count + 1] not in INSIDE_SURNAMES)
                    break
                named = True
            count += 1
        if len(words) == 1 and _is_first_name(words[0]):
            count = 1
        self.given = list(words[:count])
        self.family(words[count:])

    def family(self, words: Sequence[str]) -> None:
        """Read the words of a surname with its prefix."""
        count = 0
        while count < len(words) - 1 and (is_prefix(words[count]) or _SHORT_PREFIX.fullmatch(words[count])):
            count += 1
        self.prefix += words[:count]
        self.surname = list(words[count:])

    def reversed(self, family: list[str], rest: list[str]) -> None:
        """Read a name that begins with its surname."""
        behind: list[str] = []
        while len(family) > 1 and is_prefix(family[-1]):
            behind.insert(0, family.pop())
        self.family(family)
        tail: list[str] = []
        while rest and (is_prefix(rest[-1]) or _SHORT_PREFIX.fullmatch(rest[-1])) and not self.is_initials(rest[-1]):
            tail.insert(0, rest.pop())
        while len(rest) > 1 and is_prefix(rest[0]) and rest[0].islower():
            # "Vries, de J."
            tail.append(rest.pop(0))
        self.prefix = [*tail, *behind, *self.prefix]
        self.given = rest
        self.guess = self.guess or (len(rest) > 1 and not all(map(self.is_given, rest[1:])))

    def name(self) -> Name:
        """Return the name of which the parts have been read."""
        initials = [word for word in self.given if self.is_initials(word)]
        first = [word for word in self.given if not self.is_initials(word) and word not in TITLES_BETWEEN]
        called = f"({self.called})" if self.called and self.given else self.called
        given = [*self.given, *filter(None, (called,))]
        words = [*self.before, *given, _joined_family(self.prefix, self.surname), *self.behind]
        return Name(
            first=self.called or " ".join(first),
            initials="" if first else normal_initials(" ".join(initials)),
            prefix=" ".join(self.prefix),
            surname=" ".join(self.surname),
            written=" ".join(filter(None, words)),
            title=self.title,
            left_out=", ".join(self.left_out),
            guessed=self.guess,
        )


def read_name(text: str) -> Name:
    """Return the parts of a name that is written whole.

    ``written`` of the result is the name in its reading order, with titles but without an aanhef. If the text is an
    address or holds no name, all parts are empty.
    """
    text = _PRONOUNS.sub("", _ATTENTION.sub("", _without_address(text))).strip()
    if not text or "@" in text:
        return Name()
    reading = _Reading(text.isupper())
    text = reading.take_tail(reading.take_asides(_TWO_TITLES.sub("", text)))
    parts = [part.strip() for part in text.split(",") if part.strip()]
    read = [words for part in parts if (words := reading.take_titles(part, len(parts) == 1))]
    while len(read) > 1 and any(map(_is_function, read[-1])):
        reading.left_out.append(" ".join(read.pop()))
    if len(read) < 2:
        words = _turned(reading, read[0]) if read else []
        reading.direct(words)
    elif reading.is_given(read[0][0]) and len(read[0]) > 1 and not any(map(reading.is_given, read[1])):
        # "J. de Vries, Utrecht": the name is complete before the comma.
        reading.left_out += [" ".join(words) for words in read[1:]]
        reading.direct(read[0])
    else:
        reading.reversed(read[0], [word for words in _prefixes_last(read[1:]) for word in words])
    return reading.name()


def read_aanhef(text: str) -> Title:
    """Return the title that a cell of the column `aanhef` means; empty if it gives none.

    :raises CellError: if its word is not known, or is "mr." alone: that may be English, or a lawyer's degree.
    """
    degrees = set(title_words(text))
    if not text or text.casefold().replace(".", "").replace(" ", "") in _CHOICES:
        return ""
    value = {"value": shown_value(text)}
    if degrees == {"mr"}:
        fault = _('"%(value)s" may be the English word for dhr, or the degree of a lawyer') % value
        raise CellError(fault, _("write dhr if it is the English word; leave the cell empty if it is the degree"))
    try:
        return "" if degrees and degrees <= TITLES_BEFORE else read_title(text)
    except ValueError:
        fault = _('"%(value)s" is not a title that is known') % value
        raise CellError(fault, _("write dhr or mevr, or leave the cell empty")) from None


def completed(given: Name, read: Name) -> Name:
    """Return the parts that a list gives, completed from its whole name.

    ``read`` is the whole name as :func:`read_name` returns it; a part with a column of its own takes precedence.
    """
    called = call_name(given)
    if given.surname:
        # The columns say where the surname begins.
        read = read._replace(prefix=given.prefix, surname=given.surname, guessed=False)
    elif (given.first or given.initials or given.prefix) and _is_surname(read, called):
        read = _with_given(given, read)
    return read._replace(
        first=given.first or read.first,
        initials=given.initials or ("" if called and called != read.first else read.initials),
        prefix=given.prefix or read.prefix,
        surname=given.surname or read.surname,
        title=given.title or read.title,
    )


def agree(written: str, given: Name) -> bool:
    """Check whether a whole name and its parts in other columns may be one person's."""
    words, parts = (set(plain(text).replace("-", " ").split()) for text in (written, f"{given.first} {given.surname}"))
    if any(len(word) > 1 and not is_prefix(word) for word in words & parts):
        return True
    from mkwmail.members.same_name import alike

    return alike(written, full_name(given._replace(written="")))


def _is_surname(read: Name, called: str) -> bool:
    """Check whether the column of whole names holds a surname only, beside a column of first names or initials."""
    if read.initials:
        return False
    return not read.first or bool(called and not read.surname and plain(called) != plain(read.first))


def _with_given(given: Name, read: Name) -> Name:
    """Return a name of which the whole was the surname, with the first name or initials of their own columns."""
    surname, prefix = read.surname or read.first, given.prefix or read.prefix
    first = call_name(given) or normal_initials(given.initials or given.first)
    family = _joined_family(prefix.split(), surname.split())
    old = _joined_family(read.prefix.split(), surname.split())
    return read._replace(
        first="", prefix=prefix, surname=surname, written=read.written.replace(old, f"{first} {family}".strip(), 1)
    )


def is_blank(text: str) -> bool:
    """Check whether a part of a name is a placeholder, such as "-"."""
    letters = text if text.isalnum() else "".join(filter(str.isalnum, text))
    return letters.casefold() in ("", "nvt", "onbekend")


def _without_address(text: str) -> str:
    text = re.sub(r"[<(\[][^<>()\[\]\s]*@[^<>()\[\]\s]*[>)\]]", " ", text)
    text = " ".join(text.split()).strip(";, ")
    quoted = len(text) > 2 and text[0] in _QUOTES and text[-1] in _QUOTES
    return text[1:-1].strip() if quoted else text


def _turned(reading: _Reading, words: list[str]) -> list[str]:
    """Return words in reading order: "Vries J. de" begins with the surname."""
    end = len(words)
    while end and is_prefix(words[end - 1]) and not reading.is_initials(words[end - 1]):
        end -= 1
    begin = end
    # A prefix at the end tells that the surname is first: "Vries Jan de".
    while begin > 1 and reading.is_given(words[begin - 1]) and ("." in words[begin - 1] or end < len(words)):
        begin -= 1
    if begin == end or not begin or any(map(reading.is_given, words[:begin])):
        return words
    return [*words[begin:end], *words[end:], *words[:begin]]


def _prefixes_last(parts: Iterable[list[str]]) -> list[list[str]]:
    """Return the parts behind a surname with those that are prefixes last."""
    return sorted(parts, key=lambda words: all(map(is_prefix, words)))


def _joined_family(prefix: Sequence[str], surname: Sequence[str]) -> str:
    before, after = " ".join(prefix), " ".join(surname)
    return before + after if before[-1:] in _QUOTES and after else f"{before} {after}".strip()


def _known_title(text: str) -> Title:
    try:
        return read_title(text)
    except ValueError:
        return ""


def _is_function(word: str) -> bool:
    return word.casefold().strip(".,") in FUNCTIONS


def _is_first_name(word: str) -> bool:
    folded = word.casefold().rstrip(".")
    return folded in FIRST_NAMES or ("-" in folded and folded.split("-")[0] in FIRST_NAMES)


def odd(name: Name, form: Form) -> str:
    """Return why a salutation deserves a look, in a sentence, or "".

    Nothing is wrong with a neutral salutation with the first name or the initials. A name in capitals or in lower case
    is odd, because nothing is recased without a person's word: the sentence proposes the usual spelling.
    """
    called, prefix = call_name(name), name.prefix
    family = _joined_family(prefix.split(), name.surname.split())
    shown = f"{called} {family}".strip() or name.written or name.initials
    if not any(map(str.isalpha, shown + name.first)):
        text = shown_value(name.left_out)
        return _('"%(value)s" is an office, not a person') % {"value": text} if text else _("no name is known")
    if name.left_out:
        return _('"%(text)s" is left out of the name') % {"text": shown_value(name.left_out)}
    strange = _STRANGE.search(shown)
    if strange or _has_title(called, name.surname):
        text = strange[0] if strange else shown
        return _('"%(text)s" is in the name') % {"text": shown_value(text)}
    if any(map(_SHORT_PREFIX.fullmatch, (*prefix.split(), name.surname.partition(" ")[0]))):
        return _('"%(text)s" is not written in full') % {"text": shown_value(prefix or name.surname)}
    if meant := _recased(shown):
        return _('is "%(name)s" meant?') % {"name": shown_value(meant)}
    if _is_first_name(name.surname) and called and not any(map(_is_first_name, called.split())):
        return _("is %(name)s the first name?") % {"name": name.surname}
    if form == "je":
        several = called.count(" ") > 1
        return _("which first name is used?") if several else "" if called else _("no first name is known")
    if not name.surname:
        return _("no surname is known")
    if name.guessed:
        return _("it is not certain where the surname begins")
    return "" if name.title or called or name.initials or name.first else _("no aanhef and no first name is known")


def _has_title(called: str, surname: str) -> bool:
    first, last = called.partition(" ")[0], surname.rpartition(" ")[2]
    folded = first.casefold().rstrip(".:")
    before = folded in TITLES_BEFORE or folded in _TITLES
    return (before and not _is_first_name(first)) or (" " in surname and last.casefold() in TITLES_BEHIND)


def _recased(text: str) -> str:
    """Return a name in the usual case if it is in capitals or lower case."""
    words = text.split()
    lead = words[0] if words else ""
    usual = [_word_recased(word, word is lead) for word in words]
    return " ".join(usual) if usual != words else ""


def _word_recased(word: str, leads: bool) -> str:
    if word.isalpha() and word.istitle():
        return word
    prefix = is_prefix(word) and not (leads and not word.islower() and not word.isupper())
    if word in INSIDE_SURNAMES and not leads:
        return word
    if prefix:
        return word.lower() if len(word) > 1 and word.isupper() else word
    if word[:3].casefold() in ("'s-", "’s-", "'t-", "’t-"):
        return word[:3].lower() + _word_recased(word[3:], leads)
    parts = re.split(r"([-’'‘`.])", word)
    if len(parts) > 2 and parts[1] in "’'‘`" and plain(parts[0] + parts[1]) in ("d'", "l'", "'"):
        return "".join([*parts[:2], *map(_part_recased, parts[2:])])
    return "".join(map(_part_recased, parts))


def _part_recased(part: str) -> str:
    if is_prefix(part) and part.islower():
        return part
    if part.isupper() and len(part) > 1 and part != "IJ" and _VOWELS.intersection(part):
        part = part.lower()
    elif not part.islower():
        return part
    return "IJ" + part[2:] if part.startswith("ij") else part[:1].upper() + part[1:]
