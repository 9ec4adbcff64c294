"""The notices of `due`: in the user's language and in Dutch.

The Dutch text is for the mail to the secretary.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mkwmail.clock import clock_time, day_and_time, day_in_words
from mkwmail.config.event import Event
from mkwmail.config.kinds import kind_of, rule_of, send_command, shown_name, typed_name
from mkwmail.dutch.dates import date_in_words, date_without_year, join_words, time_in_words
from mkwmail.errors import ExitCode, Fault
from mkwmail.i18n import _, mails, members, ngettext, some
from mkwmail.planning.approval import FACTS, Difference
from mkwmail.planning.member_index import MemberIndex
from mkwmail.planning.oddities import changed_names, copies_have_slipped, misplaced_names
from mkwmail.planning.renamed import Former
from mkwmail.planning.schedule import TO_WHOM, WHEN


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice: something that a person must know or do something about.

    ``name`` stays the same as long as the situation does. ``code``: its part in the exit code; OK if no one has to
    do anything. ``said`` and ``dutch`` are the same sentence in two languages; ``remedy`` is the command for both,
    or empty; ``details`` are lines below it, in the mail too if they are ``quoted``. ``once``: the notice is given
    once; all others are repeated each day.
    """

    name: str
    code: ExitCode
    said: str
    dutch: str
    remedy: str = ""
    details: tuple[str, ...] = ()
    quoted: bool = False
    once: bool = False


#: Names that begin with these are kept when the situation is over, because they are about something that happens once.
KEPT = ("once:", "missed:")

_DUTCH_SOURCES = {WHEN: "het moment", TO_WHOM: "aan wie het gaat"}


def _dutch_source(name: str) -> str:
    if name.endswith(FACTS):
        return f"wat er in {name.removesuffix(FACTS)} staat over datum, plaats en programma"
    return _DUTCH_SOURCES.get(name, name)


def what_of(event: Event, mailing: str) -> str:
    """``de uitnodiging voor Directeurendag``."""
    rule = rule_of(mailing)
    name = f"{rule.article} {rule.dutch}" if rule.dutch else f"de mailing '{mailing}'"
    return f"{name} voor {event.title}" if mailing == kind_of(mailing) else f"{name} ({mailing}) voor {event.title}"


def begin(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _mails(count: int) -> str:
    return "1 mail" if count == 1 else f"{count} mails"


def _people(count: int) -> str:
    return "1 lid" if count == 1 else f"{count} leden"


def _approve(event: Event, mailing: str) -> str:
    return f"mkwmail schedule {event.id} {typed_name(mailing)}"


def changed(event: Event, mailings: Sequence[str], differences: Sequence[Difference]) -> Notice:
    """Return the notice that mailings changed after their approval.

    So they are not sent.
    """
    words = {"event": event.id, "mailings": ", ".join(map(shown_name, mailings))}
    sources = join_words([_dutch_source(difference.source) for difference in differences])
    # Another change is a new notice; the new approval of one of the mailings is not.
    version = hashlib.sha256(repr(differences).encode()).hexdigest()[:16]
    return Notice(
        name=f"changed:{event.id}:{version}",
        code=ExitCode.SETTINGS,
        said=ngettext(
            "%(event)s: %(mailings)s was changed since it was approved, and is not sent",
            "%(event)s: %(mailings)s were changed since they were approved, and are not sent",
            len(mailings),
        )
        % words,
        dutch=f"Dit gaat niet uit: {join_words([what_of(event, mailing) for mailing in mailings])}. Sinds de "
        f"goedkeuring is er iets veranderd: {sources}. Kijk het na en keur het opnieuw goed.",
        remedy=f"mkwmail schedule {event.id} {' '.join(map(typed_name, mailings))}",
        details=tuple(line for difference in differences for line in (difference.what, *difference.lines)),
    )


def added(event: Event, mailing: str, names: Sequence[str]) -> Notice:
    """Return the notice that many people joined the list after the approval.

    There are too many to mail them without a new approval.
    """
    words = {"event": event.id, "mailing": shown_name(mailing), "mails": mails(len(names)), "names": some(names)}
    return Notice(
        name=f"added:{event.id}:{mailing}",
        code=ExitCode.SETTINGS,
        said=ngettext(
            "%(event)s: %(mails)s of %(mailing)s waits for your approval: many joined the list (%(names)s)",
            "%(event)s: %(mails)s of %(mailing)s wait for your approval: many joined the list (%(names)s)",
            len(names),
        )
        % words,
        dutch=f"{begin(what_of(event, mailing))} wacht voor {len(names)} leden die na de goedkeuring in de ledenlijst "
        "kwamen: dat zijn er veel. Klopt de lijst, keur het dan opnieuw goed.",
        remedy=_approve(event, mailing),
    )


def unsettled(event: Event, names: Sequence[str]) -> Notice:
    """Return the notice that sign-ups are to be settled."""
    count = len(names)
    words = {"event": event.id, "n": count, "names": some(names)}
    many = "Er is 1 aanmelding" if count == 1 else f"Er zijn {count} aanmeldingen"
    return Notice(
        name=f"unsettled:{event.id}:{hashlib.sha256(repr(sorted(names)).encode()).hexdigest()[:16]}",
        code=ExitCode.WAITING,
        said=ngettext(
            "%(event)s: %(n)d sign-up is to be settled: %(names)s",
            "%(event)s: %(n)d sign-ups are to be settled: %(names)s",
            count,
        )
        % words,
        dutch=f"{many} voor {event.title} nog uit te zoeken: {some(names)}. Tot dan krijgen zij geen herinnering.",
        remedy=f"mkwmail answers list {event.id}",
    )


def shrunk(event: Event, mailing: str, gone: int) -> Notice:
    """Return the notice that many people left the list after the approval.

    There are so many that the list itself is doubtful.
    """
    words = {"event": event.id, "mailing": shown_name(mailing), "n": gone}
    return Notice(
        name=f"shrunk:{event.id}:{mailing}",
        code=ExitCode.SETTINGS,
        said=_("%(event)s: %(mailing)s is not sent: %(n)d members have left the list since it was approved") % words,
        dutch=f"{begin(what_of(event, mailing))} gaat niet uit: sinds de goedkeuring zijn {gone} leden uit de "
        "ledenlijst verdwenen. Klopt de lijst, keur het dan opnieuw goed.",
        remedy=_approve(event, mailing),
    )


def renamed(event: Event, mailing: str, earlier: Former) -> Notice:
    """Return the notice that a mailing was probably sent under another name.

    The mailing or the event had the other name. It is not sent until a person decides.
    """
    count, day = len(earlier.persons), date_in_words(earlier.last.date())
    words = {
        "event": event.id,
        "mailing": shown_name(mailing),
        "members": members(count),
        "day": day_in_words(earlier.last),
    }
    words["earlier"] = earlier.mailing or earlier.event
    if earlier.mailing:
        sentence = _(
            "%(event)s: %(mailing)s is not sent: %(earlier)s was mailed to %(members)s, last on %(day)s, and is not in "
            "the event file any more; it looks like the same mailing"
        )
        dutch = (
            f"'{earlier.mailing}' is verstuurd aan {_people(count)}, voor het laatst op {day}, en staat niet meer in "
            "het evenement. Is dit dezelfde mailing? Geef die dan de oude naam terug. Is dit een andere mailing? Typ "
            "dan de opdracht en antwoord ja."
        )
    else:
        sentence = _(
            "%(event)s: %(mailing)s is not sent: %(earlier)s was mailed to %(members)s, last on %(day)s, and no event "
            "file has that id any more; it looks like the same event"
        )
        dutch = (
            f"Over '{earlier.event}' is al gemaild aan {_people(count)}, voor het laatst op {day}, en dat id staat in "
            "geen enkel bestand meer. Is dit hetzelfde evenement? Zet dan het oude id terug. Is dit een ander "
            "evenement? Typ dan de opdracht en antwoord ja."
        )
    return Notice(
        name=f"renamed:{event.id}:{mailing}:{earlier.event}:{earlier.mailing}",
        code=ExitCode.SETTINGS,
        said=sentence % words,
        dutch=f"{begin(what_of(event, mailing))} wordt niet verstuurd. {dutch}",
        remedy=_approve(event, mailing),
    )


def unsure(event: Event, mailing: str, since: datetime, until: datetime) -> Notice:
    """Return the notice that a mailing may have been sent already.

    The ledger was put back from a backup that knows nothing of that time.
    """
    words = {
        "event": event.id,
        "mailing": shown_name(mailing),
        "since": day_and_time(since),
        "until": day_and_time(until),
    }
    said = _(
        "%(event)s: %(mailing)s is not sent: it may have been sent between %(since)s and %(until)s, and "
        "the restored backup has no record of that time"
    )
    dutch = (
        f"{begin(what_of(event, mailing))} wordt niet verstuurd. Misschien is dat al gebeurd, voordat het logboek uit "
        "een back-up werd teruggezet. Typ de opdracht en beantwoord de vraag."
    )
    return Notice(
        name=f"unsure:{event.id}:{mailing}",
        code=ExitCode.SETTINGS,
        said=said % words,
        dutch=dutch,
        remedy=send_command(event.id, mailing),
    )


def missed(event: Event, mailing: str, names: Sequence[str], latest: datetime) -> Notice:
    """Return the notice that a mailing missed its latest moment.

    Not everybody had got it by then. A mailing is never sent too late.
    """
    words = {"event": event.id, "mailing": shown_name(mailing), "n": len(names), "names": some(names)}
    words |= {"latest": day_and_time(latest)}
    sentence = ngettext(
        "%(event)s: %(n)d mail of %(mailing)s was not sent before its latest moment, %(latest)s: %(names)s",
        "%(event)s: %(n)d mails of %(mailing)s were not sent before its latest moment, %(latest)s: %(names)s",
        len(names),
    )
    return Notice(
        name=missed_name(event, mailing, latest),
        code=ExitCode.REFUSED,
        said=sentence % words,
        dutch=f"{begin(what_of(event, mailing))} is voor {len(names)} leden niet op tijd verstuurd: het uiterste "
        f"moment was {date_in_words(latest.date())}. Later versturen doet mkwmail niet uit zichzelf. Moet het toch, "
        "zet dan een later moment in het evenement (latest) en keur het opnieuw goed; trek anders de goedkeuring in.",
        remedy=f"{_approve(event, mailing)} --withdraw",
    )


def missed_name(event: Event, mailing: str, latest: datetime) -> str:
    """Return the name of the notice about a mailing's latest moment.

    Under this name it is kept that this moment was dealt with.
    """
    return f"missed:{event.id}:{mailing}:{latest.isoformat()}"


def passed_over(event: Event, mailing: str, by: str) -> Notice:
    """Return the notice that a later mailing makes this one pointless.

    A reminder right after an invitation is only postponed.
    """
    words = {"event": event.id, "mailing": shown_name(mailing), "by": shown_name(by)}
    sentence = _("%(event)s: %(mailing)s is left out, because %(by)s is due too or was sent") % words
    name, later = f"once:passed:{event.id}:{mailing}", ""
    if rule_of(by).invites and rule_of(mailing).reminds:
        sentence = _(
            "%(event)s: %(mailing)s is not sent so soon after %(by)s: it is sent in three days, to those "
            "who have not answered"
        )
        sentence %= words
        name = f"once:behind:{event.id}:{mailing}"
        later = " Wie na drie dagen niets liet horen, krijgt die dan alsnog."
    return Notice(
        name=name,
        code=ExitCode.OK,
        said=sentence,
        dutch=f"{begin(what_of(event, mailing))} is overgeslagen, want {what_of(event, by)} is nu ook aan de beurt "
        f"of al weg.{later}",
        once=True,
    )


def tomorrow(event: Event, mailing: str, count: int, goes: datetime, last_answer: datetime | None) -> Notice:
    """Return the notice that a reminder is sent tomorrow.

    It says when answers were last recorded, so that the secretary can import new ones first.
    """
    words = {"event": event.id, "mailing": shown_name(mailing), "mails": mails(count), "time": clock_time(goes)}
    if last_answer is None:
        sentence = ngettext(
            "%(event)s: %(mails)s of %(mailing)s is sent tomorrow at %(time)s; no answers were recorded",
            "%(event)s: %(mails)s of %(mailing)s are sent tomorrow at %(time)s; no answers were recorded",
            count,
        )
        answers = "Er zijn nog geen aanmeldingen ingelezen."
    else:
        words["day"] = day_in_words(last_answer)
        sentence = ngettext(
            "%(event)s: %(mails)s of %(mailing)s is sent tomorrow at %(time)s; the last answers are from %(day)s",
            "%(event)s: %(mails)s of %(mailing)s are sent tomorrow at %(time)s; the last answers are from %(day)s",
            count,
        )
        answers = f"De laatste aanmeldingen zijn ingelezen op {date_without_year(last_answer.date())}."
    return Notice(
        name=f"once:tomorrow:{event.id}:{mailing}:{goes:%Y-%m-%d}",
        code=ExitCode.OK,
        said=sentence % words,
        dutch=f"Morgen om {time_in_words(goes.time())} gaat {what_of(event, mailing)} uit: {_mails(count)}. {answers}",
        remedy=f"mkwmail answers import {event.id} {_('FILE')}",
        once=True,
    )


def in_doubt(event: Event, mailing: str, names: Sequence[str]) -> Notice:
    """Return the notice that mails are in doubt."""
    words = {"event": event.id, "mailing": shown_name(mailing), "mails": mails(len(names)), "names": some(names)}
    return Notice(
        name=f"in doubt:{event.id}:{mailing}",
        code=ExitCode.IN_DOUBT,
        said=ngettext(
            "%(event)s: %(mails)s of %(mailing)s is in doubt: %(names)s",
            "%(event)s: %(mails)s of %(mailing)s are in doubt: %(names)s",
            len(names),
        )
        % words,
        dutch=f"Van {what_of(event, mailing)} is van {_mails(len(names))} onzeker of die is aangekomen "
        f"({some_dutch(names)}). Of die opnieuw moet, kan mkwmail niet weten.",
        remedy=f"mkwmail resolve {event.id}",
    )


def refused(event: Event, mailing: str, names: Sequence[str]) -> Notice:
    """Return the notice that the server refused mails permanently."""
    words = {"event": event.id, "mailing": shown_name(mailing), "mails": mails(len(names)), "names": some(names)}
    return Notice(
        name=f"refused:{event.id}:{mailing}",
        code=ExitCode.REFUSED,
        said=ngettext(
            "%(event)s: %(mails)s of %(mailing)s was refused: %(names)s",
            "%(event)s: %(mails)s of %(mailing)s were refused: %(names)s",
            len(names),
        )
        % words,
        dutch=f"Van {what_of(event, mailing)} is {_mails(len(names))} geweigerd ({some_dutch(names)}). Verbeter het "
        "adres in de ledenlijst, of vul daar 'niet mailen' in.",
        remedy=f"mkwmail resolve {event.id}",
    )


def by_hand(event: Event, mailing: str, count: int) -> Notice:
    """Return the notice that deferred mails can be sent by hand only."""
    words = {"event": event.id, "mailing": shown_name(mailing), "mails": mails(count)}
    return Notice(
        name=f"by hand:{event.id}:{mailing}",
        code=ExitCode.WAITING,
        said=ngettext(
            "%(event)s: %(mails)s of %(mailing)s is still to be sent, and only by hand",
            "%(event)s: %(mails)s of %(mailing)s are still to be sent, and only by hand",
            count,
        )
        % words,
        dutch=f"Van {what_of(event, mailing)} moet nog {_mails(count)} uit. Die verstuurt mkwmail niet uit zichzelf.",
        remedy=send_command(event.id, mailing),
    )


def no_longer(event: Event, mailing: str) -> Notice:
    """Return the notice that an approved mailing left the event file."""
    words = {"event": event.id, "mailing": shown_name(mailing)}
    return Notice(
        name=f"no longer:{event.id}:{mailing}",
        code=ExitCode.SETTINGS,
        said=_("%(event)s: %(mailing)s was approved, and is no longer in the event file: it is not sent") % words,
        dutch=f"{begin(what_of(event, mailing))} is goedgekeurd, maar staat niet meer in het evenement. Nu "
        "gaat er niets uit.",
        remedy=f"{_approve(event, mailing)} --withdraw",
    )


def no_event(event: str, mailings: Sequence[str]) -> Notice:
    """Return the notice that the file of an approved event is gone."""
    words = {"event": event, "mailings": ", ".join(map(shown_name, mailings))}
    return Notice(
        name=f"no event:{event}",
        code=ExitCode.SETTINGS,
        said=_("%(event)s: its file is gone from events/, but this was approved: %(mailings)s") % words,
        dutch=f"Het bestand van {event} staat niet meer in de map events; goedgekeurd was: {', '.join(mailings)}. "
        "Zet het terug.",
    )


def faulty(name: str, code: ExitCode, faults: Sequence[Fault], what: str, dutch: str) -> Notice:
    """Return the notice that a file or a setting is faulty.

    ``what`` and ``dutch`` say which mail is not sent because of that.
    """
    return Notice(
        name=f"faulty:{name}",
        code=code,
        said=what,
        dutch=f"{dutch} Het programma meldt:",
        details=tuple(str(fault) for fault in faults[:8]),
        quoted=True,
    )


def doubtful(names: Sequence[str]) -> Notice:
    """Return the notice about rows of the list with a doubtful person."""
    return Notice(
        name="doubtful",
        code=ExitCode.WAITING,
        said=_("it is doubtful who these are, so they are not mailed: %(names)s") % {"names": some(names)},
        dutch=f"Van {len(names)} regels in de ledenlijst is onduidelijk wie het zijn; zij krijgen niets "
        f"({some_dutch(names)}). Verstuur een keer met de hand: dan vraagt mkwmail het.",
    )


def slipped(index: MemberIndex) -> Notice | None:
    """Return the notice that names, or assistants, are in other members' rows, so nothing is sent; None if not."""
    if not index.slipped:
        return _copies_slipped(misplaced_names(index)) if copies_have_slipped(index) else None
    examples = changed_names(index.slipped)
    count = len(examples)
    said = ngettext(
        "nothing is sent: %(n)d address of the list has the name of another member now: %(examples)s",
        "nothing is sent: %(n)d addresses of the list have the names of other members now: %(examples)s",
        count,
    )
    begin = "Bij 1 adres staat" if count == 1 else f"Bij {count} adressen staat"
    names = some_dutch([each.split(" <")[0] for each in examples])
    return Notice(
        name="slipped",
        code=ExitCode.SETTINGS,
        said=said % {"n": count, "examples": some(examples)},
        dutch=f"Er wordt niets verstuurd. {begin} in de ledenlijst nu de naam van een ander lid ({names}). "
        "Waarschijnlijk is er maar één kolom gesorteerd. Zet de namen weer bij hun eigen adres; daarna verstuurt "
        "mkwmail weer.",
    )


def _copies_slipped(examples: Sequence[str]) -> Notice:
    count = len(examples)
    said = ngettext(
        "nothing is sent: %(n)d assistant is in the row of another organisation's member: %(examples)s",
        "nothing is sent: %(n)d assistants are in the rows of other organisations' members: %(examples)s",
        count,
    )
    return Notice(
        name="copies slipped",
        code=ExitCode.SETTINGS,
        said=said % {"n": count, "examples": some(examples)},
        dutch=f"Er wordt niets verstuurd. In de kolom ‘kopie aan’ staan {count} assistenten bij een lid van een andere "
        f"organisatie ({some_dutch(examples)}). Waarschijnlijk is die kolom apart gesorteerd. Zet de adressen weer bij "
        "hun eigen lid; daarna verstuurt mkwmail weer.",
    )


def replacing(examples: Sequence[str]) -> Notice:
    """Return the notice about members with a new name in somebody's place, who wait for an answer."""
    count = len(examples)
    said = ngettext(
        "%(n)d member may be a successor and is not mailed until `send` or `schedule` has asked you: %(examples)s",
        "%(n)d members may be successors and are not mailed until `send` or `schedule` has asked you: %(examples)s",
        count,
    )
    begin = "1 lid staat" if count == 1 else f"{count} leden staan"
    names = [each.split(" <")[0] for each in examples]
    return Notice(
        name="replacing",
        code=ExitCode.WAITING,
        said=said % {"n": count, "examples": some(examples, 12)},
        dutch=f"{begin} in de ledenlijst met een nieuwe naam op de plaats van iemand anders "
        f"({some_dutch(names, 12)}). Is dat een opvolger, of dezelfde persoon met een andere naam? mkwmail stelt die "
        "vraag één keer, zodra je met de hand verstuurt of een mailing goedkeurt. Tot dan wachten alleen deze leden.",
    )


def moved_to_others(examples: Sequence[str]) -> Notice:
    """Return the notice about members whose rows have another member's address now."""
    said = ngettext(
        "%(n)d member has the address of another row now, and gets no mail of their own: %(examples)s",
        "%(n)d members have the addresses of other rows now, and get no mail of their own: %(examples)s",
        len(examples),
    )
    begin = "1 lid heeft" if len(examples) == 1 else f"{len(examples)} leden hebben"
    names = some_dutch([each.split(" (")[0] for each in examples])
    return Notice(
        name=f"once:moved to others:{hashlib.sha256(repr(sorted(examples)).encode()).hexdigest()[:16]}",
        code=ExitCode.OK,
        said=said % {"n": len(examples), "examples": some(examples)},
        dutch=f"{begin} in de ledenlijst nu het adres van een ander lid ({names}). Naar zo’n adres wordt één mail "
        "verstuurd. Kloppen de adressen? Zo niet, verbeter dan de ledenlijst.",
        once=True,
    )


def stopped(code: ExitCode, reason: str, remedy: str) -> Notice:
    """Return the notice that server, login or disk stopped the run."""
    return Notice(
        name=f"stopped:{int(code)}",
        code=code,
        said=reason,
        dutch=f"Het versturen is gestopt. Het programma meldt: {reason}",
        remedy=remedy,
    )


def other_computer() -> Notice:
    """Return the notice that the ledger belongs to another computer."""
    return Notice(
        name="other computer",
        code=ExitCode.SETTINGS,
        said=_("this ledger was made or last used on another computer: nothing is sent automatically here"),
        dutch="Deze map hoort bij een andere computer: vanaf deze computer gaat niets vanzelf uit. Is de map voorgoed "
        "verhuisd, verstuur dan een keer met de hand; moet het hier niet, haal dan de crontab-regel weg "
        "(mkwmail schedule … --uninstall).",
        remedy=_("if it has moved here for good, type `mkwmail send …` once; if not: mkwmail schedule … --uninstall"),
    )


def no_ledger(code: ExitCode, fault: Fault) -> Notice:
    """Return the notice that the ledger is a copy or an older version.

    Or it is not known how far the ledger has got.
    """
    said = f"{fault.place}: {fault.fault}" if fault.place else fault.fault
    return Notice(
        name=f"ledger:{fault.fault}",
        code=code,
        said=said,
        dutch=f"Uit deze map wordt niets automatisch verstuurd. Het programma meldt: {said}",
        remedy=fault.remedy,
    )


def no_backup(fault: Fault) -> Notice:
    """Return the notice that the ledger could not be copied after a mailing."""
    return Notice(
        name="no backup",
        code=ExitCode.OK,
        said=_("no backup could be made: %(why)s") % {"why": fault},
        dutch=f"mkwmail heeft gemaild, maar kon daarna geen reservekopie van het logboek maken. Het programma meldt: "
        f"{fault.fault}",
        remedy=fault.remedy,
    )


def moved(before: Path, now: Path) -> Notice:
    """Return the notice that the folder moved after the last mailing.

    The user does not have to do anything.
    """
    return Notice(
        name=f"once:moved:{before}:{now}",
        code=ExitCode.OK,
        said=_("this folder was moved here from %(before)s, and mkwmail continues here") % {"before": before},
        dutch=f"Deze map stond eerst in {before} en staat nu in {now}. mkwmail gaat hier verder.",
        once=True,
    )


def held(words: str, since: datetime) -> Notice:
    """Return the notice that another run has held the ledger for long."""
    return Notice(
        name="held",
        code=ExitCode.LEDGER_HELD,
        said=words,
        dutch=f"Er loopt sinds {since:%H.%M} uur een andere mkwmail in deze map, misschien een `send` die op antwoord "
        "wacht. Zolang die loopt, gaat niets vanzelf uit.",
    )


def some_dutch(names: Sequence[str], shown: int = 3) -> str:
    """Return in Dutch the first names, and how many more there are."""
    if len(names) <= shown + 1:
        return ", ".join(names)
    return f"{', '.join(names[:shown])} en {len(names) - shown} anderen"
