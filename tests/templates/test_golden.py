"""Every kind of mailing as its reader sees it, in files that a person can read.

After a change of the templates, ``MKWMAIL_GOLDEN=write pytest tests/templates`` rewrites them: read the difference.
"""

import os
from pathlib import Path

import pytest

from mkwmail.dutch.names import Name
from mkwmail.mail.context import Addressee, Form
from mkwmail.mail.merge import uses_of
from mkwmail.mail.templates import Templates
from mkwmail.members.member_list import Member
from tests.kinds import Kind
from tests.templates.scenes import Mail, a_mail, a_reader
from tests.workplace import ROOT

GOLDEN = Path(__file__).parent / "golden"

MAILS = [(kind, form) for kind in Kind for form in ("je", "u")]


def readable(mail: Mail) -> str:
    """Return a mail in the form of a golden file."""
    return f"Onderwerp: {mail.subject}\nIn de inbox: {mail.preheader}\n\n{mail.text.replace(chr(13), '').strip()}\n"


def the_mail(kind: Kind, form: Form) -> Mail:
    files = ("essay.pdf", "routebeschrijving.pdf") if kind is Kind.PRACTICAL else ()
    own = "Op 16 april kan er **niet** bij De Moestuin geparkeerd worden." if kind is Kind.OWN else None
    return a_mail(kind, form, attachments=files, text=own)


@pytest.mark.parametrize("kind", Kind)
def test_members_mails_are_composed_together(kind: Kind) -> None:
    templates = Templates((ROOT / "templates",))
    shared = ("signature.md", "footer.md", "calendar.txt", "phrases.md", "blocks.html", "blocks.txt")
    # A template that looks at a link or a name makes ten thousand letters for ten thousand members.
    assert uses_of(templates.parsed(name) for name in (f"{kind}.md", *shared)).looked_at == {"answer"}


@pytest.mark.parametrize(("kind", "form"), MAILS)
def test_a_mail_says_what_its_golden_file_says(kind: Kind, form: Form) -> None:
    said = readable(the_mail(kind, form))
    file = GOLDEN / f"{kind}.{form}.txt"
    if os.environ.get("MKWMAIL_GOLDEN") == "write":
        file.write_text(said, encoding="utf-8")
    assert said == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "form"), MAILS)
def test_an_assistants_copy_says_what_its_golden_file_says(kind: Kind, form: Form) -> None:
    kim = Addressee("k", Member(3, Name(first="Kim", surname="Verbeek"), "kim@example.org"), "tt34xw81aa")
    own = "Op 16 april kan er **niet** bij De Moestuin geparkeerd worden." if kind is Kind.OWN else None
    said = readable(a_mail(kind, form, text=own, copy_of=(a_reader(), kim)))
    file = GOLDEN / "copies" / f"{kind}.{form}.txt"
    if os.environ.get("MKWMAIL_GOLDEN") == "write":
        file.write_text(said, encoding="utf-8")
    assert said == file.read_text(encoding="utf-8")
