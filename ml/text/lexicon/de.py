"""German: feeling (-3 to 3), negation, strength, contrast, urgency and what kind of text it is. Data only."""

from __future__ import annotations

FUNCTION_WORDS = """
    der, die, das, und, ich, ist, nicht, ein, eine, zu, mit, auf, es, mir, mich, mein, meine, sie, ihr, ihre,
    für, von, den, dem, des, wurde, habe, hat, bei, aber, auch, noch, im, seit, nach, wir, uns, einen, einem,
    einer, war, wird, kein, keine, so, wenn, dass, weil, über, zum, zur, am, wie, sehr, schon, nur, mehr, vom,
    bitte, bin, haben, werden, sich, man, oder
    """

VALENCE: dict[int, str] = {
    3: """
    ausgezeichnet*, hervorragend*, großartig*, fantastisch*, perfekt*, wunderbar*, begeistert, klasse, spitze,
    super, exzellent*, erstklassig*, liebe, überragend*, besten, beste, bester, sensationell*, vorbildlich*,
    einwandfrei*, top
    """,
    2: """
    gut, gute, guten, guter, gutes, toll, tolle, tollen, toller, tolles, schön, schöne, schönen, schöner,
    zufrieden, zufriedene*, glücklich, freundlich, freundliche, freundlichen, freundlicher, hilfsbereit*,
    hilfreich*, nett, nette, netten, netter, höflich*, danke, dank, dankbar, bedanken, bedanke, empfehle,
    empfehlenswert, schnell, schnelle, schnellen, schneller, schnelles, einfach zu, zuverlässig*, kompetent*,
    professionell*, angenehm*, lob, gelöst, problemlos*, reibungslos*, freut, freue, gefällt, gefallen,
    lobenswert, fair, faire, übersichtlich, verständlich*, geduldig, sympathisch, weiter so, erfreulich*, mag
    """,
    1: """
    ok, okay, in ordnung, besser, bessere, verbessert, funktioniert, geholfen, hilft, nützlich, pünktlich,
    richtig, sauber, günstig, modern, bequem, ordentlich*, passt, hoffentlich, geklappt, klappt, unterstützung,
    freundliche grüße, verständnis
    """,
    -1: """
    langsam*, spät, warte, warten, wartezeit*, gewartet, warteschleife, problem*, fehler*, falsch*,
    kompliziert*, schwierig*, schwer, teuer, teure, fehlt, fehlen, fehlte, verloren, verlust, leider, sorge*,
    besorgt, verzöger*, verspät*, storniert, abgelehnt*, verweiger*, gesperrt*, sperre, blockiert*, hängt,
    abgestürzt, stürzt, absturz, störung*, gestört, ausfall*, ausgefallen, beschwer*, beschwerde*, unklar*,
    verwirr*, umständlich*, lästig, nervt, nervig, nerven, unangenehm*, mangel*, mangelhaft*, vergessen,
    verpasst, ignorier*, niemand, keine antwort, keine reaktion, aufgelegt, unerwartet*, zweifel*, abgebucht,
    mahnung*, aufwand, umsonst, vergeblich, unterbrochen, bricht ab, abgebrochen, vertröstet
    """,
    -2: """
    schlecht, schlechte, schlechten, schlechter, schlechtes, schlimm*, enttäusch*, unzufrieden*, unfreundlich*,
    unhöflich*, frech*, verärgert, ärger*, ärgerlich*, wütend*, sauer, böse, frustrier*, frust, unverschämt*,
    inkompetent*, unfähig*, lächerlich*, unmöglich*, unzuverlässig*, unprofessionell*, unfair*, nutzlos*,
    sinnlos*, kaputt, chaos, chaotisch*, mies, miese, miesen, mieser, peinlich*, gelogen, lüge*, lügen, betrug*,
    betrogen, betrüger*, abzocke, abgezockt, gestohlen, geklaut, schaden, beschädigt*, drohung*, bedroht, angst,
    nie wieder, zeitverschwendung, verschwendung, schäme, schande, traurig*, stress*, verzweif*, schmerz*,
    unverständlich*, arrogant*, respektlos*, beleidig*, angeschrien, ausgelacht, dreist*, mist, blöd*,
    bescheuert, unseriös*, reicht mir
    """,
    -3: """
    schrecklich*, furchtbar*, katastroph*, entsetzlich*, grauenhaft*, grauenvoll*, unerträglich*, inakzeptabel*,
    skandal*, unter aller sau, schlechteste*, horror, hölle, kriminell*, widerlich*, ekelhaft*, empörend*,
    empört, unfassbar, albtraum, alptraum
    """,
}

NEGATIONS = """
    nicht, nich, kein, keine, keinen, keinem, keiner, keines, nie, niemals, ohne, weder, nichts, kaum, niemand,
    nirgends
    """
NO_DENIAL = """
    nicht nur, kein wunder, kein problem, keine probleme, kein zweifel, nichts als, kein grund zur klage
    """

STRONGER = """
    sehr, wirklich, extrem, absolut, total, völlig, komplett, unglaublich, besonders, äußerst, richtig, echt,
    so, zu, höchst, überaus, dermaßen, sowas von, unheimlich, verdammt
    """
WEAKER = """
    etwas, ein wenig, ein bisschen, bisschen, leicht, fast, ziemlich, teilweise, eher, relativ, einigermaßen,
    halbwegs
    """

CONTRAST = "aber, jedoch, allerdings, dennoch, trotzdem, obwohl, leider, hingegen, dagegen, doch"
ADDITION = "und, außerdem, zudem, auch, dann, weil, dazu"

URGENCY: dict[str, str] = {
    "urgent": """
    dringend*, sofort, sofortig*, umgehend*, eilt, eilig*, unverzüglich*, schnellstmöglich*, so schnell wie
    möglich, notfall*, höchste zeit, auf der stelle, allerhöchste
    """,
    "deadline": """
    heute, heute noch, noch heute, bis morgen, morgen früh, bis montag, bis dienstag, bis mittwoch, bis
    donnerstag, bis freitag, vor dem wochenende, frist, fristen, stichtag, fällig, innerhalb von # stunden,
    binnen # stunden, innerhalb von # tagen, in # stunden, bis ende der woche
    """,
    "desperate": """
    verzweifelt*, verzweiflung, bitte helfen, helfen sie mir, brauche hilfe, brauche ihre hilfe, weiß nicht mehr
    weiter, am ende, kein geld, nicht bezahlen, nicht zahlen, nicht schlafen, den tränen, weine, panik, angst,
    hilflos*, angewiesen, letzte hoffnung, miete
    """,
    "anger": """
    wütend*, sauer, unverschämt*, frechheit, inakzeptabel*, lächerlich*, reicht mir, es reicht, mir reicht, die
    nase voll, schnauze voll, stinksauer, empört, empörend*, skandal*, unfassbar, unmöglich, katastroph*, geduld
    ist am ende, keine geduld, schande, verärgert, unter aller sau, ärger*, ärgerlich
    """,
    "repeated_contact": """
    zum zweiten mal, zum dritten mal, zum vierten mal, # mal, schon wieder, immer wieder, immer noch nicht,
    immer noch kein, immer noch keine, noch immer, keine antwort, keine reaktion, keine rückmeldung, niemand
    meldet, niemand ruft, mehrfach, mehrmals, etliche male, erneut, hingehalten, vertröstet, warte seit, seit
    wochen, seit tagen, nach # anrufen, # anrufe, nie zurückgerufen, wie gesagt, weiterverbunden, ignoriert
    """,
    "threat": """
    anwalt*, anwält*, rechtsanwalt*, verklag*, gericht, klage, rechtliche schritte, ombudsmann, bafin,
    aufsichtsbehörde*, polizei, anzeige, presse, verbraucherzentrale*, kündige, kündigen, kündigung, wechsle,
    wechseln, nie wieder, konto auflösen, vorgesetzte*, ihren chef
    """,
}

KIND: dict[str, str] = {
    "suggestion": """
    wäre schön wenn, wäre gut wenn, wäre toll wenn, wäre super wenn, wäre hilfreich, es wäre schön, es wäre gut,
    es wäre toll, es wäre besser, wünsche mir, würde mir wünschen, ich wünschte, mein vorschlag, vorschlag,
    vorschläge, verbesserungsvorschlag*, ich schlage vor, schlage vor, anregung*, könnten sie nicht, könnten sie
    bitte noch, warum nicht, sie sollten, man sollte, man könnte, bitte fügen, bitte führen, bitte bieten, würde
    helfen, wenn es eine möglichkeit, idee, eine option, vielleicht könnten
    """,
    "praise": """
    vielen dank, herzlichen dank, danke für, danke an, besten dank für, weiter so, gut gemacht, toll gemacht,
    großes lob, ein lob, lob an, sehr zufrieden, rundum zufrieden, sehr freundlich, sehr nett, sehr hilfsbereit,
    super service, toller service, guter service, bin begeistert, kann ich nur empfehlen, kompliment*, nichts zu
    beanstanden, hervorragend*
    """,
    "problem": """
    problem*, fehler*, beschwer*, funktioniert nicht, geht nicht, klappt nicht, funktionieren nicht, kaputt,
    erstattung, zurückerstatt*, rückerstattung, doppelt abgebucht, zu viel, immer noch nicht, nie erhalten,
    nicht erhalten, nicht angekommen, fehlt, fehlen, verloren, storniert, verspät*, verzöger*, gesperrt*,
    abgelehnt*, falsch*, keine antwort, niemand, unfreundlich*, aufgelegt, warteschleife, störung*, abgestürzt,
    stürzt, kann mich nicht, kann nicht, konnte nicht, ausfall*, beschädigt*, enttäusch*, warte, gewartet,
    gebühr*, betrug*, abgebucht, schlecht*, verweiger*
    """,
}
