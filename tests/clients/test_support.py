"""Support for our HTML and CSS in mail programs, by the tables of caniemail.com (doiuse-email, which runs offline).

What a program does not support is listed here with the reason why the mail is good without it. A feature that is
not listed fails the test, and so does a line that is not needed any more.
"""

import json
import re
import shutil
import subprocess
from collections import defaultdict

import pytest

from tests.clients.mails import a_logo, every_kind, sent
from tests.clients.npm import DOIUSE_EMAIL, needs_npm
from tests.kinds import Kind

pytestmark = needs_npm

PROGRAMS = ("gmail.*", "outlook.*", "apple-mail.*")

CLASSIC_OUTLOOK = frozenset({"outlook.windows"})
WINDOWS_MAIL = frozenset({"outlook.windows-mail"})
WORD = CLASSIC_OUTLOOK | WINDOWS_MAIL  # both draw with Word
GMAIL_APPS = frozenset({"gmail.android", "gmail.ios"})
GMAIL_BASIC = frozenset({"gmail.mobile-webmail"})  # Gmail in a phone's browser: inline styles only
GMAIL = GMAIL_APPS | GMAIL_BASIC | {"gmail.desktop-webmail"}
OUTLOOK_APPS = frozenset({"outlook.android", "outlook.ios"})
APPLE_PHONE = frozenset({"apple-mail.ios"})
APPLE = APPLE_PHONE | {"apple-mail.macos"}

_STYLE_SHEET = (
    "all that a mail needs is inlined; the style sheet adds dark mode and a phone's sizes. The bare mail is tested "
    "too (test_chromium.py)"
)

ACCEPTED: dict[str, tuple[frozenset[str], str]] = {
    "<body> element": (GMAIL | OUTLOOK_APPS, "becomes a div; the ground is drawn by a table, not by the body"),
    "@media": (GMAIL | OUTLOOK_APPS | WORD, _STYLE_SHEET),
    "Type selector": (GMAIL_APPS | GMAIL_BASIC, _STYLE_SHEET),
    "Class selector": (GMAIL_APPS | GMAIL_BASIC, _STYLE_SHEET),
    "Descendant combinator": (GMAIL_APPS | GMAIL_BASIC, _STYLE_SHEET),
    "Adjacent sibling combinator": (GMAIL_APPS | GMAIL_BASIC | WORD, _STYLE_SHEET),
    "Chaining selectors": (
        GMAIL_APPS | GMAIL_BASIC | WORD,
        "the checker takes `.item .was` for a chain; there is none, which a test holds, for Word misreads them",
    ),
    "background-image": (WORD, "a logo's ground: its colour stands beside it, as a style and as an attribute"),
    "border": (WORD, "Word draws it on cells; ours are there, except a quotation's, which is indented as well"),
    "border-radius": (WORD, "the button has square corners"),
    "display": (GMAIL_APPS | WORD, "`block` and `none` are all that they are asked for"),
    "display:none": (GMAIL_BASIC | WORD, "hides the preheader, which is a line that can be read; Word has mso-hide"),
    "font-weight": (WORD, "`bold` and `normal` only"),
    "height attribute": (CLASSIC_OUTLOOK, "a logo's; PixelsPerInch keeps its size on a screen that magnifies"),
    "line-height": (WORD, "mso-line-height-rule makes it exact"),
    "margin": (GMAIL | OUTLOOK_APPS | WORD, "neither negative nor on a span; `auto` has align=center beside it"),
    "max-width": (
        APPLE - {"apple-mail.macos"} | WORD,
        "on a div, which Apple takes; Word has a table of 600 around it",
    ),
    "padding": (WORD, "on cells; the button's link has mso-padding-alt on its cell"),
    "role attribute": (WINDOWS_MAIL, "a layout table is read out as a table"),
    "text-align": (GMAIL_APPS | WORD, "`left` and `center` only"),
    "text-decoration": (GMAIL_APPS | WORD, "one value; without it a link is underlined, as it should be"),
    "white-space": (GMAIL_APPS | WORD, "keeps hours on one line, in a column that is wide enough anyhow"),
    "width attribute": (CLASSIC_OUTLOOK, "percentages, on tables"),
    "word-break": (
        GMAIL_APPS | GMAIL_BASIC | OUTLOOK_APPS | APPLE | WINDOWS_MAIL,
        "breaks a word that is longer than a line; elsewhere such a word is broken by the program, or runs on",
    ),
}

_SAID = re.compile(r"`(.+)` is (?:not|only partially) supported by `(.+)`")


@pytest.fixture(scope="module")
def unsupported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By feature: the programs that do not support it, or not wholly; of all kinds in one file, for speed."""
    file = tmp_path_factory.mktemp("html") / "mails.html"
    mails = [*every_kind().values(), sent(Kind.INVITATION, logo=a_logo())]
    file.write_text("\n".join(mail.html for mail in mails), encoding="utf-8")
    node = shutil.which("node")
    assert node
    command = [node, str(DOIUSE_EMAIL), "--email-clients", ",".join(PROGRAMS), str(file)]
    result = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    found: dict[str, set[str]] = defaultdict(set)
    for line in (*result.get("errors", ()), *result.get("warnings", ())):
        said = _SAID.fullmatch(line)
        assert said, line
        found[said[1]].add(said[2])
    return found


def test_programs_support_all_that_a_mail_needs(unsupported: dict[str, set[str]]) -> None:
    accepted = {feature: programs for feature, (programs, _why) in ACCEPTED.items()}
    faults = {feature: programs - accepted.get(feature, frozenset()) for feature, programs in unsupported.items()}
    assert not {feature: programs for feature, programs in faults.items() if programs}


def test_every_excuse_is_still_needed(unsupported: dict[str, set[str]]) -> None:
    assert {feature: programs for feature, (programs, _why) in ACCEPTED.items()} == unsupported


def test_no_selector_is_a_chain() -> None:
    css = every_kind()[Kind.INVITATION].html.split("<style>")[-1].split("</style>")[0]
    selectors = re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL))
    assert len(selectors) > 40
    assert not [one for one in selectors if not one.strip().startswith("@") and re.search(r"\w\.|\.\w[\w-]*\.", one)]
