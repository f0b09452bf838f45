"""Wording shared by all causes, per language: openings, consequences, requests, endings, tone, and carriers of personal data.

One phrase a line; at most one slot in braces a line; an empty tuple entry is written as `-`. Data only.
"""

from __future__ import annotations

EN: dict[str, str] = {
    "opener": """Hello,
Hi there,
To whom it may concern,
Dear sir or madam,
Good morning,
I am writing because
I have never complained before but
This is the second time I write:
Honestly,
Listen,
I cannot believe this.
Once again
Well,
So,
Just to let you know,
Following my call {when},
After {n} calls I give up and write:
I am a customer since many years and
For {days} now I have been trying to solve this.
Please read this to the end.
You asked for feedback, here it is:
Where do I start?
Not happy at all.
Very disappointed.
I need your help.
As I said {when} already,
My patience is over.
Short version:
I would like to report that
Let me be clear:""",
    "consequence": """I had to take {hours} off work for this.
This cost me {amount} so far.
I have spent {hours} on hold.
My family depends on this.
I called {n} times and was passed around.
I am embarrassed and angry.
It ruined our weekend in {place}.
I had to cancel plans {when}.
Nobody called me back as promised.
I feel completely ignored.
My rent is due and I have no answer.
I missed a deadline because of you.
The whole thing has dragged on for {days}.
I am thinking of going to the ombudsman.
I am seriously considering to leave after all these years.
It is the third problem this year.
I am a carer and do not have time for this.
I had to drive to {place} and back for nothing.
I lost {amount} over it.
It is not the end of the world, but it is annoying.
I was cut off after {hours} in the queue.
My business lost a customer {when}.
Since then I check everything {n} times.
My wife had exactly the same experience.
I could not sleep.""",
    "ask": """Please call me back.
I want my money back.
Please explain what happened.
I expect a written answer within {days}.
Can somebody please look into this?
Fix it or I am gone.
I want to speak to a supervisor.
What are you going to do about it?
Please confirm when this will be solved.
Just sort it out.
I would like an apology at least.
Kindly advise on the next step.
I request compensation of {amount}.
Do not send me a standard letter.
Please close my account if you cannot fix it.
Send somebody who knows what they are doing.
I would appreciate a quick reply.
Please correct it by the end of the week.
I want this escalated.
Tell me who is responsible.""",
    "closer": """Thanks.
Regards
Kind regards
Thank you for your attention.
Waiting for your answer.
Not impressed.
A long standing customer
Yours sincerely
!!!
Unbelievable.
Cheers
Sent from my phone
Very sad.
I hope you do better.
Enough said.
Have a nice day.
Best
Do better.
Never again.
Disappointed customer from {place}""",
    "link": """On top of that,
And another thing:
Besides,
As if that were not enough,
Also,
While I am at it:
Separately,
The second problem is that
And then""",
    "negation": """I have no complaint about {topic}.
It is not about {topic} this time.
{topic} is fine, that is not the problem.
Do not tell me it is {topic}, it is not.
To be fair, I was never unhappy with {topic}.
Everybody complains about {topic}, I do not.""",
    "sarcasm_before": """Great job, really.
Five stars for imagination.
Wonderful service as always.
Congratulations, you did it again.
I am so impressed.
What a lovely surprise:
Fantastic, truly world class.
Thank you so much for brightening my day:
Brilliant.
Just what I needed:""",
    "sarcasm_after": """Keep up the good work.
Absolutely flawless, well done.
I could not be happier, obviously.
You must be so proud.
Can't wait for the next surprise.
Ten out of ten for effort.
Thanks a bunch.
Slow clap.""",
    "vague": """I still do not have an answer
nothing has been done since {when}
it is still not working
the problem is back again
nobody can tell me what is going on
I have been waiting for {days} and nothing happens
you promised to sort it out {when} and did not
it is the same mess as last time
my case seems to be lost
I get passed from one person to the next""",
    "mild": """It was okay.
Average, nothing special.
Fine so far, could be faster.
Works most of the time.
No strong feelings.
It took {days} but was solved in the end.
Decent service, a bit slow on the phone.
Good in general, expensive though.
Could be better, could be worse.
Fair enough. I waited {hours} on hold.
The answer was fine but I had to ask {n} times.
Reasonable, although the first contact {when} was confusing.""",
    "praise_open": """Very happy:
Credit where it is due,
Thank you,
Excellent,
All good,
Just wanted to say
Really pleased,
Ten out of ten,
Great experience,
I was surprised how well it went,
Top service {when},
For once something positive:
After {n} years with you I can say
In {place}""",
    "praise_close": """Thank you so much.
I will recommend you.
Keep it up!
Five stars.
My friends in {place} should switch too.
That is how it should be.
Solved within {hours}.
Much better than {days} ago.
Well done.
A pleasure.""",
    "carrier_email": """My e-mail is {value}.
Write to {value} please.
You can reach me at {value}
Reply to {value}, not to the old address.""",
    "carrier_phone": """Call me on {value}.
My number is {value}.
Best reached at {value} after five.
Phone: {value}""",
    "carrier_card": """The card number is {value}.
It concerns card {value}.
Card {value}, valid until next year.
I paid with {value} as usual.""",
    "carrier_iban": """My IBAN is {value}.
Please pay it to {value}.
The account is {value}.
Refund to {value}, thank you.""",
    "carrier_name": """My name is {value}.
This is {value} speaking.
I am {value}.
Signed, {value}
Name on the account: {value}""",
    "carrier_employee": """I spoke to {value} about it.
{value} promised to call back.
Your colleague {value} knows the case.
I dealt with {value} at the desk.""",
    "carrier_reference": """My reference is {value}.
Case number {value}.
The tracking code was {value}.""",
    "carrier_order": """Order no. {value}.
It is about order {value}.
See your letter {value}.""",
    "agent_open": """Cust called re {topic}.
Customer upset about {topic}.
Caller reports problem with {topic}.
Chat transferred, subject {topic}.
Second contact about {topic}.
Cx contacted us about {topic}, see history.
Inbound, {topic}. Verified caller.""",
    "agent_action": """Checked system, no error visible.
Raised with back office {when}.
Advised {days} for an answer.
Offered goodwill of {amount}, not accepted.
Promised a callback {when}.
Explained the process, customer not satisfied.
Passed to the second line.
Apologised on behalf of the company.
Known issue, linked to the incident.
Asked for documents, received {n} so far.
Left voicemail {when}.
Policy does not allow more, told the customer so.
Reset done from our side, test ok.
Wrong code chosen earlier, corrected.""",
    "agent_close": """Will follow up.
Pls monitor.
Customer calm at the end.
High churn risk imo.
Nothing further.
Awaiting reply from {place}.
Escalate if no answer in {days}.
Closing for now.""",
    "qa": """Greeting and verification in order.
Did not acknowledge the emotion of the caller.
Wrong reason code chosen.
Clear explanation of {topic}.
Long silence, caller left waiting {hours} in total.
Policy on {topic} was quoted incorrectly.
Good ownership, promised callback kept.
Talked over the customer {n} times.
Closing question missing.
Correct handling of {topic}, notes complete.
Compensation of {amount} offered without approval.""",
    "escalation": """Customer insists on a supervisor about {topic}.
Third contact about {topic} without a solution.
Regulator mentioned in connection with {topic}.
Solicitor's letter received {when}, subject {topic}.
Journalist asked about {topic}.
Vulnerable customer affected by {topic}, handle with priority.
Open for {days}, team lead informed.
Claim of {amount} made.""",
    "resolution_note": """Explained and closed.
Credit of {amount} booked {when}.
Specialist fixed {topic}.
Customer informed by phone {when}.
Customer not reachable after {n} attempts.
Apology sent for {topic}.
Process error confirmed for {topic}.""",
    "receipt": """We have received your request and will come back to you.
Thank you for contacting us. This is an automatic message.""",
    "follow_up": """Any news on {topic}?
I am still waiting since {when}.
It has been {days} now.
You closed this but {topic} is still not right.
Please reopen, nothing has changed about {topic}.
I called again {when}, {n} minutes on hold.
Is anybody reading this? It is about {topic}.""",
    "subject_plain": """Complaint
Please help
Urgent
Question
Second request
Feedback
Problem
Your service""",
    "review_bad": """Avoid
Disappointed
Never again
Terrible
One star is too much
Going downhill
Stay away
Used to be good""",
    "review_good": """Great
Very good
Recommended
Happy customer
Five stars
Simple and quick""",
}

ES: dict[str, str] = {
    "opener": """Hola,
Buenos días,
Estimados señores,
Escribo porque
Es la segunda vez que escribo:
Después de {n} llamadas escribo:
Estoy muy molesto,
Como dije {when},
Soy cliente desde hace años y
Llevo {days} intentando resolver esto.""",
    "consequence": """He perdido {hours} al teléfono.
Me ha costado {amount} hasta ahora.
Llamé {n} veces y nadie ayuda.
Me siento ignorado.
Tuve que ir a {place} para nada.
Esto dura ya {days}.
Estoy pensando en irme.
Perdí un día de trabajo {when}.""",
    "ask": """Por favor, llámenme.
Quiero mi dinero.
Exijo una respuesta en {days}.
¿Qué van a hacer?
Quiero hablar con un responsable.
Pido una compensación de {amount}.
Arréglenlo ya.""",
    "closer": "Gracias.\nUn saludo\nAtentamente\nMuy decepcionado.\nEspero su respuesta.\nSaludos desde {place}",
    "link": "Además,\nY otra cosa:\nPor si fuera poco,\nTambién",
    "negation": "No me quejo de {topic}.\nEsta vez no se trata de {topic}.\nCon {topic} no tengo problema.",
    "sarcasm_before": "Enhorabuena, otra vez.\nMaravilloso servicio.\nQué sorpresa tan bonita:",
    "sarcasm_after": "Sigan así.\nUn diez, de verdad.\nEstarán orgullosos.",
    "vague": """sigo sin respuesta
no han hecho nada desde {when}
sigue sin funcionar
llevo {days} esperando
el problema ha vuelto""",
    "mild": """Normal.
Correcto, nada especial.
Se resolvió en {days}.
Bien, pero esperé {hours}.
Podría ser mejor.""",
    "praise_open": "Muy contento:\nGracias,\nExcelente,\nTodo perfecto {when},\nBuen trato en {place},",
    "praise_close": "Los recomiendo.\nSigan así.\nResuelto en {hours}.\nMuchas gracias.",
    "carrier_email": "Mi correo es {value}.\nEscriban a {value}",
    "carrier_phone": "Mi teléfono es {value}.\nLlámenme al {value}",
    "carrier_card": "El número de tarjeta es {value}.\nSe trata de la tarjeta {value}",
    "carrier_iban": "Mi IBAN es {value}.\nIngresen en {value}",
    "carrier_name": "Me llamo {value}.\nSoy {value}.",
    "carrier_employee": "Hablé con {value}.\nMe atendió {value}.",
    "carrier_reference": "Mi referencia es {value}.",
    "carrier_order": "Pedido n.º {value}.",
    "subject_plain": "Queja\nAyuda\nUrgente\nReclamación",
    "review_bad": "Decepción\nNunca más\nFatal",
    "review_good": "Muy bien\nRecomendado",
    "follow_up": """¿Hay noticias sobre {topic}?
Sigo esperando desde {when}.
Ya son {days}.
Lo cerraron, pero {topic} sigue mal.""",
}

DE: dict[str, str] = {
    "opener": """Hallo,
Guten Tag,
Sehr geehrte Damen und Herren,
Ich schreibe, weil es nicht mehr geht:
Nach {n} Anrufen schreibe ich jetzt:
Ich bin seit Jahren Kunde,
Wie schon {when} gesagt:
Ich bin sehr enttäuscht,
Seit {days} versuche ich das zu klären.""",
    "consequence": """Ich hing {hours} in der Warteschleife.
Das hat mich bisher {amount} gekostet.
Ich habe {n} Mal angerufen.
Ich fühle mich ignoriert.
Ich bin umsonst nach {place} gefahren.
Das zieht sich seit {days}.
Ich überlege zu wechseln.
Ich musste {when} freinehmen.""",
    "ask": """Bitte rufen Sie mich an.
Ich will mein Geld zurück.
Ich erwarte eine Antwort innerhalb von {days}.
Was tun Sie dagegen?
Ich möchte einen Vorgesetzten sprechen.
Ich verlange {amount} Entschädigung.
Bringen Sie das in Ordnung.""",
    "closer": "Danke.\nMit freundlichen Grüßen\nViele Grüße\nSehr enttäuscht.\nIch warte.\nGrüße aus {place}",
    "link": "Außerdem:\nUnd noch etwas:\nDazu kommt:\nAbgesehen davon:",
    "negation": """Es geht diesmal nicht um Folgendes: {topic}.
Kein Problem ist für mich {topic}.
Nicht schuld ist {topic}.""",
    "sarcasm_before": "Ganz große Klasse.\nHerzlichen Glückwunsch, schon wieder.\nWas für eine schöne Überraschung:",
    "sarcasm_after": "Weiter so.\nEine glatte Eins.\nSie können stolz sein.",
    "vague": """ich habe immer noch keine Antwort
seit {when} ist nichts passiert
es geht immer noch nicht
ich warte seit {days}
das Problem ist wieder da""",
    "mild": """Ging so.
In Ordnung, nichts Besonderes.
Nach {days} gelöst.
Gut, aber {hours} Wartezeit.
Könnte besser sein.""",
    "praise_open": "Sehr zufrieden:\nDanke,\nAusgezeichnet,\nAlles bestens {when},\nGuter Service in {place},",
    "praise_close": "Ich empfehle Sie weiter.\nWeiter so!\nIn {hours} gelöst.\nVielen Dank.",
    "carrier_email": "Meine E-Mail ist {value}.\nSchreiben Sie an {value}",
    "carrier_phone": "Meine Nummer ist {value}.\nErreichbar unter {value}",
    "carrier_card": "Die Kartennummer ist {value}.\nEs geht um Karte {value}",
    "carrier_iban": "Meine IBAN ist {value}.\nBitte auf {value} überweisen",
    "carrier_name": "Mein Name ist {value}.\nIch heiße {value}.",
    "carrier_employee": "Ich sprach mit {value}.\nZuständig war {value}.",
    "carrier_reference": "Mein Zeichen ist {value}.",
    "carrier_order": "Bestellung Nr. {value}.",
    "subject_plain": "Beschwerde\nBitte um Hilfe\nDringend\nAnfrage",
    "review_bad": "Enttäuscht\nNie wieder\nSchlecht",
    "review_good": "Sehr gut\nEmpfehlenswert",
    "follow_up": """Gibt es Neues? Es geht um Folgendes: {topic}.
Ich warte seit {when}.
Es sind jetzt {days}.
Immer noch nicht in Ordnung: {topic}.""",
}

ES_PRAISE = """todo fue rápido y claro
el trato fue muy amable
lo resolvieron a la primera
la atención en {place} fue excelente"""
DE_PRAISE = """alles ging schnell und klar
die Beratung war sehr freundlich
es wurde beim ersten Mal gelöst
der Service in {place} war hervorragend"""

DAYS: dict[str, str] = {
    "en": """two days
three days
four days
five days
six days
a week
8 days
nine days
ten days
twelve days
two weeks
a fortnight
16 days
17 days
18 days
three weeks
23 days
almost a month
a month
five weeks
six weeks
45 days
two months
72 hours
over a week
11 working days""",
    "es": """dos días
tres días
cuatro días
cinco días
una semana
ocho días
diez días
dos semanas
tres semanas
un mes
seis semanas
dos meses""",
    "de": """zwei Tagen
drei Tagen
vier Tagen
fünf Tagen
einer Woche
acht Tagen
zehn Tagen
zwei Wochen
drei Wochen
einem Monat
sechs Wochen
zwei Monaten""",
}
HOURS: dict[str, str] = {
    "en": """half an hour
40 minutes
an hour
70 minutes
an hour and a half
two hours
2.5 hours
three hours
half a day
45 minutes
55 min
four hours""",
    "es": "media hora\nuna hora\ndos horas\ntres horas\n45 minutos\nmedio día",
    "de": "eine halbe Stunde\neine Stunde\nzwei Stunden\ndrei Stunden\n45 Minuten\neinen halben Tag",
}
WHEN: dict[str, str] = {
    "en": """on Monday
on Tuesday
on Wednesday
on Thursday
on Friday
at the weekend
last Monday
last week
yesterday
earlier this week
the other day
last Friday evening""",
    "es": "el lunes\nel martes\nel miércoles\nel jueves\nel viernes\nayer\nla semana pasada",
    "de": "am Montag\nam Dienstag\nam Mittwoch\nam Donnerstag\nam Freitag\ngestern\nletzte Woche",
}
MONTHS: dict[str, str] = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}
MISSPELLINGS: tuple[tuple[str, str], ...] = (
    ("receive", "recieve"),
    ("because", "becuase"),
    ("already", "allready"),
    ("account", "acount"),
    ("the ", "teh "),
    ("your", "ur"),
    ("customer", "costumer"),
    ("definitely", "definately"),
    ("without", "wihtout"),
    ("separate", "seperate"),
    ("people", "poeple"),
    ("please", "pls"),
    ("money", "mony"),
    ("charged", "chraged"),
    ("waiting", "waitting"),
    ("nobody", "noone"),
    ("number", "nr"),
    ("appointment", "apointment"),
    ("transfer", "tranfer"),
    ("internet", "intenet"),
)
