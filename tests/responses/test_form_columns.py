"""The headings of sign-up forms, Dutch and English: what each means, and what is a further question."""

from pathlib import Path

import pytest

from mkwmail.responses.form_columns import folded_heading, meaning_of
from mkwmail.responses.signups import Decided, read_signups

OPTIONAL = ("Inlooplunch", "Buffet")

# Meaning → headings, one on a line.
HEADINGS = {
    "answer": """
Kom je?
Komt u?
Kom je naar de Directeurendag?
Komt u naar de bijeenkomst op 16 april?
Ben je erbij?
Bent u erbij?
Ben je er bij op 16 april?
Bent u aanwezig?
Ben je aanwezig bij de themamiddag?
Aanwezig
Aanwezigheid
Aanwezig?
Bent u van de partij?
Doe je mee?
Doet u mee?
Neem je deel?
Neemt u deel aan de Directeurendag?
Deelname
Wilt u deelnemen?
Kunnen we op u rekenen?
Kunnen wij op je rekenen?
Mogen we u verwachten?
Mogen we je verwelkomen op 16 april?
Kunt u erbij zijn?
Kun je erbij zijn?
Kan je komen?
Kunt u komen?
Wil je komen?
Schuif je aan?
Zien we je op 16 april?
Zien we u dan?
Aanmelding
Aanmelden
Aan- of afmelden
Meld je je aan?
Ik meld me aan voor de Directeurendag
Ik kom
Ik kom naar de Directeurendag
Komst
Antwoord
Jouw antwoord
Uw reactie
Respons
RSVP
rsvp
2. Bent u aanwezig?
Vraag 3: Kom je?
🎉 Kom je ook? 🎉
KOM JE? *
kom_je
Are you coming?
Are you coming to the meeting?
Are you going?
Will you attend?
Will you be attending?
Will you be there?
Will you join us?
Can you make it?
Can we count on you?
Can you come?
Are you joining?
Attending
Attending?
Attendance
I will attend
I am coming
Going?
Coming
Response
Your response
Your answer
Do you plan to attend?
Participation
""",
    "status": """
Status
Attendee Status
attendee_status
approval_status
Approval Status
Order Status
Registration Status
Registration status
RSVP Status
Inschrijfstatus
Aanmeldstatus
Ticket status
""",
    "beside": """
Sluit u aan bij de lunch?
Bent u aanwezig bij het diner?
Kom je ook naar de borrel?
Lunch?
Inlooplunch
Buffet
Blijft u voor het buffet?
Welke workshop kiest u?
Workshop ronde 1
Welke dag bent u aanwezig?
Met welke organisaties werkt u samen?
Vragen of opmerkingen
Opmerkingen
Toelichting
Heb je nog vragen?
Waaraan neemt u deel?
Hoe laat komt u aan?
Komt u met de auto en wilt u parkeren?
Parkeerplaats nodig?
Overnacht u in het hotel?
Vervoer
Will you join us for dinner?
Do you need parking?
Any comments?
Do you agree with our privacy statement?
Gaat u akkoord met foto's?
Komt uw collega ook?
Functie
Telefoonnummer
Phone number
Mobiel
Wilt u de nieuwsbrief ontvangen?
Kom je volgend jaar weer?
Waarom kom je?
Hoeveel woningen heeft uw corporatie beheerd?
Adres
T-shirtmaat
""",
    "dietary": """
Dieetwensen
Dieet
Heeft u dieetwensen?
Allergieën
Dietary requirements
Any dietary restrictions?
Diet
Vegetarisch?
Is de lunch vegetarisch?
Food allergies
""",
    "companions": """
Introducé
Introducés
Aantal introducés
Neem je iemand mee?
Neemt u een partner mee?
Komt uw partner mee?
Aantal gasten
Number of guests
Guests
Plus one
+1
Brengt u iemand mee?
Are you bringing a guest?
Bring a partner?
""",
    "persons": """
Aantal personen
Met hoeveel personen komt u?
Hoeveel personen?
Aantal deelnemers
Aantal kaarten
Aantal tickets
Quantity
Ticket quantity
Aantal
Number of people
How many people
Number of tickets
""",
    "cancelled": """
Geannuleerd
Afgemeld op
Afgemeld
Afmelddatum
Cancelled
Canceled at
Cancellation date
Void Status
Bent u verhinderd?
Ben je verhinderd?
Kunt u niet komen?
Ik kom niet
""",
    "moment": """
Tijdstempel
Timestamp
Tijd van voltooien
Voltooiingstijd
Completion time
Submitted At
Submit Date (UTC)
Submission Date
submitted_at
created_at
Created Date
Order Date
Order Created Date
Besteldatum
Datum invoer
Datum/tijd
Datum
Ingevuld op
Aanmelddatum
Inschrijfdatum
Aangemeld op
Registration Time
""",
    "presence": """
Is Checked In
Checked In At
checked_in_at
Checked in
Ingecheckt
Check-in
Aanwezig geweest
Presentie
""",
    "email": """
E-mail
Email
E-mailadres
Uw e-mailadres
Email Address
Mailadres
Op welk e-mailadres bereiken we u?
Attendee email
Ticket Email
""",
    "written": """
Naam
Uw naam
Wat is uw naam?
Name
Full name
Vraag 3: Uw naam
Hoe heet je? Naam
Attendee name
Ticket Full Name
""",
    "first": "Voornaam\nFirst Name\nfirst_name\nTicket First Name\nRoepnaam\nAttendee name: Given name",
    "surname": "Achternaam\nLast Name\nlast_name\nSurname\nFamily name\nFamilienaam",
    "organisation": """
Organisatie
Van welke corporatie bent u?
Namens welke organisatie komt u?
Corporatie
Company
Bedrijf
Ticket Company Name
""",
    "orderer email": "Order Email\nBuyer email\nBesteller e-mail",
    "orderer written": "Order Name\nBuyer name\nIngevuld door (naam)",
    "orderer first": "Buyer First Name",
    "": """
Order #
Attendee #
ID
Id
Begintijd
Start time
Order ID
Position ID
Ticket Type
Total Paid
Payment status
Betaalstatus
api_id
guest_id
qr_code_url
utm_source
Last modified time
IP Address
Order IP
Unique Ticket URL
Ticket Reference
Network ID
Price
""",
}
CASES = [(heading, meaning) for meaning, lines in HEADINGS.items() for heading in lines.splitlines() if heading]


@pytest.mark.parametrize(("heading", "meaning"), CASES)
def test_what_a_heading_means(heading: str, meaning: str) -> None:
    assert meaning_of(heading, OPTIONAL) == meaning


def test_there_are_many_headings() -> None:
    assert len(CASES) >= 150
    assert len({folded_heading(heading) for heading, _meaning in CASES}) >= 150


@pytest.mark.parametrize(
    "heading", ["Kom je?", "KOM JE", "kom_je", " Kom  je ", "🎉 Kom je? 🎉", "Kom je? *", "Kom-je"]
)
def test_a_heading_is_compared_by_its_words(heading: str) -> None:
    assert meaning_of(heading) == "answer"


def rows(tmp_path: Path, text: str, **options: object) -> list[tuple[str, str, str]]:
    path = tmp_path / "export.csv"
    path.write_text(text, encoding="utf-8")
    decided = options.get("decided")
    export = read_signups(path, "export.csv", [], OPTIONAL, decided=decided if isinstance(decided, Decided) else None)
    return [(each.name, each.address, each.answer or "") for each in export.signups]


def test_microsoft_forms_with_its_own_columns(tmp_path: Path) -> None:
    """The account that filled in the form is not whom the form asks for."""
    text = (
        "Id;Begintijd;Tijd van voltooien;E-mail;Naam;Uw naam;Uw e-mailadres;Komt u?;Tijd van laatste wijziging\n"
        "1;2-3-2020 14:01;2-3-2020 14:05;anna@example.org;Anna Assistent;Kim van Beek;kim@example.org;Ja, ik kom;\n"
    )
    assert rows(tmp_path, text) == [("Kim van Beek", "kim@example.org", "attending")]


def test_teams_registration(tmp_path: Path) -> None:
    text = (
        "First Name,Last Name,Email,Registration Time,Registration Status,Role\n"
        "Jan,Jansen,jan@example.org,2/26/2031 2:05:40 PM,Registered,Attendee\n"
        "Kim,van Beek,kim@example.org,2/26/2031 2:06:40 PM,Canceled,Attendee\n"
    )
    assert [each[2] for each in rows(tmp_path, text)] == ["attending", "declined"]


def test_tito_names_the_tickets_person_and_not_the_orderer(tmp_path: Path) -> None:
    text = (
        "Number,Ticket,Ticket Full Name,Ticket First Name,Ticket Last Name,Ticket Email,Ticket Company Name,Event,"
        "Void Status,Price,Order Reference,Order Name,Order Email,Order Created Date,Unique Ticket URL\n"
        "1,Lid,Kim van Beek,Kim,van Beek,kim@example.org,Wonen B,Dag,,0,AB12,Anna,anna@example.org,2031-02-25,x\n"
        "2,Lid,Els Smit,Els,Smit,els@example.org,Wonen C,Dag,Void,0,AB12,Anna,anna@example.org,2031-02-25,x\n"
        "3,Lid,,,,,,Dag,,0,AB12,Anna,anna@example.org,2031-02-25,x\n"
    )
    assert rows(tmp_path, text) == [
        ("Kim van Beek", "kim@example.org", "attending"),
        ("Els Smit", "els@example.org", "declined"),
        ("Anna", "anna@example.org", ""),
    ]


def test_pretix_names_the_attendee(tmp_path: Path) -> None:
    text = (
        "Order code;Position ID;Status;Email;Order date;Order time;Product;Price;Attendee name;Attendee email;Company\n"
        "A1;1;paid;anna@example.org;2031-02-25;14:05:40;Lid;0.00;Kim van Beek;kim@example.org;Wonen B\n"
        "A2;1;canceled;els@example.org;2031-02-25;14:05:40;Lid;0.00;Els Smit;els@example.org;Wonen C\n"
        "A3;1;pending;jan@example.org;2031-02-25;14:05:40;Lid;0.00;Jan Jansen;jan@example.org;Wonen A\n"
    )
    assert rows(tmp_path, text) == [
        ("Kim van Beek", "kim@example.org", "attending"),
        ("Els Smit", "els@example.org", "declined"),
        ("Jan Jansen", "jan@example.org", ""),
    ]


def test_luma_with_a_waiting_list(tmp_path: Path) -> None:
    text = (
        "guest_id,name,first_name,last_name,email,created_at,approval_status,checked_in_at\n"
        "g1,Jan Jansen,Jan,Jansen,jan@example.org,2031-02-25T13:05:40.123Z,approved,\n"
        "g2,Kim van Beek,Kim,van Beek,kim@example.org,2031-02-25T13:05:40.123Z,declined,\n"
        "g3,Els Smit,Els,Smit,els@example.org,2031-02-25T13:05:40.123Z,waitlist,\n"
        "g4,Bo Kok,Bo,Kok,bo@example.org,2031-02-25T13:05:40.123Z,pending_approval,\n"
    )
    assert [each[2] for each in rows(tmp_path, text)] == ["attending", "declined", "", ""]


def test_hi_events_before_the_day(tmp_path: Path) -> None:
    text = (
        "ID,First Name,Last Name,Email,Status,Is Checked In,Checked In At\n"
        "1,Jan,Jansen,jan@example.org,ACTIVE,No,\n2,Kim,van Beek,kim@example.org,CANCELLED,No,\n"
    )
    assert [each[2] for each in rows(tmp_path, text)] == ["attending", "declined"]


def test_a_status_does_not_undo_a_no(tmp_path: Path) -> None:
    text = "Naam;E-mail;Status;Kom je?\nJan;jan@example.org;active;Nee\nEls;els@example.org;cancelled;Ja\n"
    assert [each[2] for each in rows(tmp_path, text)] == ["declined", "declined"]


def test_two_answer_columns_that_differ_are_asked_about(tmp_path: Path) -> None:
    text = "Naam;E-mail;Kom je?;Deelname\nJan;jan@example.org;Ja;Nee\nEls;els@example.org;Ja;Ja\n"
    assert [each[2] for each in rows(tmp_path, text)] == ["", "attending"]


def test_a_column_of_yes_and_no_is_not_the_answer_until_somebody_says_so(tmp_path: Path) -> None:
    text = "Naam;E-mail;Present live?;Kleur\nJan;jan@example.org;Ja;rood\nEls;els@example.org;Nee;wit\n"
    path = tmp_path / "export.csv"
    path.write_text(text, encoding="utf-8")
    export = read_signups(path, "export.csv", [], OPTIONAL)
    assert export.perhaps == ("Present live?",)
    assert [each.answer for each in export.signups] == [None, None]
    decided = Decided({"present live": "answer"})
    assert [each[2] for each in rows(tmp_path, text, decided=decided)] == ["attending", "declined"]
    decided = Decided({"present live": "beside"})
    assert [each[2] for each in rows(tmp_path, text, decided=decided)] == ["attending", "attending"]


def test_questions_with_the_word_name_are_no_names(tmp_path: Path) -> None:
    text = (
        "E-mail;Komt u?;Mag uw naam op de deelnemerslijst?;Heeft u bezwaar tegen uw naam op de badge?\n"
        "jan@example.org;Ja;Ja;Nee\nkim@example.org;Nee;Nee;Nee\n"
    )
    assert rows(tmp_path, text) == [("", "jan@example.org", "attending"), ("", "kim@example.org", "declined")]


def test_a_name_that_begins_as_a_yes_is_a_name(tmp_path: Path) -> None:
    assert rows(tmp_path, "Naam;E-mail;Kom je?\nJep de Vries;jep@example.org;Nee\n")[0][0] == "Jep de Vries"


def test_whom_somebody_signs_up_is_the_person(tmp_path: Path) -> None:
    text = "Uw naam;Voor wie meldt u zich aan?;Komt hij of zij?\nAnna;Jan Jansen;Ja\nAnna;Kim Kok;Nee\n"
    assert [(name, said) for name, _address, said in rows(tmp_path, text)] == [
        ("Jan Jansen", "attending"),
        ("Kim Kok", "declined"),
    ]


def test_a_status_of_any_service_and_what_it_did_with_the_form(tmp_path: Path) -> None:
    text = (
        "E-mail;Registratiestatus;Registratie datum;Reactie\n"
        "jan@example.org;Aangemeld;25-02-2031;\nkim@example.org;Afgemeld;25-02-2031;\nels@example.org;Afgewezen;;\n"
    )
    assert [said for *_who, said in rows(tmp_path, text)] == ["attending", "declined", "declined"]
    text = (
        "E-mail;Kom je?;Status\njan@example.org;Ja;Nieuw\nkim@example.org;Nee;Compleet\nels@example.org;Ja;Wachtlijst\n"
    )
    assert [said for *_who, said in rows(tmp_path, text)] == ["attending", "declined", ""]
    text = (
        "Email,Kom je?,Response Type\n"
        "jan@example.org,1,completed\nkim@example.org,0,completed\nels@example.org,1,partial\n"
    )
    assert [said for *_who, said in rows(tmp_path, text)] == ["attending", "declined", ""]


def test_forms_in_german_and_french(tmp_path: Path) -> None:
    text = (
        '"Zeitstempel","E-Mail-Adresse","Kommen Sie?"\n'
        '"26.02.2031 09:05:40","jan@example.org","Nein"\n"26.02.2031 10:00:00","kim@example.org","Ja"\n'
    )
    assert [said for *_who, said in rows(tmp_path, text)] == ["declined", "attending"]
    text = (
        '"Horodateur","Adresse e-mail","Serez-vous présent ?"\n'
        '"2031/02/26 9:05:40 AM UTC+1","jan@example.org","Non"\n"2031/02/25 2:05:40 PM UTC+1","kim@example.org","Oui"\n'
    )
    assert [said for *_who, said in rows(tmp_path, text)] == ["declined", "attending"]


def test_an_address_in_the_place_of_the_name_is_an_address(tmp_path: Path) -> None:
    text = "Naam;E-mail;Kom je?\njan@example.org;Jan Jansen;Ja\nKim Kok <kim@example.org>;;Nee\n"
    assert rows(tmp_path, text) == [
        ("Jan Jansen", "jan@example.org", "attending"),
        ("Kim Kok", "kim@example.org", "declined"),
    ]


def test_totals_and_headings_further_down_are_nobody(tmp_path: Path) -> None:
    text = (
        "Naam;E-mail;Kom je?;Aantal personen\nJan;jan@example.org;Ja;2\n"
        "Naam;E-mail;Kom je?;Aantal personen\nKim;kim@example.org;Nee;0\nTotaal;;1;2\nTotaal aantal;;Ja;2\n"
    )
    assert [name for name, *_rest in rows(tmp_path, text)] == ["Jan", "Kim"]


def test_an_address_typed_twice_is_one_address(tmp_path: Path) -> None:
    text = "E-mailadres;E-mail (herhaal);Kom je?\njan@example.org;jan@exampel.org;Ja\n"
    assert rows(tmp_path, text) == [("", "jan@example.org", "attending")]


def test_dates_of_which_excel_turned_some_around_put_nothing_in_order(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    text = "Timestamp;Email;Are you coming?\n3/13/2031 9:00;jan@example.org;No\n09-03-2031 10:00;jan@example.org;Yes\n"
    path.write_text(text, encoding="utf-8")
    assert [each.moment for each in read_signups(path, "export.csv", [], OPTIONAL).signups] == [None, None]


# Exports as services write them, and the answer of each row that is read: + comes, - does not, ? is asked about.
LAYOUTS = {
    "a quiz repeats each question": (
        "E-mail;Naam;Totaal aantal punten;Kom je?;Punten: Kom je?;Feedback: Kom je?\n"
        "jan@example.org;Jan;0;Ja;0;\nkim@example.org;Kim;1;Nee;1;\n",
        "+-",
    ),
    "the number of an answer is no answer": (
        '"Antwoord-ID";"Datum ingediend";"Naam";"E-mail";"Komt u?"\n'
        '"1";"2031-02-25 13:05:40";"Jan";"jan@example.org";"Nee"\n"2";"";"Kim";"kim@example.org";""\n',
        "-?",
    ),
    "a column for each choice": (
        "First name,Email,Ik kom graag,Ik kan niet komen,Other\n"
        "Jan,jan@example.org,Ik kom graag,,\nKim,kim@example.org,,Ik kan niet komen,\n",
        "+-",
    ),
    "ticks for the choices of a question": (
        "Naam,E-mail,Kom je?,Kom je? (Ja),Kom je? (Nee)\n"
        "Jan,jan@example.org,Ja,true,false\nKim,kim@example.org,Nee,false,true\n",
        "+-",
    ),
    "choices without the question": (
        "Naam,E-mail,Kom je? (Ja),Kom je? (Nee)\nJan,jan@example.org,Ja,\nKim,kim@example.org,,Nee\n",
        "+-",
    ),
    "one question about yes and no is no choice": (
        "Naam,E-mail,Kunt u niet komen? Ja/Nee\nJan,jan@example.org,Nee\nKim,kim@example.org,Ja\n",
        "+-",
    ),
    "a second row of headings for the kind of answer": (
        "Respondent ID,Email Address,First Name,Wat is je naam?,Wat is je e-mailadres?,Kom je?\n"
        ",,,Open-Ended Response,Open-Ended Response,Response\n"
        "1,,,Jan,jan@example.org,Ja\n2,,,Kim,kim@example.org,Nee\n",
        "+-",
    ),
    "a second row of headings for the parts of a question": (
        "Respondent-id,E-mailadres,Uw gegevens,,,Bent u erbij?,,Waar bent u bij?,\n"
        ",,Naam,Bedrijf,E-mailadres,Ja,Nee,Lunch,Borrel\n"
        "1,,Jan,Wonen A,jan@example.org,Ja,,Lunch,\n2,,Kim,Wonen B,kim@example.org,,Nee,,\n",
        "+-",
    ),
    "a third row of headings for a machine": (
        "Status,Q1,Q2,Q3\nResponse Type,Wat is je naam?,Wat is je e-mailadres?,Kom je?\n"
        '"{""Id"":""status""}","{""Id"":""Q1""}","{""Id"":""Q2""}","{""Id"":""Q3""}"\n'
        "IP Address,Jan,jan@example.org,Ja\nIP Address,Kim,kim@example.org,Nee\n",
        "+-",
    ),
    "the roles of those who were invited": (
        "Naam;E-mail;Aanwezigheid;Reactie\nIlse;ilse@example.org;Vergaderingsorganisator;Geen\n"
        "Jan;jan@example.org;Vereiste deelnemer;Geaccepteerd\nKim;kim@example.org;Vereiste deelnemer;Afgewezen\n"
        "Piet;piet@example.org;Optionele deelnemer;Geen\n",
        "+-",
    ),
    "those who have not answered": (
        "Name,Email,Invitation Status\nJan,jan@example.org,Accepted\nKim,kim@example.org,Declined\n"
        "Els,els@example.org,Waitlisted\nPiet,piet@example.org,No Response\nBo,bo@example.org,needsAction\n"
        "Noor,noor@example.org,Nog niet gereageerd\n",
        "+-?",
    ),
    "the moment of an answer": (
        "Name\tEmail\tRSVP\tGuests\tRSVPed on\nJan\tjan@example.org\tYes\t0\tFebruary 25, 2031 1:05 PM\n"
        "Kim\tkim@example.org\tNo\t0\tFebruary 26, 2031 1:05 PM\n",
        "+-",
    ),
    "answers by number to further questions, and a cancellation": (
        "User Email,Invitee Name,Invitee Email,Canceled,Canceled By,Question 1,Response 1\n"
        "ilse@example.org,Jan,jan@example.org,false,,Dieet?,geen noten\n"
        "ilse@example.org,Kim,kim@example.org,true,Kim,Dieet?,vlees\n",
        "+-",
    ),
    "a tick in a box": ("Naam,E-mail,Komt\nJan,jan@example.org,checked\nKim,kim@example.org,\n", "+?"),
    "the address as the account's name": (
        "Tijdstempel,Gebruikersnaam,Kom je?\n25-2-2031 13:05:40,jan@example.org,Ja\n",
        "+",
    ),
    "parts of a report": (
        "Name\tFirst Join\tEmail\nJan\t4/17/31, 12:58:40 PM\tjan@example.org\n\n"
        "3. In-Meeting Activities\nName\tJoin Time\tEmail\nKim\t4/17/31, 12:58:40 PM\tkim@example.org\n",
        "++",
    ),
    "the form's own name": (
        "Form Name (ID),Submission ID,Created At,Naam,E-mail,Kom je?\n"
        "Aanmelden (a1),1,2031-02-25 13:05:40,Jan,jan@example.org,Nee\n",
        "-",
    ),
}


@pytest.mark.parametrize(("text", "answers"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_of_exports(tmp_path: Path, text: str, answers: str) -> None:
    found = rows(tmp_path, text)
    assert "".join({"attending": "+", "declined": "-", "": "?"}[said] for *_who, said in found) == answers
    assert [address for _name, address, _said in found] == [
        f"{name}@example.org" for name in ("jan", "kim", "els")[: len(answers)]
    ]
