"""Free text that contradicts the event: its dates, weekdays, times, cities and deadlines. Pure.

Only a sentence that is about the event or its deadline is judged: other meetings have dates of their own.
"""

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from mkwmail.clock import ZONE
from mkwmail.config.event import Event
from mkwmail.dutch.dates import WEEKDAYS, clock_time, date_in_words, dated_words
from mkwmail.errors import Fault
from mkwmail.i18n import _
from mkwmail.planning.schedule import holiday_of


def text_warnings(event: Event, place: str) -> Iterator[Fault]:
    """Yield what the event's own texts, links and dates seem to have wrong.

    :param place: the event's file, as people know it.
    """
    for key, text in _texts(event):
        for sentence in [" ".join(part.split()) for part in _BREAK.split(text) if part.strip()]:
            for said, known in _contradictions(event, sentence):
                words = {"key": key, "said": said, "known": known, "sentence": _cut(sentence)}
                fault = _('%(key)s says "%(said)s", and the event has %(known)s: "%(sentence)s"') % words
                yield Fault(place, fault, _("correct the one that is wrong"))
    yield from _points(event, place)
    yield from _links(event, place)
    yield from _holidays(event, place)


def _texts(event: Event) -> Iterator[tuple[str, str]]:
    """Yield the texts that people write freely, with their keys."""
    if event.introduction:
        yield "introduction:", event.introduction
    for item in event.programme:
        if item.description:
            yield f"programme: {item.title}: description:", item.description
    for name, mailing in event.mailings.items():
        for key, text in (("subject", mailing.subject), ("text", mailing.text)):
            if text:
                yield f"mailings: {name}: {key}:", text


_BREAK = re.compile(r"\n\s*\n|\n\s*(?=[-*+]\s|\d+[.)]\s|#)|(?<=[.!?])\s+(?=[A-Z0-9‘“\"*'’(])")


_LONGEST = 90


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _LONGEST else f"{sentence[: _LONGEST - 1].rstrip()}…"


_OF_THE_EVENT = re.compile(
    r"bijeenkomst\b|welkom\b|zien (?:we|wij|elkaar|je|jou|u)\b|zie (?:je|jou|u)\b|tot ziens|nodig\w*\b.*\buit\b"
    r"|vindt plaats|plaatsvind|vindt?\b.*\bplaats\b|erbij bent|kom(?:en)? (?:we|wij) (?:samen|bijeen)"
    r"|hou(?:d|dt)?\b.*\bvrij\b|noteer|reserveer|op de agenda|^tot\b|we ontvangen (?:je|u)\b",
    re.IGNORECASE,
)
# The sentence is also about another day: a date in it can be right.
_OTHER_DAY = re.compile(
    r"\b(?:vorig|volgend|eerder|eerst|destijds|terug|laatst|verleden|ander|daarna|daarvoor|na afloop|evaluati|najaar"
    r"|voorjaar|alv\b|ledenvergadering|bestuur|cursus|ook op|nieuwe|verplaats|in plaats van|oorspronkelijk|gepland"
    r"|verzet|niet\b|geen\b|ontvang|stu[ur]+|volgt|krijg|verst|toegestuurd|lees|vooraf|dieet|wens|sinds|tussen|week"
    r"|tweede|derde|vervolg|reeks|serie|jaarlijks|elke|iedere|was\b|waren\b|werd\b|ging\b|hadden\b|bespraken\b)",
    re.IGNORECASE,
)
_SIGNING_UP = re.compile(
    r"\b(?:aanmeld|aan te melden|meld\w*\b.*\baan\b|inschrijv|schrijf\w*\b.*\bin\b)", re.IGNORECASE
)
_UNTIL = re.compile(r"\b(?P<word>tot en met|t/m|uiterlijk|v[óo][óo]r|tot|sluit op)\b", re.IGNORECASE)
_INCLUDED = re.compile("tot en met|t/m|uiterlijk", re.I)
_NEAR = range(1, 6)  # the place at which a date directly after such a word begins
_WEEKDAY_ALONE = re.compile(rf"\s+({'|'.join(WEEKDAYS)})\b(?!\s+(?:de\s+)?\d)", re.I)
_BEGINS = re.compile(r"\b(?:begin(?:t|nen)?|start(?:en)?|aanvang)\b", re.IGNORECASE)
_ENDS = re.compile(
    r"\b(?:eind(?:e|igt|igen)|afgelopen|afsluit\w*|(?:sluit|sluiten)\b.*\baf|(?:we|wij) sluiten)\b", re.IGNORECASE
)
_CLOCK = re.compile(
    r"(?<![\d.:,€-])(?P<hour>[01]?\d|2[0-4])(?:[.:](?P<minute>[0-5]\d))?(?P<unit>\s?uur\b)?(?![\d%]|[.:]\d)"
)
_SPAN = re.compile(
    r"\bvan (?P<first>\d{1,2}[.:]\d\d)(?: uur)? tot (?:ongeveer |circa |uiterlijk )?(?P<last>\d{1,2}[.:]\d\d)",
    re.IGNORECASE,
)
_AROUND = re.compile(r"inloop|lunch|koffie|thee|borrel|buffet|diner|ontvangst|welkom|zaal|deur|vanaf", re.I)
_AT_TIME = re.compile(r"\b(?:om|vanaf|tot|rond)\s*$", re.I)
_TRAVEL = re.compile(r"\b(?:trein|bus|pendel|parkeer|hotel|ontbijt|bel\b|bellen|bereikbaar|telefoon|rondleiding)", re.I)


def _contradictions(event: Event, sentence: str) -> Iterator[tuple[str, str]]:
    """Yield what a sentence says, and what the event has instead."""
    names_it = _OF_THE_EVENT.search(sentence) or event.title.casefold() in sentence.casefold()
    is_about = bool(names_it) and not _OTHER_DAY.search(sentence)
    if _SIGNING_UP.search(sentence):
        yield from _deadline(event, sentence)
    elif is_about:
        yield from _days(event, sentence)
    elsewhere = _TRAVEL.search(sentence) or _SIGNING_UP.search(sentence) or _OTHER_DAY.search(sentence)
    if not elsewhere:
        yield from _times(event, sentence, is_about)
    if not _OTHER_DAY.search(sentence):
        yield from _cities(event, sentence)


@dataclass(frozen=True, slots=True)
class _Day:
    words: str
    day: date


def _dates(event: Event, sentence: str) -> Iterator[_Day]:
    """Yield the dates of a sentence; without a year, in the year that is nearest to the event."""
    for found in dated_words(sentence):
        years = (found.year,) if found.year else (event.starts.year - 1, event.starts.year, event.starts.year + 1)
        days = [day for year in years if (day := _existing(year, found.month, found.day))]
        if days:
            yield _Day(found.words, min(days, key=lambda day: abs(day - event.starts.date())))


def _existing(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _days_of(event: Event) -> Set[date]:
    first, last = event.starts.astimezone(ZONE).date(), event.ends.astimezone(ZONE).date()
    return frozenset(first + timedelta(days=number) for number in range(min((last - first).days, 30) + 1))


def _days(event: Event, sentence: str) -> Iterator[tuple[str, str]]:
    """Yield dates and weekdays on which the event is not."""
    days, said = _days_of(event), list(_dates(event, sentence))
    others = [each for each in said if each.day not in days]
    if said:
        known = days | _known_days(event)
        if len(others) == len(said):
            for each in others:
                if each.day not in known:
                    yield each.words, date_in_words(event.starts.date())
        return
    weekdays = [
        word for word in WEEKDAYS if re.search(rf"\b{word}(?:ochtend|middag|avond)?\b", sentence, re.IGNORECASE)
    ]
    if len(weekdays) == 1 and WEEKDAYS.index(weekdays[0]) not in {day.weekday() for day in days}:
        yield weekdays[0], date_in_words(event.starts.date())


def _known_days(event: Event) -> Set[date]:
    moments = [event.registration.deadline if event.registration else None]
    moments += [event.catering.deadline if event.catering else None]
    moments += [moment for each in event.mailings.values() for moment in (each.send, each.latest)]
    return frozenset(moment.date() for moment in moments if moment)


def _deadline(event: Event, sentence: str) -> Iterator[tuple[str, str]]:
    """Yield dates until which one can sign up, other than the deadline."""
    deadline = event.registration.deadline if event.registration else None
    if deadline is None:
        return
    last = deadline.astimezone(ZONE).date()
    known = f"registration: deadline: {date_in_words(last)}"
    for until in _UNTIL.finditer(sentence):
        rest = sentence[until.end() :]
        included = _INCLUDED.fullmatch(until["word"])
        right = {last} if included else {last, last + timedelta(days=1)}
        said = [each for each in _dates(event, rest) if rest.find(each.words) in _NEAR]
        weekday = _WEEKDAY_ALONE.match(rest)
        if said:
            if said[0].day not in right | _days_of(event):
                yield f"{until[0]} {said[0].words}", known
        elif weekday and WEEKDAYS.index(weekday[1].casefold()) not in {day.weekday() for day in right}:
            yield f"{until[0]} {weekday[1]}", known


def _times(event: Event, sentence: str, is_about: bool) -> Iterator[tuple[str, str]]:
    """Yield times at which the event, or a part of it, would begin or end."""
    starts, ends = event.starts.astimezone(ZONE).time(), event.ends.astimezone(ZONE).time()
    known = {starts, ends, *(moment for item in event.programme for moment in (item.time, item.until) if moment)}
    if not (is_about or any(form.search(sentence) for form in (_BEGINS, _ENDS, _SPAN))):
        return
    around = bool(_AROUND.search(sentence))  # a walk-in before it, drinks after it
    has = f"{clock_time(starts)}-{clock_time(ends)} uur"
    for found in _CLOCK.finditer(sentence):
        at_moment = _AT_TIME.search(sentence[: found.start()])
        in_span = any(span.start() <= found.start() < span.end() for span in _SPAN.finditer(sentence))
        if not in_span and not (found["unit"] and at_moment):
            continue  # "twee dagen van 8 uur" is a length
        moment = time(int(found["hour"]) % 24, int(found["minute"] or 0))
        if moment not in known and not (around and not starts < moment < ends):
            yield found[0].strip(), has


# The places where such associations meet: large towns, and those with conference centres.
_CITIES = (
    "Alkmaar|Almelo|Almere|Alphen|Amersfoort|Amstelveen|Amsterdam|Apeldoorn|Arnhem|Assen|Barneveld|Bergen|"
    "Breda|Bunnik|Bussum|Culemborg|Delft|Deventer|Doetinchem|Doorn|Dordrecht|Driebergen|Ede|Eindhoven|"
    "Emmen|Enschede|Gorinchem|Gouda|Groningen|Haarlem|Harderwijk|Heerenveen|Heerlen|Helmond|Hengelo|"
    "Hilversum|Hoofddorp|Hoogeveen|Hoorn|Houten|Leeuwarden|Leiden|Lelystad|Lunteren|Maarssen|Maastricht|"
    "Meppel|Middelburg|Nieuwegein|Nijkerk|Nijmegen|Nunspeet|Oss|Rijswijk|Roermond|Rotterdam|Schiedam|"
    "Sittard|Soest|Soesterberg|Tiel|Tilburg|Utrecht|Veenendaal|Venlo|Vught|Wageningen|Woerden|Zaandam|"
    "Zaltbommel|Zeist|Zoetermeer|Zutphen|Zwolle"
    "|Den Haag|Den Bosch|’s-Gravenhage|’s-Hertogenbosch"
)
_IN_CITY = re.compile(
    rf"\b(?P<before>\w+(?:[ ,]+\w+)?)[ ,]+(?:in|te|naar)\s+(?P<city>{_CITIES})\b(?!\s+(?:vertelt|deelt|laat))"
)
_AT_EVENT = re.compile(
    r"(?:bijeenkomst|welkom|samen|bijeen|plaats|elkaar|locatie|zaal|ontvangen (?:je|u)|zien (?:je|u)|graag)\b", re.I
)


def _cities(event: Event, sentence: str) -> Iterator[tuple[str, str]]:
    """Yield cities in which the event would be."""
    location = event.location
    if location is None or not location.city:
        return
    here = " ".join(filter(None, (location.name, location.street, location.city))).casefold()
    title = event.title.casefold().split()[-1]
    for found in _IN_CITY.finditer(sentence):
        city, before = found["city"], found["before"]
        if city.casefold() not in here and (_AT_EVENT.search(before) or before.casefold().endswith(title)):
            yield city, location.city


def _points(event: Event, place: str) -> Iterator[Fault]:
    if "pe_points" not in event.model_fields_set:
        fault = _("pe_points: is missing, and the mails will say nothing about them")
        yield Fault(place, fault, _("write pe_points: true, the number, or false if there are none"))


_USER_PART = re.compile(r"\bhttps?://(?P<user>[^\s/?#@]*)@[^\s/?#]+", re.IGNORECASE)
_PERSONAL = ("{code}", "{member_id}", "{email}")


def _links(event: Event, place: str) -> Iterator[Fault]:
    """Yield links that hide their target, and a sign-up link without anything that identifies the member."""
    urls = [("registration: url:", event.registration.url if event.registration else None)]
    urls.append(("online: url:", event.online.url if event.online else None))
    for key, text in (*urls, *_texts(event)):
        for found in _USER_PART.finditer(text or ""):
            fault = _("%(key)s has a link with a name before its host, which mail filters take for fraud: %(link)s")
            yield Fault(place, fault % {"key": key, "link": found[0]}, _("remove all between // and the @"))
    url = urls[0][1]
    if url and not any(field in url for field in _PERSONAL):
        fault = _("registration: url: has no {code}: who signs up is known by name and address only")
        yield Fault(place, fault, _("add {code} to the link if the form can keep it, such as ?lid={code}"))


def _holidays(event: Event, place: str) -> Iterator[Fault]:
    days: Iterable[tuple[str, date]] = [("starts:", day) for day in sorted(_days_of(event))]
    sent = [(f"mailings: {name}: send:", _day(each.send)) for name, each in event.mailings.items() if each.send]
    for key, day in (*days, *sent):
        holiday = holiday_of(day)
        if holiday:
            words = {"key": key, "day": date_in_words(day), "holiday": holiday}
            yield Fault(place, _("%(key)s %(day)s is a public holiday: %(holiday)s") % words, _("choose another day"))


def _day(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()
