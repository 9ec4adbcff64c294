"""Every kind of mailing as a spam filter judges it, without its rules that ask the network."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.mails import OWN_TEXT, a_logo, every_kind, sent
from tests.kinds import Kind

pytestmark = pytest.mark.skipif(
    shutil.which("spamassassin") is None, reason="SpamAssassin is missing: apt install spamassassin"
)

HIGHEST = 1.0

# Rules that say nothing of what we write, each with the reason.
NOT_OURS = {
    "NO_RECEIVED": "the message comes from a file: no server has put its Received field on it yet",
    "NO_RELAYS": "the same: it was not relayed",
    "HTML_MESSAGE": "scores nothing; it says that there is an HTML part next to the plain text",
}

_STATUS = re.compile(r"^X-Spam-Status: \w+, score=(-?[\d.]+) .*?tests=(.*?) autolearn=", re.MULTILINE | re.DOTALL)


def messages() -> dict[str, bytes]:
    """The mails that are judged: every kind, and what the other form, a logo or own words change."""
    found = {f"{kind} je": mail.message.data for kind, mail in every_kind().items()}
    found |= {f"{kind} u": sent(kind, "u").message.data for kind in (Kind.INVITATION, Kind.CANCELLATION)}
    found |= {f"{kind} logo": sent(kind, logo=a_logo()).message.data for kind in (Kind.INVITATION, Kind.THANKS)}
    found["invitation own words"] = sent(Kind.INVITATION, text=OWN_TEXT).message.data
    return found


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, frozenset[str]]]:
    """Score and rules of each mail; in one run, for starting the filter takes most of the time."""
    home: Path = tmp_path_factory.mktemp("home")
    box = b"".join(
        b"From - Mon Feb 17 09:00:00 2020\n" + re.sub(rb"^(>*From )", rb">\1", data.replace(b"\r\n", b"\n"), flags=re.M)
        for data in messages().values()
    )
    run = subprocess.run(
        ["spamassassin", "-L", "-t", "--mbox", "-x", "-p", "/dev/null"],
        input=box,
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    found = [
        (float(score), frozenset(re.split(r",\s*", rules.strip())) - {"none"})
        for score, rules in _STATUS.findall(run.stdout.decode("utf-8", "replace"))
    ]
    return dict(zip(messages(), found, strict=True))


def test_no_mail_is_taken_for_spam(judged: dict[str, tuple[float, frozenset[str]]]) -> None:
    too_high = {name: found for name, found in judged.items() if found[0] >= HIGHEST or found[1] - NOT_OURS.keys()}
    assert not too_high


def test_every_excuse_is_still_needed(judged: dict[str, tuple[float, frozenset[str]]]) -> None:
    assert frozenset().union(*(rules for _score, rules in judged.values())) == NOT_OURS.keys()
