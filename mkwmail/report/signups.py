"""What the import of a sign-up export did: whose each row is, what changed, and what a person must say."""

from collections import Counter
from collections.abc import Iterator, Mapping

from mkwmail.language import _, ngettext
from mkwmail.moments import day_in_words
from mkwmail.replies.changes import Changes
from mkwmail.replies.signup_match import By, Match
from mkwmail.replies.signups import Export
from mkwmail.report.terminal import Terminal
from mkwmail.report.words import some


def answer_words(answer: str) -> str:
    """An answer in the language of the person at the keyboard."""
    words = {
        "attending": _("attending"),
        "declined": _("declined"),
        "tentative": _("tentative"),
        "present": _("present"),
        "absent": _("absent"),
    }
    return words.get(answer, answer)


def _by_words(by: By) -> str:
    words = {
        By.CODE: _("by the code of the link"),
        By.ADDRESS: _("by the address"),
        By.NAME: _("by name and organisation"),
        By.NUMBER: _("by the number"),
        By.GUEST: _("not in the list: guests"),
        By.DOUBTFUL: _("doubtful"),
    }
    return words[by]


def show_import(
    terminal: Terminal, event: str, export: Export, found: Changes, gone: Mapping[str, bool], left: int
) -> None:
    """Print what was matched how, what changed, what stands, and what is still to be settled.

    :param gone: of the missing rows that were decided about: whether the person does not come.
    :param left: how many rows are in the list to settle, also those of earlier exports.
    """
    for note in export.notes:
        terminal.note(note, "dim")
    settled = [*found.news, *found.same, *(each.match for each in found.stands)]
    ways = Counter(match.by for match in (*settled, *found.guests, *found.doubtful))
    how = [f"{ways[by]} {_by_words(by)}" for by in By if ways[by]]
    total = len(export.signups)
    rows = ngettext("%(n)d row", "%(n)d rows", total) % {"n": total}
    terminal.say(f"{rows}: {', '.join(how)}" if how else rows)
    for line in _changed(found):
        terminal.say(line)
    for line in _open(found, gone):
        terminal.say(line, "yellow")
    if left:
        words = ngettext(
            "%(n)d row is to be settled: mkwmail answers list %(event)s",
            "%(n)d rows are to be settled: mkwmail answers list %(event)s",
            left,
        )
        terminal.say(words % {"n": left, "event": event}, "yellow")


def _changed(found: Changes) -> Iterator[str]:
    for match in (*found.news, *found.guests):
        signup = match.signup
        who = match.person.name if match.person else _("%(who)s, guest") % {"who": signup.who}
        if match.person and signup.name and signup.name != match.person.name:
            who = _("%(who)s (signed up as %(name)s)") % {"who": who, "name": signup.name}
        yield f"  {who}: {answer_words(signup.answer or '')}"
    for held in found.stands:
        words = {
            "who": held.match.person.name if held.match.person else held.match.signup.who,
            "answer": answer_words(held.match.signup.answer or ""),
            "held": answer_words(held.held.answer),
            "day": day_in_words(held.held.given),
        }
        yield _("  %(who)s: the export says %(answer)s; %(held)s, recorded on %(day)s, is later and stands") % words
    count = len(found.news) + len(found.guests)
    yield ngettext("%(n)d answer recorded.", "%(n)d answers recorded.", count) % {"n": count}
    if found.same:
        same = ngettext("%(n)d says nothing new.", "%(n)d say nothing new.", len(found.same))
        yield same % {"n": len(found.same)}
    if found.superseded:
        again = ngettext(
            "%(n)d was filled in anew later: the last one counts.",
            "%(n)d were filled in anew later: the last one counts.",
            found.superseded,
        )
        yield again % {"n": found.superseded}


def _open(found: Changes, gone: Mapping[str, bool]) -> Iterator[str]:
    for match in found.doubtful:
        yield _doubt(match)
    missing = [each.name or each.address for each in found.missing if each.key not in gone]
    if missing:
        words = ngettext(
            "%(n)d is in an earlier export and not in this one: %(who)s. Cancelled? mkwmail answers set … nee",
            "%(n)d are in an earlier export and not in this one: %(who)s. Cancelled? mkwmail answers set … nee",
            len(missing),
        )
        yield words % {"n": len(missing), "who": some(missing)}


def _doubt(match: Match) -> str:
    candidates = ", ".join(each.name for each in match.candidates)
    words = {"row": match.signup.row, "who": match.signup.who, "doubt": match.doubt, "candidates": candidates}
    if match.candidates:
        return _("  row %(row)d, %(who)s: %(doubt)s (%(candidates)s?)") % words
    return _("  row %(row)d, %(who)s: %(doubt)s") % words
