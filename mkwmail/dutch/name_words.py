"""Words in and around names of people in Dutch lists, in lower case unless said."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Before a name, with or without a full stop. In Dutch mr. is a lawyer's degree; a nobleman's title counts as one here.
TITLES_BEFORE = _words(
    "bc drs dr dra ds ing ir lic mr prof professor doctor dominee pastoor pastor pater rabbijn imam jhr "
    "jkvr jonkheer jonkvrouw baron barones graaf gravin ridder"
)
TITLES_BETWEEN = _words("baron barones graaf gravin ridder")
# After a name. The short ones count in capitals only: Ma and Ba are surnames.
TITLES_BEHIND = _words(
    "bba bec beng bsc ciia emba emia fmva frics jr junior llb llm mba mcd mcm mfm mhba mmi mpa mphil mpm mre mrics "
    "msc mscre phd rics sr senior ai acc cfa cia cpc pmp"
)
SHORT_TITLES_BEHIND = _words("AA AAG BA BEd CPA EMA II III MA MEd MIM MM RA RB RC RE REP RI RO RR RT RTD RV")
# Before "heer" and "mevrouw".
POLITE = _words("aan de den geachte weledele weledelgeboren weledelgeleerde weledelgestrenge")

# A function behind a name is no part of it.
FUNCTIONS = _words(
    "adviseur bestuurder bestuurslid bestuurssecretaris commissaris controller coördinator directeur "
    "directeur-bestuurder directrice duobestuurder interim interim-bestuurder interim-directeur lid manager "
    "penningmeester plv plv. president programmamanager secretaris vicevoorzitter vice-voorzitter voorzitter wnd "
    "wnd. wethouder burgemeester ceo cfo coo"
)
# A text that is one of these, without spaces and signs, is a placeholder.
NO_PERSON = _words(
    "nvt nietvantoepassing onbekend nogonbekend onbekent unknown totaal total subtotaal eindtotaal nnb "
    "nognietbekend nietbekend ntb nogtebenoemen nadertebepalen naderbekendtemaken nogintevullen volgt naamvolgt tbd "
    "tba geen geennaam geencontactpersoon none null leeg vacature vacatures vacant nn x xx xxx"
)
# A text that begins with one of these is no name either.
VACANT = _words("vacature vacatures vacant vacature: vacant: totaal subtotaal totaal: total eindtotaal aantal")
# The first word of the name of an office.
OFFICES = _words(
    "administratie afd afd. afdeling algemeen balie bedrijfsbureau bestuur bestuursbureau bestuurssecretariaat "
    "bureau communicatie contact contactpersoon corporatie crediteurenadministratie directie directiesecretariaat "
    "facturen gemeente helpdesk hrm huurdersvereniging info ledenadministratie managementteam mt office organisatie "
    "postkamer postvak raad receptie redactie rvc rvt secretariaat secretaresse stichting team vereniging "
    "woningbouwvereniging woningcorporatie woningstichting woonstichting"
)

# First names that often follow another ("Jan Willem") or are short enough to be taken for initials ("KIM").
FIRST_NAMES = _words(
    "aad aafke aart abdel ad adam adri adriaan adriana agnes ahmed albert alexander ali alida amin an andries andré "
    "ank anke ann anna anne anneke annelies annemarie annemiek annie ans antje anton antoon ari arie arjan arjen "
    "art arthur astrid ayşe bart bas bastiaan beatrijs ben benjamin bep berend bernard bert bianca bo bob bram "
    "carel carla carolien caroline cas catharina cathrien cees charlotte chris christiaan christina claire coen cor "
    "cornelia cornelis daan dick diederik dirk dora dorien dorothea ed eddy edith eduard eef elisabeth elise "
    "elke ella els elsbeth emile emma eric erik ernst erwin esther eva evelien evert ewout fatima femke ferdinand "
    "floor floris fokke francine frank frans fred frederik freek frits geert geertje geertruida gerard gerda gerrit "
    "gert gijs greet guus gwen hanna hannah hanneke hans harm harry hassan heidi hein heleen helena hendrik "
    "hendrika henk henri henriette herman hermien hilda hub hugo huib ibrahim ida ids ilse ina ine ineke inge "
    "ingrid irene iris isa isabel ivo jaap jack jacob jacoba jacqueline jacques jan janneke janny jans jantine "
    "jasper jeanette jeanne jelle jeroen jet jo joachim joan joanna job joep johan johanna johannes john joke "
    "jolanda joop joost joris jos joseph josephine josé joyce judith julia jurgen jurriaan kai karel karin karl "
    "katharina kees kim klaas klaske koen koos lars laura lea leen lena leo leon leonard lex lia lies liesbeth "
    "lieve lilian lina linda lisa lisette liv loes louis louisa louise luc lucas lucia ludo luuk maaike maarten "
    "machteld magda manon marc marcel margreet margriet maria marian marianne marie marieke marije marijke mario "
    "marit marjan marjolein mark marleen martha martijn martin martine mary mathilde matthijs maud maurice max mees "
    "meike menno merel mia michael michel michiel mieke mien miep mike mirjam moh mohamed mohammed monique nadia "
    "naomi natalie nel nico nicolaas nicole niek niels nienke nina noor olaf olga oscar otto pam pascal pascale "
    "paul paula paulien peer peter petra petronella pien piet pieter pim rein reinier renate rené renée ria rianne "
    "richard rick rien rik rita rob robbert robert roel roelof roger roland rolf ron ronald roos rosa rosalie rose "
    "roy rozemarijn rudolf rutger ruth ruud sam sandra sanne sara sarah saskia sebastiaan siem sietse simon simone "
    "sjaak sjoerd sofie sophia sophie stan stef stefan steven suus suzanne sven sybren teun teunis thea theo "
    "theresia thijs thom thomas tim tina tineke titia tjeerd tjitske tobias tom ton tonie tonny toos trees trudy "
    "truus ulrich ursula vera victor vincent walter wendy wiel wies wil wilfred wilhelm wilhelmina willem willemien "
    "willemijn willy wim wouter yvette yvonne zoë"
)
# A capital at the beginning of a name is a prefix in these, and a first name in others (Do, Al).
FIRST_PREFIXES = _words("de den der el in la le op 's 't te ten ter van van't von")
INSIDE_SURNAMES = _words("e en genaamd gezegd of y")  # "Jansen of Lorkeers"
