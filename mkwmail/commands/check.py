"""``check``: everything that can be found out before sending."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from mkwmail.auth.credentials import credential_for
from mkwmail.clock import day_and_time, moment_from
from mkwmail.commands.approved_sources import changed, correcting_of, earlier_text_of
from mkwmail.commands.compose_mailing import OutgoingMail, composer_of, enclosed, variants
from mkwmail.commands.context import (
    Invocation,
    Sources,
    folder_of,
    history_of,
    lacking,
    open_ledger,
    read_sources,
    server_of,
)
from mkwmail.commands.prompts import former_faults, former_names
from mkwmail.config.folder import TEMPLATE_ENDINGS, is_synchronised, shipped_templates
from mkwmail.config.kinds import in_order, latest_of, shown_name
from mkwmail.config.settings import Pace
from mkwmail.delivery import rate_limit as pacing
from mkwmail.dutch.dates import forms_in
from mkwmail.errors import ExitCode, Fault, UserError, fault_at
from mkwmail.files import read_bytes, text_of
from mkwmail.i18n import _, mails, members, ngettext, size, some
from mkwmail.ledger import deliveries, rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.mail.letter import Message
from mkwmail.mail.merge import PersonalFile
from mkwmail.mail.templates import Templates, names_template
from mkwmail.planning.audience import History
from mkwmail.planning.free_text import text_warnings
from mkwmail.planning.member_index import MemberIndex, due_mailings, identify_members, plan_for
from mkwmail.planning.oddities import (
    earlier_text_fault,
    event_warnings,
    list_notes,
    list_warnings,
    outdated_warnings,
    salutations,
    slipped_fault,
    unused_templates,
)
from mkwmail.planning.schedule import due_by_date, superseded
from mkwmail.planning.timetable import approval_warnings, moment_of, presumed
from mkwmail.report.checks import Checked, Findings, findings_value, show_findings
from mkwmail.report.recipients import plain_text
from mkwmail.report.terminal import duration, progress_bar

if TYPE_CHECKING:
    from mkwmail.delivery.smtp_client import ServerFacts

Labelled = tuple[tuple[str, str], ...]
NAME_SERVER = "MKWMAIL_NAME_SERVER"


def ask_server(invocation: Invocation, sources: Sources, largest: int) -> tuple[Labelled, list[Fault]]:
    """Log in, and return what the server accepts; nothing is sent.

    :raises UserError: if no session can be opened.
    """
    from mkwmail.delivery.smtp_client import probe

    smtp = server_of(sources.settings, invocation.shifted)
    sender = sources.settings.sender.email
    told = probe(smtp, credential_for(smtp, sources.folder.path), sender)
    faults = [*_too_large(told, largest), *sender_faults(told, sender)]
    facts = [*_words_of(told)]
    if sources.settings.mailbox is not None:
        from mkwmail.commands.inbox import try_mailbox

        try:
            count = try_mailbox(sources.settings, sources.folder)
            words = ngettext("%(n)d folder can be read", "%(n)d folders can be read", count) % {"n": count}
            facts.append((_("mailbox"), words))
        except UserError as error:
            faults += error.faults
    return tuple(facts), faults


def ask_domain(sources: Sources, selector: str | None) -> tuple[Labelled, tuple[Fault, ...]]:
    """Look up the sender's domain in the DNS: SPF, DKIM and DMARC.

    :raises UserError: code SERVER if no name server answers.
    """
    from mkwmail.delivery.dns_check import domain_records, name_server

    domain = sources.settings.sender.email.rpartition("@")[2]
    host = sources.settings.smtp.host if sources.settings.smtp else ""
    found = domain_records(domain, selector, host, name_server(os.environ.get(NAME_SERVER)))
    return (("SPF", found.spf), ("DKIM", found.dkim), ("DMARC", found.dmarc)), found.faults


def quota(sources: Sources, ledger: Ledger, mailings: Iterable[Checked], now: datetime) -> tuple[Labelled, list[Fault]]:
    """Return when the due mailings, or else the next one, will be done.

    This follows from the pace in the settings. Each mailing that will not be done in time gives a warning.
    """
    pace = sources.settings.pace
    due = [each for each in mailings if each.left]
    ahead = [each for each in mailings if each.ahead and each.count and each.send]
    facts, faults = [], []
    for each in due or ahead[:1]:
        start = now if each.left else each.send or now
        count = each.left or each.count
        moments = deliveries.sent_times(ledger.database, start - pacing.LONGEST_WINDOW)
        done = pacing.done_at(pace, moments, count, start)
        facts.append((shown_name(each.mailing), _in_words(pace, count, moment_from(now, done))))
        if done > latest_of(sources.event, each.mailing):
            fault = _("at this pace %(mailing)s will not be finished before its latest moment")
            remedy = _("send earlier, or ask the provider for a higher limit and set pace")
            faults.append(fault_at("mkwmail.yaml", fault, remedy, mailing=shown_name(each.mailing)))
    return tuple(facts), faults


def _in_words(pace: Pace, count: int, moment: str) -> str:
    limits = [
        _("%(count)d a minute") % {"count": pace.per_minute} if pace.per_minute else "",
        _("%(count)d an hour") % {"count": pace.per_hour} if pace.per_hour else "",
        _("%(count)d a day") % {"count": pace.per_day} if pace.per_day else "",
        _batches(pace),
    ]
    how_fast = ", ".join(filter(None, limits))
    if not how_fast:
        return _("%(mails)s, as fast as the server takes them") % {"mails": mails(count)}
    words = {"mails": mails(count), "pace": how_fast, "moment": moment}
    return _("%(mails)s at %(pace)s: done at %(moment)s") % words


def _batches(pace: Pace) -> str:
    if not pace.batch or not pace.pause:
        return ""
    words = {"count": pace.batch, "pause": duration(pace.pause)}
    return _("%(count)d at a time, with %(pause)s between") % words


def _words_of(told: "ServerFacts") -> Labelled:
    logged_in = _("logged in") if told.logged_in else _("no login asked for")
    encrypted = told.tls or _("not encrypted")
    limit = size(told.size) if told.size else _("no fixed limit")
    return (
        (_("Server"), f"{told.host}:{told.port}, {encrypted}, {logged_in}"),
        (_("Largest mail"), limit),
    )


def _too_large(told: "ServerFacts", largest: int) -> Iterator[Fault]:
    if told.size and largest > told.size:
        fault = _("the server takes mails up to %(limit)s, and these are %(size)s")
        words = {"limit": size(told.size), "size": size(largest)}
        yield Fault(told.host, fault % words, _("make the attachments smaller, or link to them"))


def sender_faults(told: "ServerFacts", sender: str) -> tuple[Fault, ...]:
    """Return the server's objections to mail from a sender."""
    from mkwmail.delivery.smtp_replies import Meaning, meaning, run_fault

    match meaning(told.sender):
        case Meaning.RUN:
            stops = run_fault(told.sender)
            return (Fault(told.host, stops.reason, stops.remedy),)
        case Meaning.REFUSED:
            words = {"sender": sender, "reply": str(told.sender)}
            fault = _("the server refuses a mail from %(sender)s to itself: %(reply)s") % words
            return (Fault(told.host, fault, _("check sender: email and smtp: username in mkwmail.yaml")),)
        case _:
            # A temporary reply says nothing about this sender.
            return ()


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The checks to do besides those of the files.

    ``server``: ask the mail server. ``domain``: ask name servers about the sender's domain; ``selector``: the
    selector of its DKIM key. ``salutations``: show how everybody is addressed, not only the odd ones.
    """

    server: bool = False
    domain: bool = False
    selector: str | None = None
    salutations: bool = False


_LARGE = 10_000_000  # octets of a message; many servers accept no more than 20 MB, some less


def check(
    invocation: Invocation, event: str, options: CheckOptions, *, skip_faulty: bool = False, json: bool = False
) -> ExitCode:
    """Print the faults and oddities of an event's mailings."""
    folder_of(invocation).event_path(event)
    try:
        findings = _looked_through(invocation, read_sources(invocation, event, skip_faulty), options)
    except UserError as error:
        findings = Findings(event, faults=error.faults, code=error.code)
    if json:
        invocation.terminal.document(findings_value(findings, options.salutations))
    else:
        with invocation.terminal.paged():
            show_findings(invocation.terminal, findings, options.salutations)
    return findings.code


def _looked_through(invocation: Invocation, sources: Sources, options: CheckOptions) -> Findings:
    event, now = sources.event, invocation.clock.now()
    faults: list[Fault] = []
    text = text_of(read_bytes(sources.event_path, sources.shown_event))
    warnings = [*sources.warnings, *event_warnings(event, sources.settings, sources.shown_event, text)]
    with open_ledger(invocation, sources.folder) as ledger:
        index = identify_members(sources.members.members, ledger.identify)
        history = history_of(ledger, event)
        warnings += list_warnings(sources.members, sources.settings.smtp, sources.shown_list, index, history)
        warnings += outdated_warnings(sources.event, sources.shown_event, index, history, now)
        warnings += _of_texts(sources, index, ledger, history, now)
        if index.slipped:
            faults.append(slipped_fault(index, sources.shown_list))
        due = due_mailings(event, index, history, now)
        mailings, templates = [], Templates(sources.folder.template_folders)
        for name in in_order(event):
            try:
                checked, odd = _mailing(invocation, sources, index, history, ledger, name, templates)
                mailings.append(replace(checked, left=due.get(name, 0)))
                warnings += odd
            except UserError as error:
                faults += error.faults
        if not faults:
            left = due | dict.fromkeys(superseded(event, due_by_date(event, now), history.deliveries), 0)
            differing = partial(changed, sources, ledger, history)
            warnings += approval_warnings(event, rounds.scheduled(ledger.database), left, differing, now)
        facts: list[tuple[str, str]] = []
        if options.server:
            times, late = quota(sources, ledger, mailings, now)
            facts += times
            warnings += late
    login = None if options.server else lacking(sources.settings, sources.folder.path)
    if login is not None:
        warnings.append(login)
    warnings += _synchronised(sources)
    code = ExitCode.FAULTY_FILE if faults else ExitCode.OK
    largest = max((each.largest for each in mailings), default=0)
    try:
        if options.server:
            told, wrong = ask_server(invocation, sources, largest)
            facts[:0] = told
            faults += wrong
        if options.domain:
            found, weak = ask_domain(sources, options.selector)
            facts += found
            warnings += weak
    except UserError as error:
        faults += error.faults
        code = code or error.code
    return Findings(
        event=event.id,
        title=f"{event.title}, {day_and_time(event.starts)}",
        faults=tuple(dict.fromkeys(faults)),
        warnings=tuple(dict.fromkeys(warnings)),
        notes=tuple(list_notes(sources.members, sources.shown_list, index, history)),
        mailings=tuple(mailings),
        salutations=salutations(sources.members.members, sources.settings.form),
        server=tuple(facts),
        code=code or (ExitCode.FAULTY_FILE if faults else ExitCode.OK),
    )


def _unused_templates(sources: Sources) -> Iterator[Fault]:
    """Yield the files in ``templates/`` that no event of the folder uses."""
    folder = sources.folder
    if not folder.templates_dir.is_dir():
        return
    own = [path for path in folder.templates_dir.iterdir() if path.suffix in TEMPLATE_ENDINGS and path.is_file()]
    own = [path for path in own if not path.name.startswith((".", "~"))]
    # Other events may be faulty, so that their files are searched for the name, and not read.
    texts = [path.read_bytes().decode(errors="replace") for path in (*folder.event_paths(), *own)]
    used = [path.stem for path in own if any(names_template(text, path) for text in texts)]
    yield from unused_templates((path.name for path in own), shipped_templates(), {*sources.event.mailings, *used})


def _of_texts(sources: Sources, index: MemberIndex, ledger: Ledger, history: History, now: datetime) -> Iterator[Fault]:
    """Yield what is odd about the event's texts, and who has earlier ones."""
    yield from text_warnings(sources.event, sources.shown_event)
    yield from _unused_templates(sources)
    earlier = earlier_text_of(sources, index, ledger, history, now)
    if earlier is not None:
        yield earlier_text_fault(sources.event, sources.shown_event, earlier)


def _mailing(
    invocation: Invocation,
    sources: Sources,
    index: MemberIndex,
    history: History,
    ledger: Ledger,
    name: str,
    templates: Templates,
) -> tuple[Checked, list[Fault]]:
    """Compose one mailing for its whole audience, and check it."""
    event, now = sources.event, invocation.clock.now()
    history = correcting_of(sources, name, ledger, history)
    moment = moment_of(event, name, now)
    plan = plan_for(event, name, index, presumed(event, name, index, history, moment), moment)
    earlier = former_names(sources, index, ledger, history, plan, now)
    warnings = former_faults(sources, name, earlier)
    count = len(plan.to_send)
    if not count:
        # The audience is still empty, such as the attendees: try the template on everybody.
        plan = replace(plan, to_send=index.everybody)
    composer = composer_of(sources, name, ledger, history, now, moment, templates=templates)
    composer = composer if count else composer.without_files()
    with progress_bar(invocation.terminal, name, len(plan.to_send)) as show:
        outgoing = composer.outgoing(plan, history, ledger, show)
    firsts = [each for each, _count in variants(outgoing)]
    messages = [each.message(now) for each in firsts]
    along = enclosed(outgoing)
    # Members' values differ by a few characters; the letter and their own files determine the size.
    without = [message.size - _encoded(each.files) for each, message in zip(firsts, messages, strict=True)]
    largest = max(without, default=0) + along.largest * 4 // 3
    if composer.files is not None:
        warnings += composer.files.unused()
    if composer.certificates is not None and composer.certificates.example:
        warnings += composer.certificates.try_out([(each.person, each.member) for each in index.listings])
    elif composer.certificates is not None:
        warnings += composer.certificates.by_hand((each.person, each.member) for each in history.unaddressed)
    place = sources.shown_event
    warnings += _form_warnings(place, name, sources.settings.form, messages)
    warnings += _direct_warnings(name, composer.context.template, outgoing)
    if largest > _LARGE:
        fault = _("the mails of %(mailing)s are %(size)s, which many servers refuse")
        words = {"mailing": shown_name(name), "size": size(largest)}
        warnings.append(Fault(place, fault % words, _("make the attachments smaller, or link to them")))
    checked = Checked(name, event.mailings[name].send, count, len(messages), largest, moment > now)
    return replace(checked, certificates=along.certificates, files=along.files) if count else checked, warnings


def _encoded(files: Sequence[PersonalFile]) -> int:
    """Return the size of files as base64, in octets."""
    return sum(file.octets for file in files) * 4 // 3


def _synchronised(sources: Sources) -> Iterator[Fault]:
    if service := is_synchronised(sources.folder.path):
        fault = _("this folder is synchronised by %(service)s, which can damage or duplicate the ledger")
        remedy = _("move it to a folder that is only on this computer")
        yield Fault(str(sources.folder.path), fault % {"service": service}, remedy)


def _direct_warnings(mailing: str, template: str, outgoing: Iterable[OutgoingMail]) -> Iterator[Fault]:
    """Yield a warning about mails that cannot share a letter.

    Their template measures or cuts the text that it prints.
    """
    names = [each.recipient.name or each.recipient.address for each in outgoing if each.addressed.direct]
    if names:
        fault = _("the mail of %(mailing)s is composed one by one for %(members)s: %(names)s")
        words = {"mailing": shown_name(mailing), "members": members(len(names)), "names": some(names)}
        remedy = _("nothing is wrong, only slow: the template shortens or measures names (filter, set, truncate)")
        yield Fault(f"templates/{template}.md", fault % words, remedy)


def _form_warnings(place: str, mailing: str, form: str, messages: Iterable[Message]) -> Iterator[Fault]:
    """Yield a warning if a mail differs from the settings in `je` or `u`."""
    other = "u" if form == "je" else "je"
    found: dict[str, None] = {}
    for message in messages:
        for used, said in forms_in(plain_text(message)).items():
            if used == other:
                found.update(dict.fromkeys(said))
    if found:
        fault = _('the mail of %(mailing)s says "%(words)s", and the settings say form: %(form)s')
        words = {"mailing": shown_name(mailing), "words": ", ".join(found), "form": form}
        yield Fault(place, fault % words, _("use one form of address in its own texts"))
