"""``restore``: put a backup of the ledger back.

What was sent is never taken back: if the ledger can be read, a backup gives only the answers and decisions. If it is
gone, damaged or an older copy, a backup replaces it; if that lacks mail, everybody who may have got one is in doubt.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from mkwmail.clock import ZONE, day_and_time
from mkwmail.commands.context import Invocation, Sources, folder_of, history_of, open_ledger, read_list, roll_of
from mkwmail.commands.prompts import agreed, choose, refuse_without_terminal
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.kinds import (
    Audience,
    in_order,
    kinds_without_entry,
    latest_of,
    mailing_named,
    rule_of,
    shown_name,
    typed_name,
)
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.files import state_folder
from mkwmail.i18n import _, mails, ngettext
from mkwmail.ledger import backups, deliveries, erasure, journal, last_seen, rounds, runs
from mkwmail.ledger.database import read_only
from mkwmail.ledger.ledger import Ledger, wire_path
from mkwmail.ledger.models import Claim, Facts
from mkwmail.mail.compose import message_id
from mkwmail.planning.audience import History, audience_of
from mkwmail.planning.facts import facts_of
from mkwmail.planning.member_index import listed, plan_for
from mkwmail.planning.plan import Plan
from mkwmail.report.terminal import Terminal


def restore(invocation: Invocation, file: Path | None, *, yes: bool = False) -> ExitCode:
    """Put a backup back; without a file, the newest one.

    ``file`` is relative to the current folder, or else to the working folder.

    :raises UserError: code USAGE if there is no backup, or if it is not one of this folder's ledger; code SETTINGS if
        the folder was handed over.
    """
    terminal, folder, now = invocation.terminal, folder_of(invocation), invocation.clock.now()
    ledger, named = folder.ledger_path(invocation.shifted), folder.id_path(invocation.shifted)
    name = named.read_text("ascii", "replace").strip() if named.is_file() else ""
    copy = _chosen(folder, ledger, file)
    newest = backups.newest_attempt_in(copy, name)
    if newest is None:
        fault = _("%(file)s is not a backup of this folder's ledger, or it is damaged") % {"file": folder.shown(copy)}
        raise user_error("", fault, _("choose another one: mkwmail restore FILE"), code=ExitCode.USAGE)
    refuse_without_terminal(terminal, yes)
    terminal.say(_("The backup: %(file)s, of %(moment)s") % {"file": folder.shown(copy), "moment": _made(copy)}, "bold")
    present = backups.newest_attempt_in(ledger, name)
    if present is None or _is_older(ledger, present):
        return _replace(invocation, folder, ledger, copy, newest, yes)
    terminal.say(_("The ledger can be read, so everything that was sent stays as it is."))
    terminal.say(_("Answers, sign-ups, calls and `skip` become what they were then."))
    if not agreed(terminal, _("Put them back? y/n:"), yes):
        return ExitCode.INTERRUPTED
    with open_ledger(invocation, folder) as opened, opened.hold("restore", now):
        runs.refuse_closed(opened.database)
        opened.settle(now)
        settings, then = read_settings(folder).backup, backups.responses_in(copy)
        made = backups.make(opened.database, opened.id, folder.backups_to(settings.to), settings.keep, now)
        backups.put_back(opened.database, opened.secret, then)
    terminal.say(_("Restored. How it was before: %(file)s") % {"file": folder.shown(made)})
    return ExitCode.OK


def _chosen(folder: WorkingFolder, ledger: Path, file: Path | None) -> Path:
    if file is not None:
        # A path as this program prints it is relative to the working folder.
        for path in (file, folder.path / file):
            if path.is_file():
                return path.resolve()
        raise user_error("", _("there is no file %(file)s"), code=ExitCode.USAGE, file=file)
    places = {folder.backups_dir}
    with suppress(UserError):  # faulty settings must not keep anybody from a backup
        places.add(folder.backups_to(read_settings(folder).backup.to))
    every = [each for place in places for each in backups.found(place, ledger)]
    if not every:
        fault = _("there is no backup in %(folder)s")
        raise user_error("", fault, _("name one: mkwmail restore FILE"), code=ExitCode.USAGE, folder=folder.backups_dir)
    return max(every, key=lambda each: each.name).resolve()


def _made(copy: Path) -> str:
    """Return when a backup was made: its name says it, unless it has another name now."""
    with suppress(ValueError):
        return day_and_time(datetime.strptime(copy.stem[-17:], "%Y-%m-%d-%H%M%S").replace(tzinfo=ZONE))
    return day_and_time(datetime.fromtimestamp(copy.stat().st_mtime, ZONE))


def _replace(
    invocation: Invocation, folder: WorkingFolder, ledger: Path, copy: Path, newest: int, yes: bool
) -> ExitCode:
    """Put a backup in the place of a ledger that is gone, damaged or older than mail that was sent.

    By the note outside the folder it has every mail; or else everybody who may have got one is in doubt.
    """
    terminal, now = invocation.terminal, invocation.clock.now()
    seen, known = _seen(copy)
    if seen is not None and seen.token.startswith(runs.HANDED_OVER) and not known:
        fault = _("this folder was handed over, and this backup is from before that")
        remedy = _("send where it was taken over; if that is lost too, take the file of the handover over again")
        raise user_error("", fault, remedy, code=ExitCode.SETTINGS)
    whole = seen is not None and known and seen.claim <= newest
    lost = () if whole else _lost_mailings(folder, copy, now)
    if whole:
        terminal.say(_("The ledger is gone or damaged. This backup has every mail that was sent."))
    else:
        terminal.say(_("The ledger is gone or damaged, and mail may have been sent that this backup does not have."))
        terminal.say(_("It is then in doubt for everybody who may have got it; they get nothing until you decide."))
    if not agreed(terminal, _("Replace the ledger with it? y/n:"), yes):
        return ExitCode.INTERRUPTED
    damaged = ledger.exists()
    left = journal.read(wire_path(ledger))
    with runs.held(ledger, "restore", now):
        for path in (ledger, ledger.with_name(f"{ledger.name}-wal"), ledger.with_name(f"{ledger.name}-shm")):
            if path.exists():
                os.replace(path, path.with_name(f"{path.name}.damaged"))
        backups.copy_durably(copy, ledger)
    kept = _("Restored. The damaged ledger is kept as %(file)s.") % {"file": f"{ledger.name}.damaged"}
    if whole:
        terminal.say(kept if damaged else _("Restored."))
        return ExitCode.OK
    used = max(newest, seen.claim if seen else newest + _UNKNOWN, left.newest if left else 0)
    with open_ledger(invocation, folder) as opened, opened.hold("restore", now):
        with opened.database.transaction():
            deliveries.continue_above(opened.database, used)
            doubtful = {each.sources.event.id: _doubt(opened, each, now) for each in lost}
        # Before this the ledger counts as older: nothing is sent from it.
        opened.keep_restored()
    terminal.say(kept if damaged else _("Restored."))
    return _say_lost(terminal, lost, doubtful)


_UNKNOWN = 1_000_000  # more mails than were ever sent since a backup, if there is no note of how many


def _seen(copy: Path) -> tuple[last_seen.LastSeen | None, bool]:
    """Return the note of the ledger that a backup is of, and whether the backup has its last run."""
    rows = read_only(copy, "SELECT id FROM ledger") or [("",)]
    seen = last_seen.read(state_folder(), str(rows[0][0]))
    tokens = {str(row[0]) for row in read_only(copy, "SELECT token FROM runs WHERE token IS NOT NULL") or ()}
    return seen, seen is not None and seen.token in tokens


def _is_older(ledger: Path, newest: int | None) -> bool:
    """Check whether a ledger that can be read is an older copy, so that it must be put back like a lost one."""
    if newest is None:
        return False
    seen, known = _seen(ledger)
    return seen is not None and seen.ledger == ledger and not (known and seen.claim <= newest)


class _Lost(NamedTuple):
    """An event, and its mailings that may have been sent since a backup.

    ``sent``: those whose moment has come. ``unsure``: those that a person may have sent by hand, and those whose
    audience depends on answers that are lost too.
    """

    sources: Sources
    since: datetime
    sent: tuple[str, ...]
    unsure: tuple[str, ...]


def _lost_mailings(folder: WorkingFolder, copy: Path, now: datetime) -> tuple[_Lost, ...]:
    """Return the mailings that may have been sent since a backup was made.

    :raises UserError: if a file cannot be read: who was mailed from it is not known then.
    """
    since = backups.last_use(copy) or now
    settings = read_settings(folder)
    members = read_list(folder, settings, skip_faulty=True)
    found = []
    for path in folder.event_paths():
        read = read_event(path, folder)
        event = read.value
        open_ones = [name for name in (*in_order(event), *kinds_without_entry()) if latest_of(event, name) >= since]
        due = [name for name in open_ones if (send := mailing_named(event, name).send) is not None and send <= now]
        sent = tuple(name for name in due if not rule_of(name).confirms)
        unsure = tuple(
            name
            for name in dict.fromkeys(open_ones)
            if name not in sent or audience_of(event, name) is not Audience.EVERYONE
        )
        found.append(_Lost(Sources(folder, settings, path, event, members, read.warnings), since, sent, unsure))
    return tuple(found)


def _doubt(ledger: Ledger, lost: _Lost, now: datetime) -> Mapping[str, int]:
    """Put everybody in doubt who may have been mailed about an event; return mailing → how many mails."""
    event, database = lost.sources.event, ledger.database
    index = roll_of(lost.sources.members, ledger)
    ledger.record_persons(listed(index), now)
    history = history_of(ledger, event)
    begun = [each.round.mailing for each in history.deliveries if each.round.mailing in lost.sent]
    # One that a later one had overtaken by then was hardly sent: a question is enough.
    last = max((lost.sent.index(name) for name in begun), default=0)
    overtaken = [name for number, name in enumerate(lost.sent) if number < last and name not in begun]
    plans = [plan_for(event, name, index, history, now) for name in lost.sent if name not in overtaken]
    counts = {plan.round.mailing: _put_in_doubt(ledger, lost.sources, plan, history, now) for plan in plans}
    unsure = dict.fromkeys((*lost.unsure, *overtaken))
    rounds.record_unsure(database, [rounds.Unsure(event.id, name, lost.since, now) for name in unsure])
    return {name: count for name, count in counts.items() if count}


def _put_in_doubt(ledger: Ledger, sources: Sources, plan: Plan, history: History, now: datetime) -> int:
    """Put everybody in doubt who is still planned in a mailing; return how many."""
    event, of, telling = sources.event, plan.round, history.telling
    # The Message-ID of a first try is known: if a report refers to it, the mail was sent.
    domain = sources.settings.sender.email.rpartition("@")[2]
    tries = {each.person: each.tries for each in history.deliveries if each.round == of}
    # Everybody who was told older facts gets the update, and so is not left with those.
    version = max(len(telling.versions) - 1, 0)
    document = (telling.versions[version] if telling.versions else facts_of(event)).document()
    facts = Facts(version, document, telling.method)
    claims = [
        Claim(
            *(each.person, each.address, erasure.no_letter(ledger.database), {}),
            message_id(ledger.secret, of.event, of.mailing, of.edition, each.person, tries.get(each.person, 0), domain),
            *(now, "", tries.get(each.person, 0) + 1, facts),
        )
        for each in (*plan.to_send, *plan.waiting, *plan.expired)
        if each.person and each.address and not each.doubt
    ]
    reason = _("the ledger was restored from a backup made before this mailing")
    return deliveries.put_in_doubt(ledger.database, of, claims, reason, now, ledger.run)


def ask_if_sent(invocation: Invocation, ledger: Ledger, sources: Sources, plan: Plan, history: History) -> None:
    """Ask whether a mailing was sent in the time of which a restored backup knows nothing.

    The answer is remembered.

    :raises UserError: code SETTINGS without an answer; code IN_DOUBT if it was sent: everybody still planned is in
        doubt then.
    """
    event, mailing, terminal = sources.event, plan.round.mailing, invocation.terminal
    found = rounds.unsure(ledger.database, event.id, mailing)
    if found is None or not plan.to_send:
        return
    fault = unsure_words(found)
    words = {"event": event.id, "mailing": typed_name(mailing)}
    answer = ""
    if terminal.interactive:
        terminal.note(f"{fault}.", "warning")
        answer = choose(terminal, _("Was it sent then? y/n:"), ["y", "j", "yes", "ja", "n", "no", "nee"])
    if not answer:
        remedy = _("answer the question of `mkwmail send %(event)s %(mailing)s` in a terminal") % words
        raise user_error("", fault, remedy, code=ExitCode.SETTINGS)
    with ledger.database.transaction():
        rounds.make_sure(ledger.database, event.id, mailing)
        if answer.startswith("n"):
            return
        count = _put_in_doubt(ledger, sources, plan, history, invocation.clock.now())
    remedy = _("decide with mkwmail resolve %(event)s")
    raise user_error("", _("in doubt now: %(mails)s"), remedy, code=ExitCode.IN_DOUBT, mails=mails(count), **words)


def unsure_words(found: rounds.Unsure) -> str:
    """Return why it is not certain whether a mailing was sent."""
    words = {"event": found.event, "mailing": shown_name(found.mailing)}
    words |= {"since": day_and_time(found.since), "until": day_and_time(found.until)}
    return (
        _(
            "%(event)s: %(mailing)s may have been sent between %(since)s and %(until)s: the ledger was "
            "restored from a backup, and has no record of that time"
        )
        % words
    )


def _say_lost(terminal: Terminal, lost: Sequence[_Lost], doubtful: Mapping[str, Mapping[str, int]]) -> ExitCode:
    count = sum(sum(each.values()) for each in doubtful.values())
    if count:
        terminal.say(
            ngettext("In doubt now: %(n)d mail.", "In doubt now: %(n)d mails.", count) % {"n": count}, "warning"
        )
    for event, each in doubtful.items():
        if each:
            names = ", ".join(f"{name} ({number})" for name, number in each.items())
            words = {"event": event, "names": names}
            terminal.say(_("  %(event)s: %(names)s; decide with mkwmail resolve %(event)s") % words)
    if any(each.unsure for each in lost):
        terminal.say(_("Before any other mailing `send` asks once whether it was sent already."))
    terminal.say(_("Answers and decisions since the backup are lost: import them again."))
    return ExitCode.IN_DOUBT if count else ExitCode.OK
