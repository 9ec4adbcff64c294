"""How titles are written in a sentence."""

import pytest

from tests.templates.scenes import a_mail, an_event

TITLES = [
    ("Directeurendag", "de Directeurendag"),
    ("Directeurendag 2027", "de Directeurendag 2027"),
    ("MKW Directeurendag", "de MKW Directeurendag"),
    ("Najaarscongres", "het Najaarscongres"),
    ("Voorjaarsconferentie", "de Voorjaarsconferentie"),
    ("Webinar Warmtetransitie", "het webinar Warmtetransitie"),
    ("Webinar: Warmtetransitie", "het webinar Warmtetransitie"),
    ("Webinar", "het Webinar"),
    ("Themamiddag Wonen & zorg", "de themamiddag Wonen & zorg"),
    ("Themabijeenkomst netwerken", "de themabijeenkomst netwerken"),
    ("Studiereis Wenen", "de studiereis Wenen"),
    ("Studiereis naar Wenen", "de studiereis naar Wenen"),
    ("Studiereis", "de Studiereis"),
    ("Masterclass AI", "de masterclass AI"),
    ("Masterclass: leiderschap in de wijk", "de masterclass leiderschap in de wijk"),
    ("Werkbezoek Zwolle", "het werkbezoek Zwolle"),
    ("Werkbezoek aan Zwolle", "het werkbezoek aan Zwolle"),
    ("Bedrijfsbezoek", "het Bedrijfsbezoek"),
    ("ALV", "de ALV"),
    ("ALV 2027", "de ALV 2027"),
    ("ALV najaar", "de ALV najaar"),
    ("Algemene ledenvergadering", "de algemene ledenvergadering"),
    ("Buitengewone ledenvergadering", "de buitengewone ledenvergadering"),
    ("Jubileumdag 25 jaar MKW", "de jubileumdag 25 jaar MKW"),
    ("Nieuwjaarsontmoeting", "de Nieuwjaarsontmoeting"),
    ("Nieuwjaarsborrel", "de Nieuwjaarsborrel"),
    ("Nieuwjaarsreceptie 2028", "de Nieuwjaarsreceptie 2028"),
    ("Intervisie", "de Intervisie"),
    ("Intervisiemiddag", "de Intervisiemiddag"),
    ("Digitale ronde tafel", "de digitale ronde tafel"),
    ("Ronde tafel", "de ronde tafel"),
    ("Ronde tafel over verduurzaming", "de ronde tafel over verduurzaming"),
    ("Landelijke Huurdersdag", "de landelijke Huurdersdag"),
    ("Utrechtse Huurdersdag", "de Utrechtse Huurdersdag"),
    ("Dag van de Volkshuisvesting", "de Dag van de Volkshuisvesting"),
    ("De Dag van de Huurder", "de Dag van de Huurder"),
    ("Het grote woondebat", "het grote woondebat"),
    ("Woondebat", "het Woondebat"),
    ("Lunchlezing", "de Lunchlezing"),
    ("Lunchlezing over armoede", "de lunchlezing over armoede"),
    ("Kenniscafé Leefbaarheid", "het kenniscafé Leefbaarheid"),
    ("Symposium", "het Symposium"),
    ("Symposium Wonen met zorg", "het symposium Wonen met zorg"),
    ("Jubileumcongres 2030", "het Jubileumcongres 2030"),
    ("Tweedaagse", "de Tweedaagse"),
    ("Bestuurdersdiner", "het Bestuurdersdiner"),
    ("Bestuurlijk overleg", "het Bestuurlijk overleg"),
    ("Strategische heisessie", "de strategische heisessie"),
    ("Workshop aanbesteden", "de workshop aanbesteden"),
    ("Excursie Rotterdam-Zuid", "de excursie Rotterdam-Zuid"),
    ("Zomerbarbecue", "de Zomerbarbecue"),
    ("Lustrum", "het Lustrum"),
    ("Lustrumfeest", "het Lustrumfeest"),
    ("Leergang Toezicht", "de leergang Toezicht"),
    ("Netwerkontbijt", "het Netwerkontbijt"),
    ("Gesprek met de minister", "het gesprek met de minister"),
    ("Samen sterker", "de bijeenkomst ‘Samen sterker’"),
    ("Samen sterker: hoe dan?", "de bijeenkomst ‘Samen sterker: hoe dan?’"),
    ("De toekomst van wonen", "de bijeenkomst ‘De toekomst van wonen’"),
    ("Een nieuwe lente", "de bijeenkomst ‘Een nieuwe lente’"),
    ("Wonen op zondag", "de bijeenkomst ‘Wonen op zondag’"),
    ("Wat doen we vandaag?", "de bijeenkomst ‘Wat doen we vandaag?’"),
    ("Vooruit!", "de bijeenkomst ‘Vooruit!’"),
]


@pytest.mark.parametrize(("title", "words"), TITLES)
def test_a_title_in_a_sentence(title: str, words: str) -> None:
    mail = a_mail("invitation", event=an_event(title=title, theme=None))
    assert f"nodigen we je uit voor {words} op donderdag" in " ".join(mail.text.split())


def test_what_the_event_is_called_wins() -> None:
    event = an_event(title="Webinar Warmtetransitie", called="ons eigen webinar *Warmte*")
    assert "uit voor ons eigen webinar *Warmte* op" in " ".join(a_mail("invitation", event=event).text.split())
    assert "Ons eigen webinar *Warmte* van donderdag" in " ".join(a_mail("cancellation", event=event).text.split())
