"""Attachments of which each member has their own, and the text of certificates.

A rule of the event file names them (:class:`mkwmail.config.event.PersonalFile`): ``brieven/{lidnummer}.pdf``, or a
column of the member list. All are looked at before the first message is sent; only their hashes are held in memory.

The words of a certificate are ``templates/certificate.md``, Markdown with Jinja, as blocks for a typesetter. A block is
``[kind, runs]``, a run ``[text, style]``; all of them are texts, never markup. Kinds are ``title`` (the heading ``#``),
``name`` (the heading ``##``), ``heading``, ``paragraph`` and ``item``; styles are ``strong``, ``emph``, ``break``, or
nothing.
"""

import hashlib
import mimetypes
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Template
from markdown_it.token import Token

from mkwmail.config.attachments import MOST_BYTES, OwnFiles, attachment_path, why_not_attached
from mkwmail.config.event import Event
from mkwmail.config.event import PersonalFile as FileRule
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.settings import Settings
from mkwmail.dutch.names import Name, full_name
from mkwmail.errors import Fault, UserError, user_error
from mkwmail.files import reason_of
from mkwmail.i18n import _, ngettext, some
from mkwmail.mail.context import Addressee, common_names, named, personal_names, personal_values
from mkwmail.mail.markdown import parsed
from mkwmail.mail.merge import PersonalFile, Value, unquote
from mkwmail.mail.templates import Templates, rendered
from mkwmail.members.member_list import KNOWN_COLUMNS, Member, column_of

_HEADING = re.compile(r"\{([^{}]*)\}")
_MOST_FAULTS = 20  # that are named one by one


class _Named(NamedTuple):
    """The name of a member's file, or the fault because of which there is none."""

    name: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class PersonalFiles:
    """The personal attachments of a mailing.

    ``members`` are all members of the list, ``shown_list`` its name. ``shared`` is the size in octets of the files that
    everybody gets.
    """

    rules: tuple[FileRule, ...]
    members: tuple[Member, ...]
    folder: WorkingFolder
    event_path: Path
    shown_list: str
    shared: int = 0
    _columns: dict[str, Callable[[Member], str] | None] = field(default_factory=dict, compare=False)
    _found: dict[str, Path] = field(default_factory=dict, compare=False)

    def sources(self) -> dict[str, str]:
        """Return the names and hashes of the members' files, as an approval covers them."""
        return {rule.source: "\n".join(self._listed(rule)) for rule in self.rules}

    def of(self, everyone: Sequence[tuple[str, Member]]) -> dict[str, tuple[PersonalFile, ...]]:
        """Return person → their files.

        :raises UserError: with a sentence for each file that is missing or cannot be mailed.
        """
        found: dict[str, list[PersonalFile]] = {person: [] for person, _member in everyone}
        own_files = OwnFiles.of(self.folder)
        faults: list[Fault] = []
        for rule in self.rules:
            whose: dict[Path, Member] = {}
            for person, member in everyone:
                try:
                    file = self._file(rule, member, own_files, whose)
                except UserError as error:
                    faults += error.faults
                    continue
                if file is not None:
                    found[person].append(file)
        for person, member in everyone:
            octets = self.shared + sum(file.octets for file in found[person])
            if octets > MOST_BYTES and not faults:
                fault = _("together the files are %(size).1f MB, and a mail can carry at most %(limit)d MB")
                words = {"size": octets / 1_000_000, "limit": MOST_BYTES // 1_000_000}
                faults.append(self._fault(member, fault % words, _("make them smaller, or link to them in the text")))
        if faults:
            raise UserError(*_not_too_many(faults))
        return {person: tuple(files) for person, files in found.items()}

    def unused(self) -> Iterator[Fault]:
        """Yield a warning about the files next to the members' files that belong to no member."""
        used = {path for rule in self.rules for _member, path in self._paths(rule)}
        there: set[Path] = set()
        for rule in self.rules:
            folders = {path.parent for _member, path in self._paths(rule)} - {self.event_path.parent}
            if rule.file and not _HEADING.search(str(Path(rule.file).parent)):
                folders.add(attachment_path(self.event_path, rule.file).parent)
            fits = _pattern(rule)
            found = (path for folder in folders if folder.is_dir() for path in folder.iterdir())
            there |= {path for path in found if path.is_file() and path.name[0] != "." and fits(path.name)}
        left = sorted(path.name for path in there - used)
        if left:
            fault = ngettext(
                "%(n)d file belongs to nobody: %(names)s", "%(n)d files belong to nobody: %(names)s", len(left)
            )
            place = ", ".join(rule.shown for rule in self.rules)
            yield Fault(place, fault % {"n": len(left), "names": some(left)}, "")

    def content(self, sha256: str) -> bytes:
        """Return the content of a file that was found before.

        :raises UserError: if it has changed meanwhile.
        """
        try:
            data = self._found[sha256].read_bytes()
        except OSError:
            data = b""
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
        fault = _("a personal attachment was changed or deleted while the mails were made")
        raise user_error(self.folder.shown(self.event_path), fault, _("run the command again"))

    def _file(
        self, rule: FileRule, member: Member, own_files: OwnFiles, whose: dict[Path, Member]
    ) -> PersonalFile | None:
        named = self._named(rule, member)
        if named.fault:
            raise UserError(self._fault(member, named.fault))
        if not named.name:
            if not rule.optional:
                fault = _("%(rule)s: no file is set for this member") % {"rule": rule.shown}
                raise UserError(self._fault(member, fault, _("fill in the list, or write optional: true")))
            return None
        path = attachment_path(self.event_path, named.name)
        # A file that the list names must be there in any case.
        if rule.optional and rule.file and not os.path.lexists(path) and self.folder.holds(path):
            return None
        fault, instead = why_not_attached(named.name, self.folder, self.event_path, own_files)
        if fault:
            remedy = _("is it %(name)s? Correct the name of the file or the row of the list") % {"name": instead}
            raise UserError(self._fault(member, fault, remedy if instead else ""))
        other = whose.setdefault(path.resolve(), member)
        if other is not member and not rule.for_several:
            fault = _('"%(name)s" is the file of %(other)s too')
            words = {"name": named.name, "other": full_name(other.name) or other.email}
            raise UserError(
                self._fault(member, fault % words, _("give each their own file, or write for_several: true"))
            )
        try:
            file = PersonalFile(path.name, _type_of(path), _digest(path), path.stat().st_size)
        except OSError as error:
            words = {"name": named.name, "reason": reason_of(error)}
            raise UserError(self._fault(member, _('"%(name)s" cannot be read: %(reason)s') % words)) from None
        self._found[file.sha256] = path
        return file

    def _fault(self, member: Member, fault: str, remedy: str = "") -> Fault:
        who = full_name(member.name) or member.email
        place = f"{self.shown_list}:{member.row}" if member.row else who
        said = _("%(fault)s (for %(name)s)") % {"fault": fault, "name": who}
        return Fault(place, f"attachments: {said}", remedy)

    def _named(self, rule: FileRule, member: Member) -> _Named:
        if rule.column:
            return _Named(self._value(rule.column, member).strip())
        assert rule.file is not None
        empty = odd = ""
        for heading in _HEADING.findall(rule.file):
            value = self._value(heading, member)
            empty = empty or ("" if value else heading)
            odd = odd or (value if re.search(r"[/\\\0]|^\.+$", value) else "")
        if odd:
            return _Named(fault=_('"%(value)s" cannot be part of the name of a file') % {"value": odd})
        if empty:
            return _Named()
        return _Named(_HEADING.sub(lambda found: self._value(found[1], member), rule.file))

    def _value(self, heading: str, member: Member) -> str:
        if heading not in self._columns:
            self._columns[heading] = column_of(heading, self.members)
        value_of = self._columns[heading]
        if value_of is None:
            fault = _('the member list has no column "%(column)s", which the attachments use')
            known = {column: None for each in self.members for column in each.columns}
            remedy = _("add the column to the list, or correct the event file; it has: %(columns)s")
            words = {"column": heading, "columns": ", ".join([*KNOWN_COLUMNS, *known])}
            raise user_error(self.folder.shown(self.event_path), fault % words, remedy % words)
        return value_of(member)

    def _paths(self, rule: FileRule) -> Iterator[tuple[Member, Path]]:
        """Yield the file of each member of the list who has one."""
        for member in self.members:
            named = self._named(rule, member)
            path = attachment_path(self.event_path, named.name)
            if named.name and self.folder.holds(path) and path.is_file():
                yield member, path

    def _listed(self, rule: FileRule) -> Iterable[str]:
        try:
            found = {self._named(rule, member).name: path for member, path in self._paths(rule)}
        except UserError:
            # Named when the files are needed: a list without the column stops this mailing only.
            return ()
        # In the order of the names: another order of the list is no change.
        return [f"{name} {_digest_or_none(path)}" for name, path in sorted(found.items())]


def _not_too_many(faults: Sequence[Fault]) -> Sequence[Fault]:
    distinct = list(dict.fromkeys(faults))
    rest = len(distinct) - _MOST_FAULTS
    if rest <= 0:
        return distinct
    more = ngettext("attachments: and %(n)d more such row", "attachments: and %(n)d more such rows", rest)
    return [*distinct[:_MOST_FAULTS], Fault("", more % {"n": rest}, "")]


def _pattern(rule: FileRule) -> Callable[[str], bool]:
    """Return whether the name of a file could be one of the rule's."""
    if rule.file is None:
        return lambda name: True
    parts = re.split(r"\{[^{}]*\}", Path(rule.file).name)
    pattern = re.compile(".+".join(map(re.escape, parts)), re.IGNORECASE)
    return lambda name: pattern.fullmatch(name) is not None


def _type_of(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _digest(path: Path) -> str:
    found = path.stat()
    return _digest_of(path, found.st_size, found.st_mtime_ns, found.st_ino)


@lru_cache(maxsize=100_000)
def _digest_of(path: Path, size: int, changed: int, inode: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_or_none(path: Path) -> str | None:
    try:
        return _digest(path)
    except OSError:
        return None


FILE = "certificate.md"

Run = list[str]
Block = tuple[str, list[Run]]

_HEADINGS = {"h1": "title", "h2": "name"}


@dataclass(frozen=True, slots=True)
class CertificateText:
    """The template of an event's certificates, compiled."""

    event: Event
    settings: Settings
    templates: Templates
    template: Template

    @classmethod
    def compiled(cls, event: Event, settings: Settings, templates: Templates) -> "CertificateText":
        """Read and compile the template.

        :raises UserError: if it has a fault, with its line.
        """
        text = cls(event, settings, templates, templates.part(FILE))
        templates.know(text._names(Member(0, Name(), "")))
        return text

    def blocks(self, member: Member) -> list[Block]:
        """Return the certificate's text for a person.

        :raises UserError: if the template has a fault, or no heading ``#`` for the title or ``##`` for the name.
        """
        markdown = rendered(self.template, FILE, self._names(member))
        found = list(_blocks(parsed(markdown)))
        for kind, sign in (("title", "#"), ("name", "##")):
            if sum(each[0] == kind for each in found) != 1:
                fault = _('the text must have one line that begins with "%(sign)s ": %(what)s')
                what = _("the title of the certificate") if kind == "title" else _("the name of the person")
                raise user_error(f"templates/{FILE}", fault, sign=sign, what=what)
        return found

    def _names(self, member: Member) -> dict[str, Any]:
        form = self.settings.form
        values = personal_values(Addressee("", member, ""), {}, form)
        names = {
            **common_names(self.event, form),
            **personal_names(values, lambda field: ""),
            "sender": named(self.settings.sender),
            "association": Value(self.settings.association or ""),
            "mailing": {"name": "", "text": None, "attachments": ()},
            "answer": "present",
            "changes": (),
            "original": None,
            "printed": True,
            "certificate": True,
        }
        return {**self.templates.macros(self.templates.text, "phrases.md", names), **names}


def _blocks(tokens: Iterable[Token]) -> Iterator[Block]:
    kind = "paragraph"
    item = False
    for token in tokens:
        match token.type:
            case "heading_open":
                kind = _HEADINGS.get(token.tag, "heading")
            case "heading_close":
                kind = "paragraph"
            case "list_item_open":
                item = True
            case "list_item_close":
                item = False
            case "inline":
                runs = list(_runs(token.children or []))
                if any(text.strip() for text, _style in runs):
                    yield ("item" if item and kind == "paragraph" else kind), runs


def _runs(tokens: Iterable[Token]) -> Iterator[Run]:
    styles: list[str] = []
    for token in tokens:
        match token.type:
            case "strong_open" | "em_open":
                styles.append("strong" if token.type == "strong_open" else "emph")
            case "strong_close" | "em_close":
                styles.pop()
            case "text" | "code_inline":
                if token.content:
                    yield [unquote(token.content), styles[-1] if styles else ""]
            case "softbreak":
                yield [" ", ""]
            case "hardbreak":
                yield ["", "break"]
