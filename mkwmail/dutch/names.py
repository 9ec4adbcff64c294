"""Names of people in Dutch: prefixes, initials, salutations, sorting.

The capitals in a name are never changed: a prefix with a capital in the list keeps it, because Belgian and many
foreign names are registered that way. The only exception is a prefix at the beginning, which gets a capital. A
gender is never inferred, and a title is used only if the list gives one.

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

    ``written`` is a whole name: it takes precedence over the parts and is never changed. ``prefix`` is the
    tussenvoegsel ("van der"); a surname may also contain its own ("van der Ven"). If the parts were found in a whole
    name, ``left_out`` is the text that is none of them, and ``guessed`` says that the surname may begin elsewhere.
    """

    first: str = ""
    initials: str = ""
    prefix: str = ""
    surname: str = ""
    written: str = ""
    title: Title = ""
    left_out: str = ""
    guessed: bool = False


_TITLES: dict[str, Title] = {
    **dict.fromkeys(("", "-", "?", "onbekend", "neutraal", "x", "geen", "nvt", "n v t", "anders", "non-binair"), ""),
    **dict.fromkeys(("dhr", "heer", "de heer", "hr", "m", "man", "meneer"), "de heer"),
    **dict.fromkeys(("mevr", "mw", "mevrouw", "v", "vrouw", "mej", "mejuffrouw", "mvr", "mrs", "ms"), "mevrouw"),
}


def title_words(text: str) -> list[str]:
    """Return the words of a title in lower case, without dots: "Prof.dr." has two."""
    return text.casefold().replace(".", " ").split()


def read_title(text: str) -> Title:
    """Return the title that a cell of the column `aanhef` means.

    The result is empty if the cell gives no title.

    :raises ValueError: for any other text, including "mr.": in Dutch it is a lawyer's degree.
    """
    key = " ".join(title_words(text))
    key = re.sub(r"^(?:beste|geachte)\b\s*", "", key)
    try:
        return _TITLES[key]
    except KeyError:
        raise ValueError(
            _('"%(text)s" is not a title that is known: write dhr, mevr or nothing') % {"text": text}
        ) from None


# Initials of more than one letter that people keep (Onze Taal: both T. and Th. are correct).
LONG_INITIALS = frozenset({"Ch", "Chr", "Fr", "Gh", "IJ", "Jac", "Joh", "Ph", "Sj", "St", "Th", "Tj", "Ij"})
_INITIALS = re.compile(r"[^\W\d_]+(?:[. -]+[^\W\d_]+)*\.?")


def normal_initials(text: str) -> str:
    """Return initials with a full stop after each and without spaces.

    "l" becomes "L.", and "LM" and "L M" become "L.M.". "Th", "Chr", "Joh", "IJ" and similar ones stay together. A text
    that is ambiguous (a first name in the column, several lower-case letters together) stays as it is, because an odd
    spelling is better than a wrong one.
    """
    text = " ".join(text.split())
    if not _INITIALS.fullmatch(text):
        return text
    parts = [_initial(part) for part in re.findall(r"-?[^\W\d_]+", text)]
    return text if "" in parts else "".join(parts)


def _initial(part: str) -> str:
    """Return the initials in one part of the text, with full stops.

    The part has no dots or spaces in it. The result is empty if it is not an initial.
    """
    hyphen, letters = ("-", part[1:]) if part.startswith("-") else ("", part)
    if letters in LONG_INITIALS:
        return f"{hyphen}{letters}."
    if len(letters) == 1:
        return f"{hyphen}{letters.upper()}."
    if letters.isupper() and len(letters) <= 5:
        return hyphen + "".join(f"{letter}." for letter in letters)
    return ""


_APOSTROPHES = "'’‘`´"
#: Prefixes of family names, in lower case, with a straight apostrophe.
PREFIX_WORDS = frozenset(
    re.findall(
        r"\S+",
        "a aan achter af al auf bij d da dal de dei del dela della den der des di die do don dos du 'e el fan fan't "
        "het im in in't l la las le les lo los 'm o onder op op't over 's 't te ten ter thoe tho tot uijt uit van "
        "van't ver vom von voor "
        "vor zu zum zur",
    )
)


def plain(word: str) -> str:
    """Return a word for look-ups: lower case, one kind of apostrophe."""
    folded = word.casefold()
    for mark in _APOSTROPHES:
        folded = folded.replace(mark, "'")
    return folded


def is_prefix(word: str) -> bool:
    """Check whether a word is a prefix or a part of one, in any case."""
    return plain(word) in PREFIX_WORDS or plain(word).rstrip("'") in PREFIX_WORDS


def _join(prefix: str, rest: str) -> str:
    """Join prefix and main word: "van Zandbrink". There is no space after an apostrophe: "d'Ancona"."""
    if not prefix or not rest:
        return prefix or rest
    return prefix + rest if prefix[-1] in _APOSTROPHES else f"{prefix} {rest}"


def _family(name: Name) -> str:
    """Return the surname with its prefix, as written after a first name.

    If the name is also given whole and ends in this family name, the spelling there takes precedence.
    """
    family = _join(name.prefix, name.surname)
    if not name.written:
        return family
    tail = name.written[-len(family) :] if family else ""
    return tail if plain(tail) == plain(family) else family


def _at_start(family: str) -> str:
    """Return a family name that has nothing before it.

    Its first prefix gets a capital ("Van der Ven-van Dijk"), except 't and d', which stay in lower case
    (onzetaal.nl: meneer 't Hart, mevrouw d'Ancona). A single word is not changed: "jansen" is not corrected here.
    """
    word, space, rest = family.partition(" ")
    if not rest or not word.islower() or any(mark in word for mark in _APOSTROPHES):
        return family
    return word[0].upper() + word[1:] + space + rest


def call_name(name: Name) -> str:
    """Return the first name for a greeting; empty if it is only initials."""
    first = name.first
    return "" if len(first) < 2 or first.endswith(".") else first


def _known_initials(name: Name) -> str:
    """Return the initials, including those in the first-name column."""
    return normal_initials(name.initials or ("" if call_name(name) else name.first))


def full_name(name: Name) -> str:
    """Return the name in full: "Lilian van Zandbrink".

    Without a first name it begins with the initials. The result is empty if no part of the name is known.
    """
    if name.written:
        return name.written
    given = call_name(name) or _known_initials(name)
    family = _family(name)
    return f"{given} {family}".strip() if given else _at_start(family)


def formal_name(name: Name) -> str:
    """Return the name for a formal letter: "mevrouw Van Zandbrink".

    Without a title: "L. van Zandbrink". Initials are never derived from a first name (Theo may be T. or Th.): without
    initials, the first name is used. Degrees and other titles of a name that is written whole are left out.
    """
    family = _family(name)
    if name.title:
        whole = family or name.written
        return f"{name.title} {_at_start(whole)}" if whole else full_name(name)
    given = _known_initials(name) or call_name(name)
    if not family:
        return call_name(name) or full_name(name)
    return f"{given} {family}" if given else _at_start(family)


def salutation(name: Name, form: Form) -> str:
    """Return the opening words of a letter, without the comma.

    ``je``: "Beste Lilian"; without a first name the full name or the title, but never initials alone.
    ``u``: "Geachte mevrouw Van Zandbrink", or neutral "Geachte L. van Zandbrink" if no title is given.
    If nothing is known of the name: "Beste collega" or "Geachte bestuurder", which assume no gender. For an office,
    which is left out of the name: "Geachte heer of mevrouw".
    """
    if form == "je" and (called := call_name(name)):
        return f"Beste {called}"
    formal = formal_name(name).removeprefix("de ") if name.title else formal_name(name)
    if not formal and name.left_out:
        return unknown_salutation(form)
    if form == "je":
        return f"Beste {formal or 'collega'}"
    return f"Geachte {formal or 'bestuurder'}"


def unknown_salutation(form: Form) -> str:
    """Return the opening words for somebody of whom nothing is known, who need not be a director."""
    return "Beste collega" if form == "je" else "Geachte heer of mevrouw"


def _parts(name: Name) -> tuple[str, str, str]:
    """Return main word, given name and prefix, for sorting."""
    family = _family(name)
    given = call_name(name) or _known_initials(name)
    if not family:
        given, family = _split(name.written or given)
    elif name.written and not given:
        given = name.written.removesuffix(family).strip()
    words = re.findall(rf"(?:d|l)[{_APOSTROPHES}]|\S+", family)
    count = 0
    while count < len(words) - 1 and words[count].islower() and is_prefix(words[count]):
        count += 1
    prefix = " ".join(words[:count])
    return family[len(prefix) :].strip(), given, prefix


def _split(written: str) -> tuple[str, str]:
    """Split a name that is only known whole into given and family name.

    It is split before its first prefix, or else before its last word. Only sorting uses the result, so a wrong guess
    never changes how a name is written.
    """
    words = written.split()
    for index, word in enumerate(words[1:-1], 1):
        if is_prefix(word):
            return " ".join(words[:index]), " ".join(words[index:])
    if len(words) > 1 and re.match(rf"[dl][{_APOSTROPHES}]\w", words[-1]):
        return " ".join(words[:-1]), words[-1]
    return " ".join(words[:-1]), "".join(words[-1:])


def _folded(text: str) -> str:
    """Return text for comparisons: no case, accents or apostrophes."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum() or letter == " ").strip()


def sort_key(name: Name) -> tuple[str, str, str]:
    """Return the key for sorting by name: main word, given name, prefix.

    Accents and case do not count. Dutch lists sort by the main word: Van Zandbrink under Z. A Belgian name, whose
    prefix has a capital even after a first name, is sorted by its prefix, as Belgian lists do.
    """
    main, given, prefix = _parts(name)
    return _folded(main), _folded(given), _folded(prefix)


def sorting_name(name: Name) -> str:
    """Return the name as an alphabetical list prints it.

    For example "Zandbrink, Lilian van" and "Hart, Kim 't".
    """
    main, given, prefix = _parts(name)
    after = " ".join(part for part in (given, prefix) if part)
    return f"{main}, {after}" if after else main


# ---- Words in and around names in Dutch lists, in lower case unless said


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Before a name, with or without a full stop. In Dutch mr. is a lawyer's degree; a nobleman's title counts as one here.
TITLES_BEFORE = _words(
    "bc drs dr dra ds ing ir lic mgr mr prof professor doctor dominee pastoor pastor pater rabbijn imam sir zr jhr "
    "jkvr jonkheer jonkvrouw baron barones graaf gravin ridder"
)
# Forms of address before a name, in lists.
AANHEF = _words("beste dhr geachte heer hr meneer mijnheer mej mejuffrouw mevr mevrouw mw mvr")
TITLES_BETWEEN = _words("baron barones graaf gravin ridder")
# After a name. The short ones count in capitals only: Ma and Ba are surnames.
TITLES_BEHIND = _words(
    "bba bec beng bsc ciia emba emia fmva frics jr junior llb llm mba mcd mcm mfm mfp mhba mmi mpa mpc mphil mpm mre "
    "mrics msc mscre phd rics sr senior ai acc cfa cia cpc pmp"
)
SHORT_TITLES_BEHIND = _words("AA AAG AC BA BEd CPA EMA FRM II III MA MEd MIM MM RA RB RC RE REP RI RM RO RR RT RTD RV")
# Titles that belong before a name, and are found after it too, and other words for the younger and the older.
TITLES_ALSO_BEHIND = _words("bc dr drs em ing ir jun mr sen")
# Before "heer" and "mevrouw".
POLITE = _words("aan de den geachte weledele weledelgeboren weledelgeleerde weledelgestrenge")

# A function behind a name is no part of it.
FUNCTIONS = _words(
    "adviseur bestuurder bestuurslid bestuurssecretaris commissaris controller coördinator directeur "
    "directeur-bestuurder directrice duobestuurder interim interim-bestuurder interim-directeur lid manager "
    "penningmeester plv plv. president programmamanager secretaris vicevoorzitter vice-voorzitter voorzitter wnd "
    "wnd. wethouder burgemeester ceo cfo coo"
)
# A text that is one of these, without spaces and signs, is a placeholder.
NO_PERSON = _words(
    "nvt nietvantoepassing onbekend nogonbekend onbekent unknown totaal total subtotaal eindtotaal nnb "
    "nognietbekend nietbekend ntb nogtebenoemen nadertebepalen naderbekendtemaken nogintevullen volgt naamvolgt tbd "
    "tba tbc test naamonbekend noginvullen geen geennaam geencontactpersoon none null leeg vacature vacatures vacant "
    "nn x xx xxx"
)
# A text that begins with one of these is no name either.
VACANT = _words("vacature vacatures vacant vacature: vacant: totaal subtotaal totaal: total eindtotaal aantal")
# The first word of the name of an office.
OFFICES = _words(
    "administratie afd afd. afdeling algemeen balie bedrijfsbureau bestuur bestuursbureau bestuurssecretariaat "
    "bureau communicatie contact contactpersoon corporatie crediteurenadministratie directie directiesecretariaat "
    "cluster district facturen gebied gemeente helpdesk hrm huurdersvereniging info kring ledenadministratie "
    "managementteam mt office organisatie postkamer provincie rayon regio "
    "postkamer postvak raad receptie redactie rvc rvt secretariaat secretaresse stichting team vereniging "
    "woningbouwvereniging woningcorporatie woningstichting woonstichting"
)

# Words that many organisations have in their names.
ORGANISATION_WORDS = _words(
    "stichting vereniging woningstichting woningcorporatie woningbouwvereniging corporatie wonen de het van bv"
)

# First names that often follow another ("Jan Willem") or are short enough to be taken for initials ("KIM").
FIRST_NAMES = _words(
    "aad aafke aart abdel ad adam adri adriaan adriana agnes ahmed albert alexander ali alida amin an andries andré "
    "ank anke ann anna anne anneke annelies annemarie annemiek annie ans antje anton antoon ari arie arjan arjen "
    "art arthur astrid ayşe bart bas bastiaan beatrijs ben benjamin bep berend bernard bert bianca bo bob bram "
    "carel carla carolien caroline cas catharina cathrien cees charlotte chris christiaan christina claire coen cor "
    "cornelia cornelis daan dick diederik dirk dora dorien dorothea ed eddy edith eduard eef elisabeth elise "
    "elke ella els elsbeth emile emma eric erik ernst erwin esther eva evelien evert ewout fatima femke ferdinand "
    "floor floris fokke francine frank frans fred frederik freek frits geert geertje geertruida gerard gerda gerrit "
    "gert gijs greet guus gwen hanna hannah hanneke hans harm harry hassan heidi hein heleen helena hendrik "
    "hendrika henk henri henriette herman hermien hilda hub hugo huib ibrahim ida ids ilse ina ine ineke inge "
    "ingrid irene iris isa isabel ivo jaap jack jacob jacoba jacqueline jacques jan janneke janny jans jantine "
    "jasper jeanette jeanne jelle jeroen jet jo joachim joan joanna job joep johan johanna johannes john joke "
    "jolanda joop joost joris jos joseph josephine josé joyce judith julia jurgen jurriaan kai karel karin karl "
    "katharina kees kim klaas klaske koen koos lars laura lea leen lena leo leon leonard lex lia lies liesbeth "
    "lieve lilian lina linda lisa lisette liv loes louis louisa louise luc lucas lucia ludo luuk maaike maarten "
    "machteld magda manon marc marcel margreet margriet maria marian marianne marie marieke marije marijke mario "
    "marit marjan marjolein mark marleen martha martijn martin martine mary mathilde matthijs maud maurice max mees "
    "meike menno merel mia michael michel michiel mieke mien miep mike mirjam moh mohamed mohammed monique nadia "
    "naomi natalie nel nico nicolaas nicole niek niels nienke nina noor olaf olga oscar otto pam pascal pascale "
    "paul paula paulien peer peter petra petronella pien piet pieter pim rein reinier renate rené renée ria rianne "
    "richard rick rien rik rita rob robbert robert roel roelof roger roland rolf ron ronald roos rosa rosalie rose "
    "roy rozemarijn rudolf rutger ruth ruud sam sandra sanne sara sarah saskia sebastiaan siem sietse simon simone "
    "sjaak sjoerd sofie sophia sophie stan stef stefan steven suus suzanne sven sybren teun teunis thea theo "
    "theresia thijs thom thomas tim tina tineke titia tjeerd tjitske tobias tom ton tonie tonny toos trees trudy "
    "truus ulrich ursula vera victor vincent walter wendy wiel wies wil wilfred wilhelm wilhelmina willem willemien "
    "willemijn willy wim wouter yvette yvonne zoë"
)
# A capital at the beginning of a name is a prefix in these, and a first name in others (Do, Al).
FIRST_PREFIXES = _words("de den der el in la le op 's 't te ten ter van van't von")
INSIDE_SURNAMES = _words("e en genaamd gezegd of y")  # "Jansen of Lorkeers"
