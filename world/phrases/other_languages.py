"""Spanish and German wording of all causes: fewer phrases than in English, same keys. Data only."""

from __future__ import annotations

ES: dict[str, dict[str, str]] = {
    "fee_dispute": {
        "core": """me han cobrado {amount} de comisión sin avisar
aparece un cargo de {amount} que nunca acepté
la comisión de mantenimiento subió {when} sin explicación
me cobraron {n} veces la misma comisión""",
        "detail": "Nadie me avisó de este cargo.\nEn la web pone otra cosa.",
        "topic": "la comisión\nel cargo",
        "subject": "Comisión indebida\nCargo de {amount}",
    },
    "card_declined": {
        "core": """mi tarjeta fue rechazada {when} teniendo saldo
no pude pagar {amount} porque bloquearon la tarjeta
el datáfono rechazó mi tarjeta {n} veces
la tarjeta nueva no funciona en ninguna tienda""",
        "detail": "Pasé mucha vergüenza.\nHabía dinero de sobra en la cuenta.",
        "topic": "la tarjeta\nel pago",
        "subject": "Tarjeta rechazada\nTarjeta bloqueada en {place}",
    },
    "app_outage": {
        "core": """la aplicación no funciona desde {when}
la app se cierra sola al abrir los pagos
llevo {days} sin poder ver mis movimientos en el móvil
desde la actualización la pantalla queda en blanco""",
        "detail": "La he reinstalado {n} veces.\nLa página web tampoco carga.",
        "topic": "la aplicación\nla web",
        "subject": "La app no carga\nServicio caído",
    },
    "transfer_delay": {
        "core": """una transferencia de {amount} no ha llegado desde {when}
mi nómina sigue pendiente desde hace {days}
el dinero salió de mi cuenta y no aparece
el giro a mi casero está retenido desde {when}""",
        "detail": "El otro banco dice que no recibió nada.\nTuve que pedir dinero prestado.",
        "topic": "la transferencia\nel ingreso",
        "subject": "Transferencia perdida\n¿Dónde está mi dinero?",
    },
    "branch_wait": {
        "core": """esperé {hours} en la sucursal de {place} para firmar un papel
solo había una ventanilla abierta {when}
nadie sabía nada de mi cita en la oficina
la cola en {place} llegaba hasta la calle""",
        "detail": "Me fui sin que me atendieran.\nNadie dio explicaciones.",
        "topic": "la sucursal\nla cola",
        "subject": "Colas en {place}\nCita no respetada",
    },
    "fraud_handling": {
        "core": """alguien gastó {amount} con mi tarjeta y no me lo devuelven
denuncié el fraude {when} y nadie responde
bloquearon todas mis cuentas sin llamarme
mi reclamación por {n} pagos robados fue rechazada""",
        "detail": "Tengo la denuncia de la policía.\nNunca di mi clave a nadie.",
        "topic": "el fraude\nla reclamación",
        "subject": "Fraude en mi cuenta\nPagos no autorizados",
    },
    "account_access": {
        "core": """no puedo entrar en mi cuenta desde {when}
el código de seguridad no llega nunca
el enlace para cambiar la contraseña no funciona
la verificación falló {n} veces con mi pasaporte""",
        "detail": "Tengo recibos por pagar.\nDoy vueltas desde hace {days}.",
        "topic": "el acceso\nla contraseña",
        "subject": "Sin acceso\nNo puedo entrar",
    },
    "loan_delay": {
        "core": """mi hipoteca lleva {days} en revisión
he enviado las mismas nóminas {n} veces
el préstamo estaba aprobado y ahora está parado
cada semana piden otro documento para la hipoteca""",
        "detail": "El vendedor va a retirarse.\nNadie sabe decirme nada.",
        "topic": "la hipoteca\nel préstamo",
        "subject": "Hipoteca retrasada\nPréstamo pendiente",
    },
    "staff_conduct": {
        "core": """la persona que me atendió en {place} fue muy grosera
el agente me colgó {n} veces
me gritaron por teléfono {when}
se rieron de mi acento""",
        "detail": "Nunca me habían tratado así.\nYo hablé siempre con calma.",
        "topic": "el personal\nel trato",
        "subject": "Trato grosero\nFalta de respeto",
    },
    "wrong_information": {
        "core": """me dijeron una cosa por teléfono y otra por escrito
recibí {n} respuestas diferentes
la información de la web está equivocada
me aseguraron {when} que no faltaba nada y era falso""",
        "detail": "Apunté el nombre y la hora.\nCada vez cambia la historia.",
        "topic": "la información\nla respuesta",
        "subject": "Información falsa\nMal asesorado",
    },
    "network_outage": {
        "core": """no hay señal en {place} desde {when}
llevamos {days} sin servicio en toda la calle
las llamadas se cortan y luego no hay red
la antena de {place} está caída""",
        "detail": "Los vecinos con otra compañía sí tienen.\nTrabajo desde casa.",
        "topic": "la señal\nla cobertura",
        "subject": "Sin servicio en {place}\nSin señal",
    },
    "billing_error": {
        "core": """mi factura es {amount} más alta de lo contratado
me cobraron dos veces {when}
siguen facturando una línea que di de baja
falta el descuento prometido en la factura""",
        "detail": "Tengo la confirmación por escrito.\nEl banco tuvo que devolver el recibo.",
        "topic": "la factura\nel recibo",
        "subject": "Factura incorrecta\nCobro doble",
    },
    "slow_internet": {
        "core": """internet va lentísimo todas las noches
pago 500 y recibo {n} megas
las videollamadas se congelan desde {when}
la fibra va peor que el cable antiguo""",
        "detail": "Ya cambié el router.\nReinicié todo {n} veces.",
        "topic": "la velocidad\nel wifi",
        "subject": "Internet lento\nVelocidad muy baja",
    },
    "technician_no_show": {
        "core": """el técnico no vino {when} y perdí el día
es la visita número {n} que no se hace
la instalación lleva {days} de retraso
el instalador vino sin las piezas""",
        "detail": "Nadie llamó.\nTengo el mensaje que confirma la cita.",
        "topic": "el técnico\nla visita",
        "subject": "El técnico no vino\nCita perdida",
    },
    "porting_delay": {
        "core": """mi número lleva {days} sin portarse
perdí mi número en el cambio
la portabilidad fue cancelada sin avisar
la nueva tarjeta SIM sigue sin activar desde {when}""",
        "detail": "Mis clientes no me localizan.\nLas dos compañías se culpan.",
        "topic": "la portabilidad\nel número",
        "subject": "Portabilidad parada\nNúmero perdido",
    },
    "roaming_charges": {
        "core": """me cobraron {amount} de roaming en un viaje de dos días
el aviso llegó después de gastar {amount}
el bono de viaje no se aplicó
los datos en el extranjero costaron {amount}""",
        "detail": "Nadie avisó del coste.\nSolo usé el wifi del hotel.",
        "topic": "el roaming\nel bono de viaje",
        "subject": "Roaming de {amount}\nCargos en el extranjero",
    },
    "contract_terms": {
        "core": """renovaron mi contrato sin mi permiso
subieron el precio a mitad del contrato
quieren {amount} por darme de baja
me cambiaron de tarifa {when} sin preguntar""",
        "detail": "Yo no firmé eso.\nPedí una copia y no llega.",
        "topic": "el contrato\nla tarifa",
        "subject": "Contrato renovado\nSubida de precio",
    },
    "device_fault": {
        "core": """el móvil se apaga solo
el router se reinicia {n} veces al día
la pantalla quedó negra después de {days}
el taller tiene mi teléfono desde {when}""",
        "detail": "Está en garantía.\nEs peligroso.",
        "topic": "el móvil\nel router",
        "subject": "Router averiado\nMóvil roto",
    },
}

DE: dict[str, dict[str, str]] = {
    "fee_dispute": {
        "core": """mir wurden {amount} Gebühren berechnet, die niemand angekündigt hat
auf dem Auszug stehen {amount}, denen ich nie zugestimmt habe
die Kontoführung wurde {when} ohne Brief teurer
dieselbe Gebühr wurde {n} Mal abgebucht""",
        "detail": "Auf Ihrer Seite steht etwas anderes.\nDas wurde mir anders zugesagt.",
        "topic": "die Gebühren\ndie Abbuchung",
        "subject": "Unberechtigte Gebühr\nGebühr von {amount}",
    },
    "card_declined": {
        "core": """meine Karte wurde {when} trotz Guthaben abgelehnt
ich konnte {amount} nicht bezahlen, weil die Karte gesperrt war
das Terminal lehnte die Karte {n} Mal ab
die neue Karte geht in keinem Laden""",
        "detail": "Es war sehr peinlich.\nEs war genug Geld auf dem Konto.",
        "topic": "die Karte\ndie Zahlung",
        "subject": "Karte abgelehnt\nKarte gesperrt in {place}",
    },
    "app_outage": {
        "core": """die App geht seit {when} nicht mehr
die App stürzt bei jeder Überweisung ab
seit {days} sehe ich keine Umsätze auf dem Handy
seit dem Update bleibt der Bildschirm weiß""",
        "detail": "Ich habe sie {n} Mal neu installiert.\nDie Webseite lädt auch nicht.",
        "topic": "die App\ndie Webseite",
        "subject": "App lädt nicht\nDienst nicht verfügbar",
    },
    "transfer_delay": {
        "core": """eine Überweisung von {amount} ist seit {when} nicht angekommen
mein Gehalt hängt seit {days} fest
das Geld ist von meinem Konto weg und nirgends da
der Dauerauftrag für die Miete wurde nicht ausgeführt""",
        "detail": "Die andere Bank hat nichts erhalten.\nIch musste mir Geld leihen.",
        "topic": "die Überweisung\nder Geldeingang",
        "subject": "Überweisung fehlt\nWo ist mein Geld?",
    },
    "branch_wait": {
        "core": """ich stand {hours} in der Filiale in {place} wegen einer Unterschrift
nur ein Schalter war {when} offen
in der Filiale wusste niemand von meinem Termin
die Schlange in {place} ging bis auf die Straße""",
        "detail": "Ich bin unverrichteter Dinge gegangen.\nNiemand sagte etwas.",
        "topic": "die Filiale\ndie Schlange",
        "subject": "Wartezeit in {place}\nTermin nicht eingehalten",
    },
    "fraud_handling": {
        "core": """jemand hat {amount} mit meiner Karte ausgegeben und ich bekomme nichts zurück
ich habe den Betrug {when} gemeldet und höre nichts
alle Konten wurden ohne Anruf gesperrt
meine Meldung über {n} fremde Zahlungen wurde abgelehnt""",
        "detail": "Die Anzeige bei der Polizei liegt vor.\nIch habe die PIN nie weitergegeben.",
        "topic": "der Betrugsfall\ndie Reklamation",
        "subject": "Betrug auf meinem Konto\nFremde Zahlungen",
    },
    "account_access": {
        "core": """ich komme seit {when} nicht mehr in mein Konto
der Sicherheitscode kommt nie an
der Link für das neue Passwort ist tot
die Prüfung schlug {n} Mal mit gültigem Ausweis fehl""",
        "detail": "Ich muss Rechnungen bezahlen.\nSeit {days} drehe ich mich im Kreis.",
        "topic": "der Zugang\ndas Passwort",
        "subject": "Ausgesperrt\nAnmeldung geht nicht",
    },
    "loan_delay": {
        "core": """mein Kreditantrag liegt seit {days} in der Prüfung
ich habe dieselben Unterlagen {n} Mal geschickt
der Kredit war bewilligt und wird nicht ausgezahlt
jede Woche fehlt ein anderes Papier""",
        "detail": "Der Verkäufer springt bald ab.\nNiemand kann etwas sagen.",
        "topic": "der Kredit\ndie Baufinanzierung",
        "subject": "Kredit verzögert\nImmer noch keine Zusage",
    },
    "staff_conduct": {
        "core": """die Mitarbeiterin in {place} war unverschämt
man hat {n} Mal einfach aufgelegt
ich wurde {when} am Telefon angeschrien
man hat sich über meinen Akzent lustig gemacht""",
        "detail": "So wurde ich noch nie behandelt.\nIch blieb immer ruhig.",
        "topic": "das Personal\nder Ton",
        "subject": "Unfreundliches Personal\nKein Respekt",
    },
    "wrong_information": {
        "core": """am Telefon hieß es so und schriftlich anders
ich bekam {n} verschiedene Auskünfte
die Angaben auf Ihrer Seite sind falsch
mir wurde {when} zugesichert, dass nichts fehlt, das stimmte nicht""",
        "detail": "Name und Uhrzeit habe ich notiert.\nJedes Mal eine andere Geschichte.",
        "topic": "die Auskunft\ndie Beratung",
        "subject": "Falsche Auskunft\nSchlecht beraten",
    },
    "network_outage": {
        "core": """seit {when} kein Netz in {place}
die ganze Straße ist seit {days} ohne Empfang
Gespräche brechen ab und dann ist gar nichts mehr
der Mast bei {place} ist ausgefallen""",
        "detail": "Die Nachbarn mit anderem Anbieter haben Netz.\nIch arbeite von zu Hause.",
        "topic": "der Empfang\ndas Netz",
        "subject": "Kein Netz in {place}\nNetzausfall",
    },
    "billing_error": {
        "core": """meine Rechnung ist {amount} höher als vereinbart
es wurde {when} doppelt abgebucht
ein gekündigter Anschluss wird weiter berechnet
der versprochene Rabatt fehlt auf der Rechnung""",
        "detail": "Die Bestätigung habe ich schriftlich.\nMeine Bank musste zurückbuchen.",
        "topic": "die Rechnung\ndie Abbuchung",
        "subject": "Falsche Rechnung\nDoppelt abgebucht",
    },
    "slow_internet": {
        "core": """das Internet ist jeden Abend lahm
ich zahle für 500 und bekomme {n} Megabit
Videoanrufe frieren seit {when} ein
die Glasfaser ist langsamer als das alte Kabel""",
        "detail": "Router und Kabel sind neu.\nIch habe {n} Mal neu gestartet.",
        "topic": "die Geschwindigkeit\ndas WLAN",
        "subject": "Internet zu langsam\nLeistung weit unter Vertrag",
    },
    "technician_no_show": {
        "core": """der Techniker kam {when} nicht und der Tag war weg
das ist Termin Nummer {n}, der nicht stattfand
der Anschluss verzögert sich um {days}
der Monteur kam ohne Teile""",
        "detail": "Niemand rief an.\nDie Bestätigung per SMS habe ich.",
        "topic": "der Techniker\nder Termin",
        "subject": "Techniker kam nicht\nTermin geplatzt",
    },
    "porting_delay": {
        "core": """meine Nummer hängt seit {days} zwischen zwei Anbietern
beim Wechsel ging meine Nummer verloren
die Mitnahme wurde ohne Nachricht abgebrochen
die neue SIM ist seit {when} nicht aktiv""",
        "detail": "Kunden erreichen mich nicht.\nBeide Firmen schieben es auf die andere.",
        "topic": "die Rufnummernmitnahme\nder Wechsel",
        "subject": "Nummer nicht übernommen\nWechsel hängt",
    },
    "roaming_charges": {
        "core": """für zwei Tage Ausland wurden {amount} Roaming berechnet
die Warnung kam erst nach {amount}
der Reisepass für Daten galt plötzlich nicht
Daten im Ausland kosteten {amount}""",
        "detail": "Niemand hat gewarnt.\nIch war nur im Hotel-WLAN.",
        "topic": "das Roaming\ndie Auslandskosten",
        "subject": "Roaming {amount}\nAuslandskosten",
    },
    "contract_terms": {
        "core": """mein Vertrag wurde ohne Zustimmung verlängert
der Preis stieg mitten in der Laufzeit
für die Kündigung wollen Sie {amount}
mein Tarif wurde {when} ungefragt geändert""",
        "detail": "Das habe ich nie unterschrieben.\nEine Kopie kommt nicht.",
        "topic": "der Vertrag\nder Tarif",
        "subject": "Vertrag verlängert\nPreiserhöhung",
    },
    "device_fault": {
        "core": """das Handy schaltet sich selbst aus
der Router startet {n} Mal am Tag neu
der Bildschirm wurde nach {days} schwarz
die Werkstatt hat mein Telefon seit {when}""",
        "detail": "Es ist noch Garantie drauf.\nDas ist gefährlich.",
        "topic": "das Handy\nder Router",
        "subject": "Router defekt\nHandy kaputt",
    },
}
