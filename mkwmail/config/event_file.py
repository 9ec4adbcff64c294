"""Event files: read and check them, and report all faults at once.

The checks concern dates, mailings, audiences, templates, the id, texts and links. They are a separate pass over all
fields that could be read, so that a fault in one field does not hide those of the others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from mkwmail.addresses import is_example
from mkwmail.config.event import (
    LINK_FIELDS,
    Event,
    Mailing,
    audience_words,
    example_fault,
    host_of,
    is_website,
    programme_oddities,
    urls_in,
)
from mkwmail.config.fields import END_OF_DAY, WithWarnings
from mkwmail.config.folder import WorkingFolder, id_in
from mkwmail.config.kinds import (
    GOT,
    MAILING_NAME,
    OWN,
    RULES,
    WRITABLE_AUDIENCES,
    Latest,
    default_latest,
    kind_names,
    kind_of,
    kind_of_dutch,
    kinds_without_entry,
    order_of,
    rule_of,
    shown_name,
    templates_of,
)
from mkwmail.config.yaml_document import Document, Loc, Node, Plain, read_document
from mkwmail.dutch.dates import date_in_words, dated_words
from mkwmail.errors import Fault, UserError
from mkwmail.files import shipped
from mkwmail.i18n import _, nearest, suggestion

# Placeholders for required values that cannot be read, so that the other fields still become values to check.
# The checks ignore them: they are not among the draft's known fields.
_STAND_INS: dict[str, Plain] = {
    "id": "unknown",
    "title": "unknown",
    "starts": "2000-01-01 00:00",
    "ends": "2000-01-01 00:00",
}


def read_event(path: Path, folder: WorkingFolder, document: Document | None = None) -> WithWarnings[Event]:
    """Read an event file, or what is to be written to it, and check all that the file alone can tell.

    :raises UserError: code FAULTY_FILE with every fault: YAML slips, values of the wrong form, and contradictions in
        the file.
    """
    document = document or read_document(path, folder.shown(path))
    drafted = _drafted(document)
    draft = Draft(drafted.event, drafted.known, drafted.whole, document, folder, path)
    found = check(draft)
    faults = document.in_order((*document.faults, *drafted.faults, *found.faults))
    if faults:
        raise UserError(*faults)
    return WithWarnings(drafted.event, document.in_order(found.warnings))


class _Drafted(NamedTuple):
    """Event made of the fields that could be read.

    ``known`` fields have the file's value; ``whole`` fields have no fault.
    """

    event: Event
    known: frozenset[str]
    whole: frozenset[str]
    faults: tuple[Fault, ...]


def _drafted(document: Document) -> _Drafted:
    tree = document.plain()
    fields = tree if isinstance(tree, dict) else {}
    written = frozenset(fields)
    faults: tuple[Fault, ...] | None = None
    faulty: set[str] = set()
    while True:
        try:
            event = Event.model_validate(fields)
        except ValidationError as error:
            from mkwmail.config.validation import faults_of, take_out

            # Only the first faults are the file's own: later ones result from the values that were removed.
            faults = faults if faults is not None else faults_of(error, document, Event)
            faulty |= take_out(fields, error)
            fields.update({name: stand_in for name, stand_in in _STAND_INS.items() if name not in fields})
        else:
            replaced = {name for name in _STAND_INS if name in faulty}
            return _Drafted(event, written - replaced, written - faulty, faults or ())


# Capitals are required if the word in lower case is ordinary Dutch: "vul in wat je wilt".
_LEFT_OVER = re.compile(
    r"\b(?:TODO|TBD|FIXME|VUL[ -]IN|INVULLEN|(?i:lorem(?: ipsum)?|x{3,}|xx[-/.]xx))\b|\?{3,}|\[\.{3}\]|<[a-z]+ hier>"
)
_TEMPLATE_SIGNS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
# Fields as other programs write them: {voornaam}, { { naam } }, «Voornaam», ${naam}, <<naam>>, %naam%, [naam].
OTHER_FIELD = re.compile(
    r"\$?\{\s?\{?\s?[^\W\d][\w. ]{0,29}\s?\}?\s?\}|«\s?\w[\w ]+»|<<\w+>>|%[^\W\d]{3,}%"
    r"|\[(?:(?:voor|achter)?naam|aanhef|organisatie|datum|name|first name)\](?!\()",
    re.IGNORECASE,
)
# Keys of free texts: a remark after a single space may really be the rest of the text.
_FREE = ("title", "theme", "subject", "name", "role", "organisation", "street", "city", "introduction", "text")
_MOMENTS = ("starts", "ends", "deadline", "send", "latest", "day", "time", "until")  # their own type checks them
_FILES = ("attachments", "template", "audience", "of")


def text_faults(document: Document, starts: datetime | None) -> Iterator[Fault]:
    """Return the faults in every text of the file.

    ``starts`` gives the year to dates without one.
    """
    for loc, node, text in document.texts():
        if not _is_prose(loc):
            continue
        for found in _LEFT_OVER.finditer(text):
            place, _line = document.find(node, found.group())
            fault = _('"%(text)s" looks like something still to be filled in') % {"text": found.group()}
            yield Fault(place, fault, _("fill it in, or leave it out"))
        for found in _TEMPLATE_SIGNS.finditer(text):
            place, _line = document.find(node, found.group())
            fault = _("%(text)s would be mailed as it is: such signs work in templates only")
            yield Fault(place, fault % {"text": found.group()}, _("write the text itself"))
        without_signs = _TEMPLATE_SIGNS.sub("", text) if loc[-1:] != ("url",) else ""
        for found in OTHER_FIELD.finditer(without_signs):
            place, _line = document.find(node, found.group())
            fault = _("%(text)s would be mailed as it is: nothing is filled in here")
            yield Fault(place, fault % {"text": found.group()}, _("write the text itself"))
        for matched, weekday, day, month, year in dated_words(text):
            wrong = _wrong_date(weekday, day, month, year, starts)
            if wrong:
                place, line = document.find(node, matched)
                fault, right = wrong
                yield Fault(place, f'"{matched}": {fault}', _with_weekday(line, matched, right))


def text_warnings(document: Document) -> Iterator[Fault]:
    """Return warnings about remarks that may be meant as text."""
    for loc, node, text in document.texts():
        if loc[-1] in _FREE and node.line == node.end_line:
            behind = document.lines[node.line - 1][node.column - 1 + len(text) :]
            if re.match(r" # ?\S", behind):
                fault = _("the text after the # is a comment and is not mailed")
                yield Fault(document.at(node.line, node.column + len(text) + 1), fault)


def _is_prose(loc: Loc) -> bool:
    return loc[:1] != ("id",) and loc[-1] not in _MOMENTS and not any(step in _FILES for step in loc)


def _wrong_date(
    weekday: int | None, day: int, month: int, year: int | None, starts: datetime | None
) -> tuple[str, date | None] | None:
    """Return why a date in a text is wrong, and the date that is meant.

    None if the date can be right.
    """
    years = [year] if year else _years(month, starts)
    dates = []
    for candidate in years:
        try:
            dates.append(date(candidate, month, day))
        except ValueError:
            continue
    if years and not dates:
        return _("this date does not exist"), None
    if not dates or weekday is None or any(each.weekday() == weekday for each in dates):
        return None
    fault = _("the weekday does not match: it is %(date)s") % {"date": date_in_words(dates[0])}
    return fault, dates[0]


def _years(month: int, starts: datetime | None) -> list[int]:
    """Return the years that a date without a year may belong to.

    They are the event's year and, if the date is then nearer to the event, the year before or after it.
    """
    if starts is None:
        return []
    distance = month - starts.month
    if abs(distance) <= 6:
        return [starts.year]
    return [starts.year, starts.year - 1 if distance > 0 else starts.year + 1]


def _with_weekday(line: str, matched: str, right: date | None) -> str:
    if right is None or matched not in line:
        return ""
    word = date_in_words(right).split()[0]
    old = matched.split()[0]
    return line.replace(matched, matched.replace(old, word.capitalize() if old[0].isupper() else word, 1), 1)


@dataclass(frozen=True, slots=True)
class Draft:
    """Event, as far as its file could be read.

    ``known``: the top-level fields whose value comes from the file; ``whole``: those without any fault.
    """

    event: Event
    known: frozenset[str]
    whole: frozenset[str]
    document: Document
    folder: WorkingFolder
    path: Path

    @property
    def starts(self) -> datetime | None:
        """The start, if the file gives one that can be read."""
        return self.event.starts if "starts" in self.known else None

    @property
    def ends(self) -> datetime | None:
        """The end, if the file gives one that can be read."""
        return self.event.ends if "ends" in self.known else None

    def fault(self, loc: Loc, sentence: str, remedy: str = "") -> Fault:
        """Return a fault of the value at a place, prefixed with its key."""
        key = next((str(step) for step in reversed(loc) if isinstance(step, str)), "")
        return Fault(self.document.place(loc), f"{key}: {sentence}", remedy)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Faults and warnings that the checks found."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


def check(draft: Draft) -> CheckResult:
    """Run all checks on the fields that were read."""
    faults = (
        *_id_faults(draft),
        *_moment_faults(draft),
        *_mailing_faults(draft),
        *_order_faults(draft),
        *link_faults(draft.document),
        *text_faults(draft.document, draft.starts),
        *_picture_faults(draft),
    )
    warnings = (
        *_programme_warnings(draft),
        *link_warnings(draft.document),
        *text_warnings(draft.document),
    )
    return CheckResult(faults, warnings)


def _written(moment: datetime) -> str:
    """Return a moment as a file has it.

    That is its date, with the time if one was written.
    """
    return f"{moment:%Y-%m-%d}" if moment.time() == END_OF_DAY else f"{moment:%Y-%m-%d %H:%M}"


def _id_faults(draft: Draft) -> Iterator[Fault]:
    if "id" not in draft.known:
        return
    event_id = draft.event.id
    for other in draft.folder.event_paths():
        if other.resolve() != draft.path.resolve() and id_in(other) == event_id:
            fault = _('"%(id)s" is the id of %(other)s too: two events with the same id would share their records')
            names = {"id": event_id, "other": draft.folder.shown(other)}
            yield draft.fault(("id",), fault % names, _("give one of them an id of its own"))


def _moment_faults(draft: Draft) -> Iterator[Fault]:
    starts, ends = draft.starts, draft.ends
    if starts and ends and ends <= starts:
        fault = _("the event ends on %(ends)s, before it starts on %(starts)s")
        remedy = _("if it ends on a later day, write the date too: ends: %(date)s %(time)s")
        later = {"date": ends.date().isoformat(), "time": f"{ends:%H:%M}"}
        words = {"ends": _written(ends), "starts": _written(starts)}
        yield draft.fault(("ends",), fault % words, remedy % later if ends.date() == starts.date() else "")
    registration = draft.event.registration
    deadline = registration.deadline if registration else None
    if starts and deadline and deadline > starts and deadline.date() != starts.date():
        fault = _("the deadline, %(deadline)s, is after the start of the event on %(starts)s")
        words = {"deadline": _written(deadline), "starts": _written(starts)}
        yield draft.fault(("registration", "deadline"), fault % words)
    if registration and registration.by and registration.url:
        yield draft.fault(("registration", "by"), _("by: mail and url: cannot both be used"))


def _programme_warnings(draft: Draft) -> Iterator[Fault]:
    if "programme" in draft.whole:
        for (number, key), fault, remedy in programme_oddities(draft.event.programme, draft.starts, draft.ends):
            yield draft.fault(("programme", number, key), fault, remedy)


def _mailing_faults(draft: Draft) -> Iterator[Fault]:
    for name, mailing in draft.event.mailings.items():
        yield from _name_faults(draft, name)
        yield from _latest_faults(draft, name, mailing)
        yield from _audience_faults(draft, name, mailing)
        yield from _template_faults(draft, name, mailing)
        yield from _of_faults(draft, name, mailing)
        loc = ("mailings", name, "attachments")
        shared = [(mailing.attachments.index(each), each) for each in mailing.shared_files]
        if shared:
            from mkwmail.config.attachments import attachment_faults

            yield from attachment_faults(shared, loc, draft.document, draft.folder, draft.path)


def _picture_faults(draft: Draft) -> Iterator[Fault]:
    if any("![" in line for line in draft.document.lines):
        from mkwmail.config.attachments import picture_faults

        yield from picture_faults(draft.document, draft.folder, draft.path)


def _name_faults(draft: Draft, name: str) -> Iterator[Fault]:
    if MAILING_NAME.fullmatch(name):
        return
    place = draft.document.key_place(("mailings", name))
    fault = _('"%(name)s" is not a name for a mailing: use lowercase letters, digits and hyphens, with a letter first')
    near = _kind_meant(name)
    remedy = f"{near}:" if near else _("for instance: %(names)s") % {"names": ", ".join(kind_names())}
    yield Fault(place, fault % {"name": name}, remedy)


def _kind_meant(name: str) -> str | None:
    """Return the mailing of a kind that a name in Dutch, or a misspelt one, means; None if there is none."""
    dutch = {rule.dutch: kind for kind, rule in RULES.items() if rule.dutch}
    near = nearest(name, [*kind_names(), *dutch]) or ""
    return kind_of_dutch(name) or dutch.get(near, near) or None


def _latest_faults(draft: Draft, name: str, mailing: Mailing) -> Iterator[Fault]:
    send = mailing.send
    if send is None:
        return
    loc = ("mailings", name, "send")
    words = {"mailing": shown_name(name), "send": _written(send)}
    if mailing.latest is not None:
        if mailing.latest < send:
            fault = _("the last moment for %(mailing)s, %(latest)s, is before it is sent on %(send)s")
            yield draft.fault(("mailings", name, "latest"), fault % {**words, "latest": _written(mailing.latest)})
        return
    if rule_of(name).after_event and draft.ends and send < draft.ends:
        fault = _("%(mailing)s would be sent on %(send)s, before the event has ended on %(ends)s")
        yield draft.fault(loc, fault % {**words, "ends": _written(draft.ends)})
        return
    if not _latest_known(draft, name):
        return
    latest = default_latest(draft.event, name, send)
    if send > latest:
        fault = _("%(mailing)s would be sent on %(send)s, and makes no sense after %(latest)s")
        yield draft.fault(loc, fault % {**words, "latest": _written(latest)})


def _latest_known(draft: Draft, name: str) -> bool:
    rule = rule_of(name).latest
    if draft.starts is None or draft.ends is None or draft.ends <= draft.starts:
        return False
    deadline = draft.event.registration.deadline if draft.event.registration else None
    # A deadline after the event is already a fault, and a deadline that cannot be read tells nothing.
    sound = "registration" in draft.whole or "registration" not in draft.known
    return rule is not Latest.DEADLINE or (sound and (deadline is None or deadline <= draft.starts))


def _order_faults(draft: Draft) -> Iterator[Fault]:
    """Return faults of mailings whose dates contradict the order of kinds."""
    dated = [
        (order_of(name), name, mailing.send)
        for name, mailing in draft.event.mailings.items()
        if mailing.send is not None and rule_of(name).in_sequence
    ]
    for turn, name, send in dated:
        late = [(other, theirs) for before, other, theirs in dated if before < turn and theirs > send]
        if not late:
            continue
        other, theirs = max(late, key=lambda pair: pair[1])
        fault = _("%(mailing)s would be sent on %(send)s, before %(other)s on %(theirs)s")
        words = {"mailing": shown_name(name), "other": shown_name(other)}
        words |= {"send": _written(send), "theirs": _written(theirs)}
        yield draft.fault(("mailings", name, "send"), fault % words, _("correct one of the two dates"))


def _known_mailings(draft: Draft) -> list[str]:
    return [*draft.event.mailings, *kinds_without_entry()]


def _audience_faults(draft: Draft, name: str, mailing: Mailing) -> Iterator[Fault]:
    for steps, audience in audience_words(mailing.audience):
        yield from _word_faults(draft, ("mailings", name, "audience", *steps), audience)


def _word_faults(draft: Draft, loc: Loc, audience: str) -> Iterator[Fault]:
    if audience.startswith(GOT):
        of = audience.removeprefix(GOT).strip()
        if of not in _known_mailings(draft):
            fault = _('"%(audience)s" names a mailing that this event does not have')
            known = _known_mailings(draft)
            yield draft.fault(loc, fault % {"audience": audience}, suggestion(kind_of_dutch(of) or of, known))
    elif audience not in WRITABLE_AUDIENCES:
        fault = _('"%(audience)s" is not an audience')
        known = [*WRITABLE_AUDIENCES, f"{GOT}invitation", "{column: regio, is: [Utrecht]}"]
        near = nearest(audience, WRITABLE_AUDIENCES)
        yield draft.fault(loc, fault % {"audience": audience}, f"audience: {near}" if near else suggestion("", known))


def _template_faults(draft: Draft, name: str, mailing: Mailing) -> Iterator[Fault]:
    """Return the fault of a named template that does not exist.

    The default templates of the kinds are part of the program.
    """
    candidates = templates_of(name, mailing)
    if any(candidate in RULES for candidate in candidates):
        near = _kind_meant(name)
        if mailing.template is None and kind_of(name) == OWN and near and MAILING_NAME.fullmatch(name):
            yield from _misspelt(draft, name, near)
        return
    there = _templates(draft.folder)
    if not any(candidate in there for candidate in candidates):
        fault = _('there is no template "%(name)s" in %(folder)s')
        words = {"name": candidates[0], "folder": draft.folder.shown(draft.folder.templates_dir)}
        near = nearest(candidates[0], there)
        remedy = f"template: {near}" if near else suggestion("", there)
        yield draft.fault(("mailings", name, "template"), fault % words, remedy)


def _misspelt(draft: Draft, name: str, near: str) -> Iterator[Fault]:
    """Return the fault of a mailing whose name resembles a kind.

    It would be sent to everyone, with a text of its own.
    """
    if name in _templates(draft.folder):
        return
    loc = ("mailings", name)
    fault = _('%(name)s: is this "%(near)s"? A name of its own would make it another mailing, to everyone')
    remedy = _("%(near)s:, or say what it is with template: own") % {"near": near}
    yield Fault(draft.document.key_place(loc), fault % {"name": name, "near": near}, remedy)


def _templates(folder: WorkingFolder) -> list[str]:
    found: set[str] = set()
    for place in (folder.templates_dir, shipped("templates")):
        if place.is_dir():
            found.update(path.stem for path in place.glob("*.md"))
    return sorted(found - {"signature", "certificate"})


def _of_faults(draft: Draft, name: str, mailing: Mailing) -> Iterator[Fault]:
    if mailing.of is None:
        return
    loc = ("mailings", name, "of")
    if not rule_of(name).corrects:
        yield draft.fault(loc, _("only a correction has this key: it names the mailing that is corrected"))
        return
    known = [other for other in _known_mailings(draft) if not rule_of(other).corrects]
    if mailing.of not in known:
        fault = _('this event has no mailing "%(name)s"') % {"name": mailing.of}
        near = nearest(kind_of_dutch(mailing.of) or mailing.of, known)
        yield draft.fault(loc, fault, f"of: {near}" if near else suggestion("", known))


_FILLED_IN = re.compile(r"\{([^{}]*)\}")
_CURLY_LINK = re.compile(r"[“”„«‘‚]\s*((?:https?://|mailto:|www\.)[^\s“”«»’]+)\s*[“”«»’]")
_MARKDOWN_TARGET = re.compile(r"\]\(\s*([^)\s]*)[^)]*\)")
_OWN_LINKS: tuple[Loc, ...] = (
    *(("registration", "url"), ("online", "url"), ("feedback", "url")),
    *(("location", "route"), ("location", "website")),
)


def link_faults(document: Document) -> Iterator[Fault]:
    """Return a fault for each link that cannot be followed safely.

    The keys for a link and all texts are checked.
    """
    for loc, node, text in document.texts():
        if loc in _OWN_LINKS:
            yield from _own_link_faults(document, loc, text.strip())
        elif loc[:1] != ("id",):
            yield from _links_in_text_faults(document, node, text)


def _own_link_faults(document: Document, loc: Loc, url: str) -> Iterator[Fault]:
    def fault(sentence: str, repaired: str = "") -> Fault:
        remedy = document.repaired(loc, url, repaired) or f"{loc[-1]}: {repaired}" if repaired else ""
        return Fault(document.place(loc), f"{loc[-1]}: {sentence}", remedy)

    bare = url.strip("“”„«»‘’\"'<> ").rstrip(".,;")
    if not url:
        return
    if bare != url:
        yield fault(_("signs around the link would become part of it"), bare)
        return
    if re.search(r"\s", url):
        yield fault(_("a link cannot have white space in it"), re.sub(r"\s+", "", url) if "\n" not in url else "")
        return
    if re.match(r"http://", url, re.IGNORECASE):
        yield fault(_("the link must begin with https://, so that nobody can read along"), "https" + url[4:])
    elif not re.match(r"https://", url, re.IGNORECASE):
        whole = f"https://{url}" if re.match(r"[\w-]+(?:\.[\w-]+)+(?:[/?#]|$)", url) else ""
        yield fault(_("the link must be complete, and begin with https://"), whole)
    elif not is_website(url):
        yield fault(_no_website(url))
    yield from _field_faults(document, loc, url)


def _field_faults(document: Document, loc: Loc, url: str) -> Iterator[Fault]:
    known = LINK_FIELDS if loc[0] == "registration" else ()
    for found in _FILLED_IN.finditer(url):
        if found.group(1) in known:
            continue
        if not known:
            fault = _("nothing is filled in here, so %(field)s would be mailed as it is")
            yield Fault(document.place(loc), f"{loc[-1]}: " + fault % {"field": found.group()})
            continue
        fault = _(
            "%(field)s is not filled in; {code}, {member_id}, {email}, {name}, {first_name} and {organisation} are"
        )
        near = nearest(found.group(1), known)
        remedy = document.repaired(loc, found.group(), f"{{{near}}}") if near else ""
        yield Fault(document.place(loc), f"{loc[-1]}: " + fault % {"field": found.group()}, remedy)
    if re.search(r"[{}]", _FILLED_IN.sub("", url)):
        sentence = _("a brace in the link has no partner: a field is written like {code}")
        yield Fault(document.place(loc), f"{loc[-1]}: {sentence}")


def _links_in_text_faults(document: Document, node: Node, text: str) -> Iterator[Fault]:
    for found in _CURLY_LINK.finditer(text):
        place, line = document.find(node, found.group())
        fault = _("curly quotes around a link would become part of it; leave them out")
        yield Fault(place, fault, line.replace(found.group(), found.group(1), 1))
    for url in urls_in(text):
        if url.casefold().startswith("http://"):
            place, line = document.find(node, url)
            fault = _("the link %(link)s must begin with https://") % {"link": url}
            yield Fault(place, fault, line.replace(url, "https" + url[4:], 1))
        elif not is_website(url):
            place, _line = document.find(node, url)
            yield Fault(place, _no_website(url))
    for found in _MARKDOWN_TARGET.finditer(text):
        target = found.group(1).strip("“”„«»‘’")
        is_picture = re.search(r"!\[[^\]\n]*$", text[: found.start()])
        if not is_picture and not re.match(r"https?://|mailto:|tel:|[{]", target, re.IGNORECASE):
            place, line = document.find(node, found.group())
            fault = _('"%(link)s" is not a complete link: it must begin with https:// or mailto:')
            whole = f"https://{target}" if re.match(r"[\w-]+(?:\.[\w-]+)+", target) else ""
            remedy = line.replace(found.group(1), whole, 1) if whole and found.group(1) else ""
            yield Fault(place, fault % {"link": target}, remedy)


def _no_website(url: str) -> str:
    host = re.split(r"[/?#]", url.partition("://")[2])[0]
    if not host:
        return _("the link has no website after https://")
    fault = _('"%(host)s" is not a website: its name has dots, and besides them only letters, digits and hyphens')
    return fault % {"host": host}


def link_warnings(document: Document) -> Iterator[Fault]:
    """Return a warning for each link to a domain for examples.

    Such links are refused only if they would really be mailed.
    """
    for loc, node, text in document.texts():
        if loc in _OWN_LINKS:
            if is_example(host_of(text.strip())):
                yield example_fault(document.place(loc), text.strip())
            continue
        for url in urls_in(text):
            if is_example(host_of(url)):
                place, _line = document.find(node, url)
                yield example_fault(place, url)
