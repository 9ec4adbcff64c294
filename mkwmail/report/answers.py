"""Answers and attendance, and what an import of answers changed.

The table, the CSV file and the JSON document are made from the same values.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from mkwmail.clock import ZONE, clock_time, day_and_time, day_in_figures, day_in_words, moment_in_cell
from mkwmail.config.event import Event
from mkwmail.dutch.names import sorting_name
from mkwmail.i18n import _, ngettext, some
from mkwmail.ledger.models import Call, KeptSignup, Stray
from mkwmail.members.names import read_name
from mkwmail.planning.next_steps import ToCall
from mkwmail.report.recipients import PersonWithReason, entry_values, explained, show_by_reason, show_title, spreadsheet
from mkwmail.report.terminal import Terminal
from mkwmail.responses.answers import Numbers

if TYPE_CHECKING:
    from mkwmail.responses.answers import Question
    from mkwmail.responses.signup_changes import Changes, Match
    from mkwmail.responses.signups import Counted, Export


def answer_words(answer: str) -> str:
    """Return an answer in the user's language."""
    words = {
        "attending": _("attending"),
        "declined": _("declined"),
        "tentative": _("tentative"),
        "present": _("present"),
        "absent": _("absent"),
        "delegated": _("sends somebody else"),
        "counter": _("proposes another time"),
    }
    return words.get(answer, answer)


def with_comment(text: str, comment: str) -> str:
    """Return a text with what somebody typed with it, between quotes."""
    return _("%(text)s: “%(comment)s”") % {"text": text, "comment": comment} if comment else text


def stray_words(stray: Stray, name: str = "") -> str:
    """Return a sentence about a calendar's answer to look at.

    :param name: the name of the person whose entry it was.
    """
    words = {
        "who": f"{name} <{stray.address}>" if name else stray.address,
        "moment": day_and_time(stray.given.astimezone(ZONE)),
        "answer": answer_words(stray.answer),
        "delegate": stray.delegate,
        "proposed": _proposed_words(stray),
        "name": name or "?",
        "address": stray.address,
    }
    if stray.answer == "counter" and stray.starts:
        sentence = _("%(who)s proposed another time on %(moment)s: %(proposed)s") % words
    elif stray.answer == "counter":
        sentence = _("%(who)s proposed another time on %(moment)s") % words
    elif stray.answer == "delegated" and stray.delegate:
        sentence = _("%(who)s said on %(moment)s that %(delegate)s comes instead") % words
    elif stray.answer == "delegated":
        sentence = _("%(who)s said on %(moment)s that somebody else comes instead") % words
    elif name:
        sentence = _("%(address)s answered %(answer)s on %(moment)s to the entry of %(name)s") % words
    else:
        sentence = _("%(address)s answered %(answer)s on %(moment)s to an entry that was another's") % words
    return _("To look at: %(what)s") % {"what": with_comment(sentence, stray.comment)}


def _proposed_words(stray: Stray) -> str:
    if stray.starts is None:
        return ""
    if stray.ends is None or stray.ends <= stray.starts:
        return day_and_time(stray.starts)
    ends = clock_time(stray.ends) if stray.ends.date() == stray.starts.date() else day_and_time(stray.ends)
    return _("%(starts)s to %(ends)s") % {"starts": day_and_time(stray.starts), "ends": ends}


def _ways_in_words(matches: "Iterable[Match]") -> list[str]:
    # Only an import needs it; `status` starts sooner without.
    from mkwmail.responses.signup_changes import By

    ways = Counter(match.by for match in matches)
    words = {
        By.CODE: _("by the code of the link"),
        By.ADDRESS: _("by the address"),
        By.NAME: _("by name and organisation"),
        By.NUMBER: _("by the number"),
        By.GUEST: _("not in the list: guests"),
        By.DOUBTFUL: _("doubtful"),
    }
    return [f"{ways[by]} {words[by]}" for by in By if ways[by]]


def show_import(terminal: Terminal, export: "Export", found: "Changes", without: int) -> None:
    """Print how an export was read, and what it would record.

    :param without: how many members neither answered nor have a row.
    """
    for note in export.notes:
        terminal.note(note, "dim")
    for column in export.counted:
        terminal.say(_column(column))
    if not export.answering and not export.perhaps:
        terminal.say(_("no column shows who comes: a row counts as attending"), "warning")
    settled = [*found.news, *found.same, *(each.match for each in found.stands)]
    how = _ways_in_words((*settled, *found.guests, *found.doubtful))
    total = len(export.signups)
    rows = ngettext("%(n)d row", "%(n)d rows", total) % {"n": total}
    terminal.say(f"{rows}: {', '.join(how)}" if how else rows)
    _show_people(terminal, _("New"), [f"{_name(each)}: {_answered(each)}" for each in (*found.new, *found.guests)])
    changed = [f"{_name(each)}: {answer_words(held.answer)} → {_answered(each)}" for each, held in found.changed]
    _show_people(terminal, _("Changed"), changed)
    for line in _unchanged(found):
        terminal.say(line)
    _show_people(terminal, _("To settle"), [_doubt(each) for each in found.doubtful], "warning")
    missing = [each.name or each.address for each in found.missing]
    if missing:
        words = ngettext(
            "%(n)d is in an earlier export and not in this one: %(who)s. Cancelled? mkwmail answers set … nee",
            "%(n)d are in an earlier export and not in this one: %(who)s. Cancelled? mkwmail answers set … nee",
            len(missing),
        )
        terminal.say(words % {"n": len(missing), "who": some(missing)}, "warning")
    if without:
        words = ngettext(
            "%(n)d member has no row and has not answered.", "%(n)d members have no row and have not answered.", without
        )
        terminal.say(words % {"n": without})


def _column(column: "Counted") -> str:
    """Return what was counted in a column: ``column "Kom je?": 26 attending, 2 declined``."""
    known = counts_in_words([answer for answer, count in column.answers.items() for _each in range(count) if answer])
    parts = [known] if known else []
    if column.answers.get(""):
        unknown = ngettext("%(n)d not understood", "%(n)d not understood", column.answers[""])
        parts.append(unknown % {"n": column.answers[""]})
    words = {"column": column.heading, "counts": ", ".join(parts) or _("empty")}
    return _('column "%(column)s": %(counts)s') % words


_SHOWN = 40  # people in one part of the summary


def _show_people(terminal: Terminal, title: str, lines: Sequence[str], style: Literal["", "warning"] = "") -> None:
    if not lines:
        return
    terminal.say(f"{title} ({len(lines)}):", style)
    for line in lines[:_SHOWN]:
        terminal.say(f"  {line}", style)
    if len(lines) > _SHOWN:
        terminal.say("  " + _("and %(n)d more") % {"n": len(lines) - _SHOWN}, style)


def _name(match: "Match") -> str:
    signup = match.signup
    who = match.person.name if match.person else _("%(who)s, guest") % {"who": signup.who}
    if match.person and signup.name and signup.name != match.person.name:
        return _("%(who)s (signed up as %(name)s)") % {"who": who, "name": signup.name}
    return who


def _answered(match: "Match") -> str:
    answer, count = answer_words(match.signup.answer or ""), match.signup.companions
    if not count:
        return answer
    companions = ngettext("with %(n)d companion", "with %(n)d companions", count) % {"n": count}
    return f"{answer}, {companions}"


def _unchanged(found: "Changes") -> Iterator[str]:
    for held in found.stands:
        words = {
            "who": held.match.person.name if held.match.person else held.match.signup.who,
            "answer": answer_words(held.match.signup.answer or ""),
            "held": answer_words(held.held.answer),
            "day": day_in_words(held.held.given),
        }
        yield _("  %(who)s: the export says %(answer)s; %(held)s, recorded on %(day)s, is later and is kept") % words
    if found.same:
        same = ngettext("%(n)d has nothing new.", "%(n)d have nothing new.", len(found.same))
        yield same % {"n": len(found.same)}
    if found.superseded:
        again = ngettext(
            "%(n)d was filled in again later: the last one counts.",
            "%(n)d were filled in again later: the last one counts.",
            found.superseded,
        )
        yield again % {"n": found.superseded}


def _doubt(match: "Match") -> str:
    candidates = ", ".join(each.name for each in match.candidates)
    words = {"row": match.signup.row, "who": match.signup.who, "doubt": match.doubt, "candidates": candidates}
    if match.candidates and match.doubt != match.signup.doubt:
        return _("row %(row)d, %(who)s: %(doubt)s (%(candidates)s?)") % words
    return _("row %(row)d, %(who)s: %(doubt)s") % words


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """The answer of one person; ``answer`` is empty if there is none.

    ``source``: how the answer was given. ``code``: the code of the person's link, which identifies the person
    when an edited list is imported. ``asked``: the answers to the form's further questions. ``guest``: the person
    is not a member. ``comment``: what the person typed with the answer.
    """

    member: str
    address: str
    organisation: str
    answer: str
    source: str
    given: datetime | None
    code: str = ""
    guest: bool = False
    asked: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to an event's invitation.

    The secretary must look at ``strays`` and ``unsettled``.
    """

    event: Event
    lines: tuple[AnswerLine, ...]
    strays: tuple[Stray, ...] = ()
    unsettled: tuple[KeptSignup, ...] = ()
    questions: "tuple[Question, ...]" = ()
    numbers: Numbers = field(default_factory=Numbers)

    @property
    def given(self) -> tuple[AnswerLine, ...]:
        """The lines of those who have answered."""
        return tuple(line for line in self.lines if line.answer)


def counts_in_words(answers: Sequence[str]) -> str:
    """Return the totals of answers: ``43 attending, 12 declined``."""
    n = Counter(answers)
    phrases = {
        "attending": ngettext("%(n)d attending", "%(n)d attending", n["attending"]),
        "present": ngettext("%(n)d was present", "%(n)d were present", n["present"]),
        "tentative": ngettext("%(n)d tentative", "%(n)d tentative", n["tentative"]),
        "declined": ngettext("%(n)d declined", "%(n)d declined", n["declined"]),
        "absent": ngettext("%(n)d was absent", "%(n)d were absent", n["absent"]),
    }
    return ", ".join(phrase % {"n": n[answer]} for answer, phrase in phrases.items() if n[answer])


def number_lines(numbers: Numbers) -> Iterator[str]:
    """Yield how many people come with those who come along, and to which parts.

    Empty if there are no such guests, and nothing is optional.
    """
    if numbers.companions:
        yield _coming_in_words(numbers)
    if numbers.parts:
        yield ", ".join(f"{part} {count}" for part, count in numbers.parts.items())


def _coming_in_words(numbers: Numbers) -> str:
    if not numbers.companions:
        return ngettext("%(n)d attending", "%(n)d attending", numbers.coming) % {"n": numbers.coming}
    words = ngettext(
        "%(coming)d attending, with %(n)d companion %(total)d",
        "%(coming)d attending, with %(n)d companions %(total)d",
        numbers.companions,
    )
    return words % {"coming": numbers.coming, "n": numbers.companions, "total": numbers.total}


def catering_line(numbers: Numbers, deadline: datetime) -> str:
    """Return the numbers for the caterer, who wants them by the deadline."""
    parts = [f"{part} {count}" for part, count in (*numbers.parts.items(), *numbers.dietary.items())]
    words = {"day": day_in_words(deadline), "numbers": "; ".join((_coming_in_words(numbers), ", ".join(parts)))}
    return (_("For the caterer, by %(day)s: %(numbers)s") % words).removesuffix("; ")


def since_catering_line(left: int, joined: int, deadline: datetime) -> str:
    """Return what has changed since the caterer was given the numbers."""
    words = {"day": day_in_words(deadline), "left": left, "joined": joined}
    return _("Since the numbers for the caterer of %(day)s: %(left)d cancelled, %(joined)d added") % words


def numbers_value(numbers: Numbers) -> dict[str, Any]:
    """Return the numbers for a JSON document."""
    return {
        "attending": numbers.coming,
        "companions": numbers.companions,
        "total": numbers.total,
        "parts": dict(numbers.parts),
        "dietary": dict(numbers.dietary),
    }


def show_answers(terminal: Terminal, answers: Answers) -> None:
    """Print the answers as a table, with totals and open questions.

    Below the table are the totals of answers and of the form's further questions, and the answers that the
    secretary must look at.
    """
    show_title(terminal, answers.event, _("answers"))
    terminal.say()
    if answers.given:
        headings = [_("Member"), _("Organisation"), _("Answer"), _("From"), _("Given")]
        terminal.table(headings, [_row(line) for line in answers.given])
        terminal.say(counts_in_words([line.answer for line in answers.given]), "bold")
        for numbers in number_lines(answers.numbers):
            terminal.say(numbers)
        show_questions(terminal, answers.questions)
        for line in answers.given:
            if line.comment:
                terminal.say("  " + with_comment(line.member or line.address, line.comment))
    else:
        terminal.say(_("Nobody has answered yet."))
    for stray in answers.strays:
        terminal.say(stray_words(stray), "warning")
    for row in answers.unsettled:
        said = answer_words(row.answer) if row.answer else _("an unknown answer")
        settling = {"who": _who(row), "answer": said, "doubt": row.doubt}
        terminal.say(_("To settle: %(who)s, %(answer)s: %(doubt)s") % settling, "warning")
    if answers.unsettled:
        words = {"event": answers.event.id, "who": answers.unsettled[0].name or answers.unsettled[0].address}
        terminal.say(_('  Import it again in a terminal, or: mkwmail answers set %(event)s "%(who)s" ja') % words)


def _row(line: AnswerLine) -> list[str]:
    name = line.member or line.address
    shown = _("%(name)s (guest)") % {"name": name} if line.guest else name
    given = day_in_figures(line.given) if line.given else ""
    return [shown, line.organisation, answer_words(line.answer), source_words(line.source), given]


def source_words(source: str) -> str:
    """Return the source of an answer in the user's language."""
    words = {
        "calendar": _("their calendar"),
        "said": _("entered by hand"),
        "sign-up": _("sign-up form"),
        "mail": _("a mail"),
    }
    return words.get(source, source)


def _who(row: KeptSignup) -> str:
    return f"{row.name} <{row.address}>" if row.name and row.address else row.name or row.address or row.number


def show_questions(terminal: Terminal, questions: "Sequence[Question]") -> None:
    """Print the form's further questions with the totals of their answers."""
    for question in questions:
        terminal.say(question_line(question))


def question_line(question: "Question") -> str:
    """Return a question of the form with the totals of its answers."""
    counted = ", ".join(f"{count} x {value}" for value, count in question.counts.items())
    asked = question.question if question.question.endswith(("?", ":")) else f"{question.question}:"
    words = {"question": asked, "counted": counted, "filled": question.filled}
    line = _("%(question)s %(counted)s") if counted else _("%(question)s answered by %(filled)d")
    return line % words


def answers_csv(answers: Answers) -> bytes:
    """Return the list of all members and guests as CSV for Excel.

    The user can edit it and import it again. Its column "answer when listed" shows which rows were edited. The
    answer to a row that was not edited can have changed since, for example because a member telephoned.
    """
    asked = list(dict.fromkeys(question for line in answers.lines for question in line.asked))
    headings = (
        *("code", _("name"), _("name to sort by"), _("organisation"), "e-mail", _("answer"), _("answer when listed")),
        *(_("kind"), _("from where"), _("recorded on")),
    )
    rows = [
        [
            *(line.code, line.member, sorting_name(read_name(line.member)), line.organisation, line.address),
            *(answer_words(line.answer), answer_words(line.answer)),
            *(_("guest") if line.guest else _("member"), source_words(line.source)),
            moment_in_cell(line.given) if line.given else "",
            *(line.asked.get(question, "") for question in asked),
        ]
        for line in answers.lines
    ]
    return spreadsheet((*headings, *asked), rows)


def answers_value(answers: Answers) -> dict[str, Any]:
    """Return the answers for a JSON document."""
    return {
        "event": answers.event.id,
        "answers": [
            {
                "member": each.member,
                "address": each.address,
                "organisation": each.organisation,
                "guest": each.guest,
                "answer": each.answer,
                "source": each.source,
                "given": each.given.isoformat() if each.given else None,
                "asked": dict(each.asked),
                "comment": each.comment,
            }
            for each in answers.given
        ],
        "numbers": numbers_value(answers.numbers),
        "questions": question_values(answers.questions),
        "to_look_at": [
            {
                "address": each.address,
                "answer": each.answer,
                "given": each.given.isoformat(),
                "comment": each.comment,
                "delegate": each.delegate,
                "proposed_starts": each.starts.isoformat() if each.starts else None,
                "proposed_ends": each.ends.isoformat() if each.ends else None,
            }
            for each in answers.strays
        ],
        "to_settle": [
            {"name": each.name, "address": each.address, "answer": each.answer, "doubt": each.doubt}
            for each in answers.unsettled
        ],
    }


def question_values(questions: "Sequence[Question]") -> list[dict[str, Any]]:
    """Return the questions and their totals for a JSON document."""
    return [
        {"question": each.question, "dietary": each.dietary, "counts": dict(each.counts), "filled": each.filled}
        for each in questions
    ]


@dataclass(frozen=True, slots=True)
class Attendance:
    """The attendance of an event.

    ``answers``: the answers of members and guests. ``guests``: the number of guests who come. ``silent``: the
    number of members who were invited and have not answered. ``places``: the number of organisations, and
    ``absent_places`` the names of those from which no one comes. ``to_phone``: the people whom no mail reaches.
    ``by_post``: the members without a mail address, with their telephone numbers.
    ``unsettled``: the number of doubtful rows of exports. ``numbers``: how many come, companions included. ``last``:
    the moment of the last answer.
    """

    answers: tuple[str, ...] = ()
    guests: int = 0
    silent: int = 0
    questions: "tuple[Question, ...]" = ()
    places: int = 0
    absent_places: tuple[str, ...] = ()
    to_phone: tuple[PersonWithReason, ...] = ()
    by_post: tuple[PersonWithReason, ...] = ()
    unsettled: int = 0
    last: datetime | None = None
    numbers: Numbers = field(default_factory=Numbers)


def counted(attendance: Attendance) -> tuple[str, Sequence[str]]:
    """Return the totals of answers as a phrase, and further sentences.

    The sentences tell how many members have not answered, and when the last answer was given.
    """
    line = counts_in_words(attendance.answers)
    if attendance.guests:
        guests = ngettext("%(n)d guest among them", "%(n)d guests among them", attendance.guests)
        line += f" ({guests % {'n': attendance.guests}})"
    more = []
    if attendance.silent:
        silent = ngettext(
            "%(n)d was invited and has not answered", "%(n)d were invited and have not answered", attendance.silent
        )
        more.append(silent % {"n": attendance.silent})
    if attendance.last:
        more.append(_("the last answer is from %(moment)s") % {"moment": day_and_time(attendance.last)})
    more += number_lines(attendance.numbers)
    if attendance.unsettled:
        unsettled = ngettext("%(n)d sign-up is to be settled", "%(n)d sign-ups are to be settled", attendance.unsettled)
        more.append(unsettled % {"n": attendance.unsettled})
    return line, more


def show_attendance(terminal: Terminal, attendance: Attendance, everybody: bool = False) -> None:
    """Print the attendance: the totals of answers and of the form's questions, and the organisations without anyone."""
    if not attendance.answers:
        return
    line, more = counted(attendance)
    terminal.gap()
    terminal.say(_("Answers: %(counts)s") % {"counts": line}, "bold")
    for sentence in more:
        terminal.say(f"  {sentence}")
    show_questions(terminal, attendance.questions)
    _show_places(terminal, attendance, everybody)


def show_unreached(terminal: Terminal, attendance: Attendance, everybody: bool = False) -> None:
    """Print the people to telephone or to write to by post."""
    show_by_reason(terminal, _("To telephone"), attendance.to_phone, everybody=everybody, style="warning")
    show_by_reason(terminal, _("By post or telephone"), attendance.by_post, everybody=everybody, style="warning")


def show_calls(terminal: Terminal, event: Event, calls: Sequence[ToCall]) -> None:
    """Print whom to telephone, the most urgent first, and who was called last."""
    show_title(terminal, event, _("to telephone"))
    terminal.say()
    if not calls:
        terminal.say(_("There is nobody to telephone."))
        return
    headings = [_("Member"), _("Organisation"), _("Telephone"), _("Why"), _("Last call")]
    terminal.table(headings, [[*_called(one), _last_call(one.last)] for one in calls])
    terminal.say(_('To record a call: mkwmail answers set %(event)s "%(who)s"') % _first(event, calls))


def _called(one: ToCall) -> tuple[str, str, str, str]:
    return (one.name, one.organisation, one.telephone or "-", explained(one.reason))


def _first(event: Event, calls: Sequence[ToCall]) -> dict[str, str]:
    return {"event": event.id, "who": calls[0].name}


def _last_call(call: Call | None) -> str:
    if call is None:
        return ""
    said = f"{day_in_figures(call.at)} {call.caller}"
    return f"{said}: {call.note}" if call.note else said


def calls_value(event: Event, calls: Sequence[ToCall]) -> dict[str, Any]:
    """Return whom to telephone, for a JSON document."""
    return {
        "event": event.id,
        "calls": [
            {
                "member": one.name,
                "organisation": one.organisation,
                "telephone": one.telephone,
                "reason": one.reason,
                "called": one.last.at.isoformat() if one.last else None,
                "by": one.last.caller if one.last else None,
                "note": one.last.note if one.last else None,
            }
            for one in calls
        ],
    }


def _show_places(terminal: Terminal, attendance: Attendance, everybody: bool) -> None:
    absent: Sequence[str] = attendance.absent_places
    if not absent:
        return
    words = {
        "n": len(absent),
        "all": attendance.places,
        "names": ", ".join(absent) if everybody else some(absent, shown=8),
    }
    terminal.say(_("Not represented: %(n)d of %(all)d organisations: %(names)s") % words)


def attendance_value(attendance: Attendance) -> dict[str, Any]:
    """Return the attendance for a JSON document."""
    return {
        "answers": {answer: attendance.answers.count(answer) for answer in sorted(set(attendance.answers))},
        "guests": attendance.guests,
        "silent": attendance.silent,
        "last": attendance.last.isoformat() if attendance.last else None,
        "numbers": numbers_value(attendance.numbers),
        "questions": question_values(attendance.questions),
        "organisations": attendance.places,
        "nobody_from": list(attendance.absent_places),
        "to_phone": entry_values(attendance.to_phone),
        "by_post": entry_values(attendance.by_post),
        "to_settle": attendance.unsettled,
    }
