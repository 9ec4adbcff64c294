"""The sources of a mailing, read without composing it: what an approval covers, and what changed since.

:mod:`mkwmail.commands.compose_mailing` composes letters from the same files.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mkwmail.commands.context import Sources
from mkwmail.config.event import Event
from mkwmail.config.folder import SHARED_TEMPLATES, WorkingFolder, template_text
from mkwmail.config.kinds import CORRECTION, mailing_named, rule_of, templates_of
from mkwmail.errors import UserError, user_error
from mkwmail.files import Attachment, Picture, read_attachment, reason_of
from mkwmail.i18n import _
from mkwmail.ledger import rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import ScheduledApproval
from mkwmail.planning.approval import (
    CERTIFICATE,
    CERTIFICATE_FILE,
    CERTIFICATE_TEMPLATE,
    COPY,
    FACTS,
    Correcting,
    Difference,
    corrected_mailing,
    correcting,
    fingerprint,
    laid_out,
    with_corrected,
)
from mkwmail.planning.audience import History
from mkwmail.planning.facts import facts_of, words_of
from mkwmail.planning.member_index import MemberIndex
from mkwmail.planning.plan import WithEarlierText, with_earlier_text
from mkwmail.planning.schedule import changes


@dataclass(frozen=True, slots=True)
class MailFiles:
    """The files of a mailing.

    They are read once, so that the text that is sent is the approved one. ``template``: its name without its ending.
    ``event``: with the Content-IDs of its pictures in its texts.
    """

    template: str
    attachments: tuple[Attachment, ...]
    logo: Attachment | None
    event: Event
    pictures: tuple[Picture, ...]

    def fingerprints(self) -> dict[str, str]:
        """Return the name of each file that is not text → its fingerprint."""
        logo = (self.logo,) if self.logo else ()
        files = (*self.attachments, *logo, *(picture.file for picture in self.pictures))
        return {file.name: fingerprint(file.data) for file in files}


def read_files(sources: Sources, mailing: str, history: History, event: Event) -> MailFiles:
    """Read the files of a mailing; ``event`` may be the one of a proof.

    :raises UserError: if there is no such mailing or template, a file cannot be read, or the method of the calendar
        entry differs from that of the entries that were sent.
    """
    _refuse_another_method(sources, history.telling.method)
    folder, settings = sources.folder, sources.settings
    with_ids, pictures = _with_pictures(sources, event, mailing)
    entry = mailing_named(event, mailing)
    logo = _file(folder, folder.path / settings.logo) if settings.logo else None
    names = (*entry.shared_files, *_corrected_files(event, history.correcting))
    attachments = tuple(_file(folder, sources.event_path.parent / name) for name in dict.fromkeys(names))
    template = _template_name(sources, mailing)
    return MailFiles(template, attachments, logo, with_ids, pictures)


def sources_of(sources: Sources, mailing: str, history: History, files: MailFiles | None = None) -> dict[str, str]:
    """Return everything on which the mails' content depends.

    The keys are the names under which the user knows the sources. ``files``: those of the mailing, if they have been
    read.

    :raises UserError: if there is no such mailing or template, a file cannot be read, or the method of the calendar
        entry differs from that of the entries that were sent.
    """
    event, settings, shown_event = sources.event, sources.settings, sources.shown_event
    files = files or read_files(sources, mailing, history, event)
    entry = mailing_named(event, mailing)
    shown = {"association", "sender", "reply_to", "form", "footer"}
    found = {
        shown_event: laid_out(json.dumps(words_of(event))),
        f"{shown_event}{FACTS}": laid_out(facts_of(event).document()),
        f"mailings: {mailing}": laid_out(
            entry.model_dump_json(include={"subject", "text", "attachments", "template"}, exclude_none=True)
        ),
        "mkwmail.yaml": laid_out(settings.model_dump_json(include=shown, exclude_none=True)),
    }
    for name in (f"{files.template}.md", f"{COPY}.md", *SHARED_TEMPLATES):
        found[f"templates/{name}"] = template_text(sources.folder.template_folders, name)
    found |= files.fingerprints()
    if rule_of(mailing).certifies:
        found |= _certificate_sources(sources)
    if entry.personal_files:
        from mkwmail.mail.personal_files import PersonalFiles

        own = PersonalFiles(
            entry.personal_files, sources.members.members, sources.folder, sources.event_path, sources.shown_list
        )
        found |= own.sources()
    return found if history.correcting is None else with_corrected(found, history.correcting)


def _certificate_sources(sources: Sources) -> dict[str, str]:
    """Return what an event's certificates depend on, if it has them."""
    event, certificate = sources.event, sources.event.certificate
    if certificate is None:
        return {}
    terms = {"pe_points": event.pe_points, **certificate.model_dump(mode="json", exclude_none=True)}
    found = {
        f"{sources.shown_event}{CERTIFICATE}": laid_out(json.dumps(terms)),
        CERTIFICATE_TEMPLATE: template_text(sources.folder.template_folders, "certificate.md"),
    }
    for name in filter(None, (certificate.letterhead, certificate.signature)):
        path = sources.event_path.parent / name
        # The logo, or an attachment, may have the same name.
        found[f"{CERTIFICATE_FILE}{name}"] = fingerprint(path.read_bytes()) if path.is_file() else ""
    return found


def changed(sources: Sources, ledger: Ledger, history: History, given: ScheduledApproval) -> tuple[Difference, ...]:
    """Return the differences from what was approved.

    :raises UserError: if a template or an attachment cannot be read.
    """
    of = correcting_of(sources, given.mailing, ledger, history)
    now = sources_of(sources, given.mailing, of)
    approved = {each.id: each.sources for each in rounds.of_mailing(ledger.database, sources.event.id, given.mailing)}
    return changes(given, approved[given.approval], sources.event, now)


def correcting_of(sources: Sources, mailing: str, ledger: Ledger, history: History) -> History:
    """Return the history, for a correction with the mailing it corrects.

    :raises UserError: if that is not a mailing of the event, or one of its files cannot be read.
    """
    event = sources.event
    of = corrected_mailing(event, mailing, history.deliveries) if rule_of(mailing).corrects else None
    if of is None:
        return history
    corrections = {each.round.mailing for each in history.deliveries if rule_of(each.round.mailing).corrects}
    given = {name: rounds.of_mailing(ledger.database, event.id, name) for name in {of, mailing, *corrections}}
    now = sources_of(sources, of, replace(history, correcting=None))
    explained = bool(mailing_named(event, mailing).text)
    present = {person for person, answer in history.answers.items() if answer == "present"}
    return replace(history, correcting=correcting(of, history.deliveries, given, now, present, explained))


def earlier_text_of(
    sources: Sources, index: MemberIndex, ledger: Ledger, history: History, now: datetime
) -> WithEarlierText | None:
    """Return those who have an earlier text of the mailing that `correction` would correct, or None.

    None too if that text cannot be read now.
    """
    try:
        return with_earlier_text(
            sources.event, index.listings, correcting_of(sources, CORRECTION, ledger, history), now
        )
    except UserError:  # this is reported when that mailing is composed
        return None


def _corrected_files(event: Event, correcting: Correcting | None) -> Iterator[str]:
    """Yield the attachments that were wrong: a correction has the right ones."""
    if correcting is None:
        return
    told = " ".join(change.new for changes in correcting.changes.values() for change in changes)
    for name in mailing_named(event, correcting.of).shared_files:
        if Path(name).name in told:
            yield name


def _refuse_another_method(sources: Sources, method: str) -> None:
    wanted = sources.event.calendar.method.value
    if not method or wanted == method:
        return
    fault = _("calendar: method: is %(wanted)s, but calendar entries were sent with %(method)s")
    remedy = _("make it %(method)s again: entries with another method would be added to those, or leave them unchanged")
    raise user_error(sources.shown_event, fault, remedy, wanted=wanted, method=method)


def _file(folder: WorkingFolder, path: Path) -> Attachment:
    try:
        return read_attachment(path)
    except OSError as error:
        raise user_error(folder.shown(path), _("cannot be read: %(why)s"), why=reason_of(error)) from None


def _with_pictures(sources: Sources, event: Event, mailing: str) -> tuple[Event, tuple[Picture, ...]]:
    if "![" not in event.model_dump_json():
        return event, ()
    from mkwmail.config.attachments import attachment_path, picture_width, with_pictures

    pictures: dict[str, Picture] = {}

    def id_of(name: str) -> str:
        file = _file(sources.folder, attachment_path(sources.event_path, name))
        new = Picture(file, f"picture.{len(pictures) + 1}@mkwmail", picture_width(file.data) or 0)
        return pictures.setdefault(fingerprint(file.data), new).content_id

    return with_pictures(event, mailing, id_of), tuple(pictures.values())


def _template_name(sources: Sources, mailing: str) -> str:
    """Return the first of a mailing's templates that exists.

    :raises UserError: if the mailing says only its text, and has none and no template of the user's.
    """
    entry, folder = mailing_named(sources.event, mailing), sources.folder
    names = templates_of(mailing, entry)
    found = (name for name in names if any((place / f"{name}.md").is_file() for place in folder.template_folders))
    template = next(found, names[-1])
    says = entry.text or (folder.templates_dir / f"{template}.md").is_file()
    if rule_of(mailing).says_only_its_text and not says:
        fault = _("%(mailing)s has no text: its mails would be empty")
        raise user_error(sources.shown_event, fault, _("write below %(mailing)s: text: …"), mailing=mailing)
    return template
