"""Certificates of attendance for those who were recorded as present.

A certificate is made once and kept to the byte: a retry, and a second copy for somebody who lost it, are the same
file. If what it says has changed since, a new one is made, with the same number and its own date. Before the day of
the event, certificates are examples, for everybody and marked as such.
"""

import json
import re
from base64 import b32encode
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from mkwmail.clock import ZONE
from mkwmail.config.attachments import OwnFiles, attachment_path, why_not_attached
from mkwmail.config.event import Certificate, Event
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.settings import Settings
from mkwmail.dutch.dates import date_in_words, number, period
from mkwmail.dutch.names import full_name
from mkwmail.errors import Fault, UserError, user_error
from mkwmail.i18n import _, ngettext, some
from mkwmail.ledger import deliveries
from mkwmail.ledger.database import Database
from mkwmail.ledger.deliveries import KeptCertificate
from mkwmail.ledger.models import Credit, keyed
from mkwmail.mail.merge import PersonalFile
from mkwmail.mail.personal_files import FILE, CertificateText
from mkwmail.mail.templates import Templates
from mkwmail.members.member_list import Member
from mkwmail.papers.typesetting import Typesetter, TypesettingError, is_installed, not_installed, typesetter

_DOCUMENT = "certificate.typ"
_PDF = "application/pdf"
_STILL = "nog in te vullen"
_PICTURES = (".svg", ".png")
_FONTS = ("libertinus serif", "new computer modern", "dejavu sans mono")
# Letters that look like a digit become digits that RFC 4648 does not use.
_CODE = bytes.maketrans(b"IO", b"89")


def number_of(secret: bytes, event: str, person: str) -> str:
    """Return the number of a person's certificate, always the same one: ``dag-2020/K7QM-4XW2``."""
    code = b32encode(keyed(secret, f"certificate\0{event}\0{person}")).translate(_CODE).decode("ascii")
    return f"{event}/{code[:4]}-{code[4:8]}"


def file_name(event: Event) -> str:
    """Return the name of a certificate as a mail has it."""
    return f"bewijs-van-deelname-{event.id}.pdf"


def paper_name(name: str, number: str) -> str:
    """Return the name of a person's certificate in ``papers/``.

    Two people may have one name; the code at the end of the number is each one's own.
    """
    return f"{name}, bewijs van deelname {number.rpartition('/')[2]}.pdf"


def lacking(event: Event, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the keys that a certificate still needs, each with what it is in words."""
    certificate = event.certificate or Certificate()
    if not settings.association:
        yield "association (mkwmail.yaml)", _("the association's name")
    if certificate.hours is None:
        yield "certificate: hours", _("the number of hours")
    if not certificate.signed_by:
        yield "certificate: signed_by", _("who signs")
    if event.pe_points is True:
        yield "pe_points", _("the number of PE points, or false")


@dataclass(slots=True)
class Certificates:
    """The certificates of an event, as of a moment; all that they need is read at once.

    ``answers``: person → answer. ``example``: the day of the event is still to come. ``made``: SHA-256 → PDF of all
    that :meth:`of` returned. ``warnings``: why some examples could not be made.

    :raises UserError: if the template has a fault; from the day of the event on, also if a picture cannot be used.
    """

    event: Event
    settings: Settings
    templates: Templates
    folder: WorkingFolder
    event_path: Path
    shown_list: str
    secret: bytes
    database: Database
    answers: Mapping[str, str]
    now: datetime
    example: bool = field(init=False)
    text: CertificateText = field(init=False)
    pictures: Mapping[str, tuple[str, bytes]] = field(init=False)
    credits: Mapping[str, Credit] = field(init=False)
    kept: Mapping[str, KeptCertificate] = field(init=False)
    made: dict[str, bytes] = field(default_factory=dict)
    warnings: list[Fault] = field(init=False)
    _new: dict[str, KeptCertificate] = field(default_factory=dict)
    _tried: dict[str, PersonalFile | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        event = self.event
        self.example = self.now.astimezone(ZONE).date() < event.starts.date()
        self.pictures, self.warnings = _pictures(event, self.folder, self.event_path)
        if self.warnings and not self.example:
            raise UserError(*self.warnings)
        self.text = CertificateText.compiled(event, self.settings, self.templates)
        self.credits = deliveries.credits_of(self.database, event.id)
        self.kept = deliveries.certificates(self.database, event.id)

    @property
    def shown_event(self) -> str:
        """The event's file, as people know it."""
        return self.folder.shown(self.event_path)

    def of(self, everyone: Sequence[tuple[str, Member]], left: Collection[str] = ()) -> dict[str, PersonalFile]:
        """Return person → their certificate, for those of these people who were present.

        ``left``: those who have left the list, so that little more than their names is known. What their certificates
        said of them stays.

        :raises UserError: if no one was recorded as present, if something is still to be filled in, if a certificate
            cannot be made as it should be, or if one is needed and typst is not installed.
        """
        if self.example:
            return self._examples(everyone)
        present = [(person, member) for person, member in everyone if self.answers.get(person) == "present"]
        if "present" not in self.answers.values():
            fault = _("nobody is recorded as present, so nobody gets a certificate")
            remedy = _("record who was there: mkwmail answers import %(event)s FILE, or answers set")
            raise user_error(self.shown_event, fault, remedy, event=self.event.id)
        self._refuse_incomplete(present)
        found: dict[str, PersonalFile] = {}
        faults: list[Fault] = []
        with ExitStack() as opened:
            setter: Typesetter | None = None
            for person, member in present:
                if not full_name(member.name):
                    faults.append(self._nameless(member))
                    continue
                content = self._content(person, member)
                if person in left:
                    content = self._as_it_was(person, content)
                earlier = self._earlier(person, content)
                if earlier is None:
                    setter = setter or opened.enter_context(typesetter(_DOCUMENT, dict(self.pictures.values())))
                    try:
                        earlier = self._keep(person, content, setter.pdf(self._data(content, self.now), self.now))
                    except TypesettingError as error:
                        faults += self._faults(error, member)
                        continue
                found[person] = self._file(earlier)
        if faults:
            raise UserError(*dict.fromkeys(faults))
        return found

    def try_out(self, everyone: Sequence[tuple[str, Member]]) -> tuple[Fault, ...]:
        """Return what would be wrong with these people's certificates, before the day of the event."""
        self._examples(everyone)
        missing = [words for _key, words in lacking(self.event, self.settings)]
        still = [] if is_installed() else list(not_installed().faults)
        if missing:
            said = _("certificates: still to be filled in: %(what)s") % {"what": ", ".join(missing)}
            still.append(Fault(self.shown_event, said, _("fill it in by the day of the event")))
        return (*still, *dict.fromkeys(self.warnings))

    def by_hand(self, unaddressed: Iterable[tuple[str, Member]]) -> Iterator[Fault]:
        """Yield a warning about those of these people who were present: no mail brings them a certificate."""
        names = [full_name(member.name) for person, member in unaddressed if self.answers.get(person) == "present"]
        if names and not self.example:
            said = ngettext(
                "%(n)d person with a certificate has no mail address: %(names)s",
                "%(n)d people with a certificate have no mail address: %(names)s",
                len(names),
            )
            remedy = _("print it: mkwmail papers %(event)s certificates") % {"event": self.event.id}
            yield Fault(self.shown_event, said % {"n": len(names), "names": some(names)}, remedy)

    def keep(self, database: Database, persons: Iterable[str], keys: Mapping[str, str]) -> None:
        """Keep the certificates of these persons that were not kept yet.

        :param keys: person → their key in this ledger, if that differs.
        """
        new = [self._new[person] for person in persons if person in self._new]
        rows = ((each._replace(person=keys.get(each.person, each.person)), self.made[each.sha256]) for each in new)
        deliveries.keep_certificates(database, self.event.id, rows)

    def _as_it_was(self, person: str, content: dict[str, Any]) -> dict[str, Any]:
        """Return the content with the text of the certificate that is kept, if it has the same name."""
        kept = self.kept.get(person)
        texts = [kept.content["blocks"], content["blocks"]] if kept is not None else []
        names = [[block for block in blocks if block[0] == "name"] for blocks in texts if isinstance(blocks, list)]
        return {**content, "blocks": texts[0]} if len(names) == 2 and names[0] == names[1] else content

    def _earlier(self, person: str, content: Mapping[str, Any]) -> KeptCertificate | None:
        """Return the person's certificate that is kept, if it says the same."""
        kept = self._new.get(person) or self.kept.get(person)
        if kept is None or kept.content != content:
            return None
        if kept.sha256 not in self.made:
            self.made[kept.sha256] = deliveries.file(self.database, kept.sha256)
        return kept

    def _keep(self, person: str, content: Mapping[str, Any], pdf: bytes) -> KeptCertificate:
        digest = sha256(pdf).hexdigest()
        self.made[digest] = pdf
        new = KeptCertificate(person, str(content["number"]), content, digest, self.now)
        self._new[person] = new
        return new

    def _file(self, kept: KeptCertificate) -> PersonalFile:
        return PersonalFile(file_name(self.event), _PDF, kept.sha256, len(self.made[kept.sha256]), certificate=True)

    def _examples(self, everyone: Sequence[tuple[str, Member]]) -> dict[str, PersonalFile]:
        if not is_installed():
            return {}
        new = [(person, member) for person, member in everyone if person not in self._tried]
        if new:
            with typesetter(_DOCUMENT, dict(self.pictures.values())) as setter:
                self._tried.update((person, self._example(setter, member)) for person, member in new)
        found = {person: self._tried[person] for person, _member in everyone}
        return {person: file for person, file in found.items() if file is not None}

    def _example(self, setter: Typesetter, member: Member) -> PersonalFile | None:
        """Return somebody's example; None, with a warning, if it cannot be made."""
        if not full_name(member.name):
            self.warnings.append(self._nameless(member))
            return None
        data = {**self._data(self._content("", member), self.event.ends), "issued": "de dag van verzending"}
        try:
            pdf = setter.pdf(data, self.event.ends)
        except TypesettingError as error:
            self.warnings.extend(self._faults(error, member))
            return None
        digest = sha256(pdf).hexdigest()
        self.made[digest] = pdf
        return PersonalFile(f"voorbeeld-{file_name(self.event)}", _PDF, digest, len(pdf), certificate=True)

    def _refuse_incomplete(self, present: Sequence[tuple[str, Member]]) -> None:
        own = [self.credits.get(person, Credit()) for person, _member in present]
        instead = {"pe_points": all(each.points for each in own), "certificate: hours": all(each.hours for each in own)}
        faults = [
            Fault(self.shown_event, _("%(key)s: a certificate needs this: %(what)s") % {"key": key, "what": what})
            for key, what in lacking(self.event, self.settings)
            if not instead.get(key)
        ]
        if faults:
            raise UserError(*faults)

    def _content(self, person: str, member: Member) -> dict[str, Any]:
        """Return what a person's certificate says, but for its date."""
        certificate = self.event.certificate or Certificate()
        signed = [part.strip() for part in (certificate.signed_by or _STILL).split(",")]
        content = {
            "document": f"Bewijs van deelname, {self.event.title}: {full_name(member.name) or member.email}",
            "association": self.settings.association or _STILL,
            "number": number_of(self.secret, self.event.id, person) if person else f"{self.event.id}/VOOR-BEELD",
            "example": self.example,
            "letterhead": self.pictures["letterhead"][0] if "letterhead" in self.pictures else "",
            "signature": self.pictures["signature"][0] if "signature" in self.pictures else "",
            "pictures": {key: sha256(data).hexdigest() for key, (_name, data) in self.pictures.items()},
            "signed": [signed[0], *([", ".join(signed[1:])] if signed[1:] else [])],
            "blocks": self.text.blocks(member),
            "facts": self._facts(person, certificate),
        }
        read: dict[str, Any] = json.loads(json.dumps(content))  # as the ledger gives it back
        return read

    def _facts(self, person: str, certificate: Certificate) -> list[tuple[str, str]]:
        event, own = self.event, self.credits.get(person, Credit())
        hours = own.hours or (number(certificate.hours) if certificate.hours is not None else "")
        points = own.points or ("" if event.pe_points is True else number(event.pe_points) if event.pe_points else "")
        place = event.location
        where = ", ".join(part for part in (place.name, place.street, place.city) if part) if place else ""
        if event.online:
            where = f"{where}, en online" if where else "online"
        found = [("Bijeenkomst", event.title), ("Datum", period(event.starts, event.ends)), ("Plaats", where)]
        found.append(("Duur", f"{hours} uur" if hours else _STILL))
        if event.pe_points is not None or points:
            found.append(("PE-punten", points or _STILL))
        if certificate.accredited:
            found.append(("Accreditatie", certificate.accredited))
        return [(what, value) for what, value in found if value]

    def _data(self, content: Mapping[str, Any], day: datetime) -> dict[str, Any]:
        words = date_in_words(day.astimezone(ZONE).date()).partition(" ")[2]
        return {**content, "issued": words}

    def _nameless(self, member: Member) -> Fault:
        place = f"{self.shown_list}:{member.row}" if member.row else member.email
        return Fault(place, _("%(address)s: a certificate needs a name") % {"address": member.email}, "")

    def _faults(self, error: TypesettingError, member: Member) -> Iterator[Fault]:
        """Yield the faults because of which a person's certificate cannot be set."""
        if error.picture:
            # Everybody's certificate has the same pictures, so that this is one fault.
            yield self._picture_fault(error.reason)
            return
        name = full_name(member.name) or member.email
        row = f"{self.shown_list}:{member.row}" if member.row else name
        own = {name, member.organisation, member.function, member.number}
        for letter in error.letters:
            value = next((each for each in sorted(own, key=len) if letter[0] in each), "")
            words = {"letter": letter, "value": value}
            if value:
                fault = _('the certificate cannot show "%(letter)s" in "%(value)s": its font lacks it') % words
                yield Fault(row, fault, _("write it in Latin, Greek or Cyrillic letters"))
            else:
                fault = _('the certificate cannot show "%(letter)s": its font lacks it') % words
                yield Fault(f"{self.shown_event}, templates/{FILE}", fault, _("leave it out"))
        if error.too_long:
            fault = _('"%(name)s" is too long for the certificate: %(n)d characters')
            yield Fault(row, fault % {"name": name, "n": len(name)}, _("shorten the name in the list"))
        elif error.pages:
            fault = _("the certificate of %(name)s does not fit on one page") % {"name": name}
            yield Fault(f"templates/{FILE}", fault, _("shorten its text"))
        elif not error.letters:
            fault = _("the certificate of %(name)s cannot be made: %(reason)s")
            yield Fault(row, fault % {"name": name, "reason": error.reason}, "")

    def _picture_fault(self, reason: str) -> Fault:
        certificate = self.event.certificate or Certificate()
        kind = ".svg" if "SVG" in reason else ".png"
        named = {"letterhead": certificate.letterhead, "signature": certificate.signature}
        found = [(key, name) for key, name in named.items() if name and name.lower().endswith(kind)]
        fault = _('certificate: %(key)s: "%(name)s" cannot be shown: %(reason)s')
        words = {"key": ", ".join(key for key, _name in found), "name": ", ".join(name for _key, name in found)}
        remedy = _("save it again as SVG or PNG, with nothing linked in it")
        return Fault(self.shown_event, fault % {**words, "reason": reason}, remedy)


def _pictures(
    event: Event, folder: WorkingFolder, event_path: Path
) -> tuple[dict[str, tuple[str, bytes]], list[Fault]]:
    """Return the letterhead and the signature: key → name for the typesetter and content; and their faults."""
    certificate = event.certificate or Certificate()
    found: dict[str, tuple[str, bytes]] = {}
    faults: list[Fault] = []
    for key, name in (("letterhead", certificate.letterhead), ("signature", certificate.signature)):
        if not name:
            continue
        fault, remedy = _picture_fault(name, folder, event_path)
        if fault:
            faults.append(Fault(folder.shown(event_path), f"certificate: {key}: {fault}", remedy))
            continue
        path = attachment_path(event_path, name)
        found[key] = (f"{key}{path.suffix.lower()}", path.read_bytes())
    return found, faults


def _picture_fault(name: str, folder: WorkingFolder, event_path: Path) -> tuple[str, str]:
    """Return why a picture cannot be used, and what to do; both are empty if it can."""
    fault, instead = why_not_attached(name, folder, event_path, OwnFiles.of(folder))
    if fault:
        return fault, instead
    path = attachment_path(event_path, name)
    if path.suffix.lower() not in _PICTURES:
        return _('"%(name)s" is not an SVG or PNG file') % {"name": name}, _("save it as SVG or PNG")
    data = path.read_bytes()
    is_svg, text = path.suffix.lower() == ".svg", data.decode("utf-8", "replace")
    if not ("<svg" in text if is_svg else data.startswith(b"\x89PNG\r\n\x1a\n")):
        return _('"%(name)s" is not an SVG or PNG file') % {"name": name}, _("save it as SVG or PNG")
    unknown = [font for font in _fonts_of(text) if font.casefold() not in _FONTS] if is_svg else []
    if unknown:
        fault = _('"%(name)s" has text in the font %(font)s, which is not there')
        return fault % {"name": name, "font": unknown[0]}, _("turn the text into outlines (paths) and save it again")
    return "", ""


def _fonts_of(svg: str) -> list[str]:
    """Return the first font of each ``font-family`` in an SVG with text."""
    if not re.search(r"<(?:\w+:)?text\b", svg):
        return []
    found = re.findall(r"""font-family\s*[:=]\s*(?:"|'|&quot;)?\s*([^;,"'&<>}]+)""", svg)
    return list(dict.fromkeys(font.strip() for font in found if font.strip())) or ["?"]
