"""Spanish: feeling (-3 to 3), negation, strength, contrast, urgency and what kind of text it is. Data only."""

from __future__ import annotations

FUNCTION_WORDS = """
    el, la, los, las, de, que, y, en, un, una, me, mi, mis, no, es, por, con, para, se, lo, su, sus, le, les,
    del, al, como, muy, pero, ha, han, he, desde, sin, más, ya, esta, este, esto, está, cuando, porque, hace,
    nos, yo, todo, hay, fue, son, era, si, sobre, nadie, tengo, tiene, sigue, usted, ustedes, estoy, qué, dos,
    también, hasta, donde, nada, ni, solo, otra, otro
    """

VALENCE: dict[int, str] = {
    3: """
    excelente*, fantástic*, maravillos*, perfect*, increíble servicio, estupend*, magnífic*, genial*, encanta,
    encantado, encantada, espectacular*, inmejorable*, mejor banco, mejores, extraordinari*, sobresaliente*, de
    lujo, impecable*, de diez
    """,
    2: """
    bueno, buena, buenos, buenas, buen, bien, feliz, contento, contenta, contentos, contentas, amable*,
    amabilidad, atento, atenta, agradable*, agradecid*, agradezco, gracias, rápido, rápida, rápidos, rápidas,
    rápidamente, fácil, fáciles, fácilmente, eficiente*, eficaz*, satisfech*, recomiendo, recomendable*,
    profesional*, confianza, confiable*, claro y, útil*, me gusta, me gustó, me gustan, gustado, resuelto,
    solucionado, solucionaron, resolvieron, felicit*, enhorabuena, educad*, simpátic*, cómod*, correctamente,
    mejor
    """,
    1: """
    vale, correcto, correcta, funciona, funcionan, ayudó, ayudaron, ayudan, puntual*, honest*, paciente,
    pacientes, limpio, limpia, barato, barata, modern*, mejorado, mejora, mejoras, ojalá, comprensión,
    interesante, normal
    """,
    -1: """
    lent*, lentitud, tarde, espera, esperando, esperar, esperé, problema*, error*, equivocad*, mal, complicad*,
    difícil*, caro, cara, caros, caras, falta, faltan, perdid*, perdí, perder, lamentablemente,
    desgraciadamente, preocupad*, preocupa, retras*, retraso*, demora*, cancelad*, rechazad*, rechazó, niegan,
    negaron, bloquead*, bloqueo, bloquearon, colgad*, colgó, colgaron, cae, caíd*, fallo*, falla*, falló,
    avería*, averiad*, queja*, quejar*, reclam*, confus*, molest*, incómod*, ignor*, nadie, sin respuesta, sin
    explicación, sin avisar, cobrado, cobraron, cobran, cargo, retenid*, pendiente, duda*, cort*, tardan,
    tardaron
    """,
    -2: """
    malo, mala, malos, malas, peor, decepcion*, insatisfech*, descontent*, enfad*, enojad*, furios*, frustra*,
    grosero*, grosera*, maleducad*, antipátic*, ridícul*, injust*, inútil*, incompetente*, incompetencia, roto,
    rota, caos, desastroso*, deficiente*, mentir*, mentira*, mintieron, mienten, estafa*, estafad*, robo,
    robaron, robad*, engañ*, daño*, dañad*, amenaza*, miedo, nunca más, tiempo perdido, pérdida de tiempo,
    vergüenza, vergonzos*, triste*, estrés, desesperad*, dolor, irrespetuos*, insult*, fraude*, abuso*, abusiv*,
    hart*, cansad*, no sirve, no sirven, asco, burla, arrogante*, gritó, gritaron, indignad*, poco profesional
    """,
    -3: """
    pésim*, horrible*, terrible*, fatal*, desastre*, inaceptable*, intolerable*, indignante*, asqueros*,
    repugnante*, lamentable*, catastrófic*, catástrofe, escándalo, ladrones, sinvergüenza*, criminal*, infierno,
    pesadilla*, espantos*, la peor, el peor
    """,
}

NEGATIONS = "no, nunca, jamás, sin, ni, tampoco, nada, nadie, ningún, ninguna, ninguno, apenas"
NO_DENIAL = """
    no solo, no sólo, sin duda, sin dudas, no hay problema, sin problema, sin problemas, ningún problema, nada
    más que, sin embargo, no obstante
    """

STRONGER = """
    muy, realmente, extremadamente, absolutamente, totalmente, completamente, tan, tanto, demasiado, sumamente,
    super, súper, bastante, más, verdaderamente
    """
WEAKER = "algo, un poco, poco, casi, ligeramente, parcialmente, más o menos, relativamente, regular"

CONTRAST = "pero, sino, aunque, sin embargo, no obstante, lamentablemente, desgraciadamente, a pesar"
ADDITION = "y, además, también, luego, entonces, porque, aparte"

URGENCY: dict[str, str] = {
    "urgent": """
    urgente*, urgencia, urgentemente, inmediat*, cuanto antes, lo antes posible, ya mismo, ahora mismo, de
    inmediato, emergencia, con prisa
    """,
    "deadline": """
    hoy, hoy mismo, esta tarde, esta noche, antes de mañana, mañana por la mañana, antes del lunes, antes del
    viernes, fin de semana, plazo, vence, en # horas, en # días, dentro de # horas, fecha límite, antes del fin
    de semana
    """,
    "desperate": """
    desesperad*, ayúdenme, ayúdeme, por favor ayuda, necesito ayuda, necesito su ayuda, no sé qué hacer, último
    recurso, sin dinero, no puedo pagar, no puedo dormir, no pude dormir, llorando, pánico, miedo, angusti*,
    alquiler
    """,
    "anger": """
    furios*, enfad*, enojad*, indignad*, indignante*, inaceptable*, ridícul*, harto, harta, hartos, hartas, ya
    basta, basta ya, vergüenza, vergonzos*, intolerable*, escándalo, el colmo, increíble que, se acabó,
    sinvergüenza*, paciencia
    """,
    "repeated_contact": """
    segunda vez, tercera vez, cuarta vez, # veces, otra vez, una y otra vez, sigo esperando, sigo sin, sin
    respuesta, nadie responde, nadie contesta, nadie me, nadie llama, varias veces, muchas veces, de nuevo,
    llevo semanas, llevo # días, llevo días, después de # llamadas, # llamadas, todavía no, aún no, me ignoran,
    como dije
    """,
    "threat": """
    abogad*, demanda, demandar*, demandaré, juzgado, tribunal*, acciones legales, policía, denuncia*,
    denunciar*, prensa, regulador, defensor del cliente, consumidor, hoja de reclamaciones, cerrar mi cuenta, me
    doy de baja, darme de baja, cambio de compañía, cambiar de banco, nunca más, su jefe, su responsable,
    supervisor*
    """,
}

KIND: dict[str, str] = {
    "suggestion": """
    sería bueno, sería genial, sería mejor, sería útil, estaría bien, me gustaría que, nos gustaría que,
    sugiero, sugerencia*, sugerimos, propongo, propuesta, recomiendo que, podrían añadir, podrían ofrecer,
    podrían mejorar, por qué no ofrecen, ojalá, deberían, tal vez podrían, quizás podrían, una idea, una opción,
    hace falta una opción, podrían poner, añadan, agreguen
    """,
    "praise": """
    muchas gracias por, muchas gracias, gracias por, mil gracias, enhorabuena, felicit*, sigan así, seguid así,
    bien hecho, buen trabajo, gran trabajo, excelente servicio, excelente atención, muy buen servicio, muy buena
    atención, muy contento, muy contenta, muy satisfech*, muy amable*, lo recomiendo, los recomiendo,
    recomendable, encantad*, todo perfecto, ninguna queja
    """,
    "problem": """
    problema*, error*, queja*, reclam*, no funciona, no funcionan, no carga, no puedo, no pude, no me deja, no
    llega, no ha llegado, no aparece, nunca recibí, no he recibido, devolución, devuelvan, reembolso, cobrado,
    cobraron, comisión*, rechazad*, bloquead*, bloquearon, falta, faltan, perdid*, retras*, retraso*, cancelad*,
    sin respuesta, nadie, grosero*, grosera*, colgaron, colgó, caíd*, fallo*, falla*, avería*, mal, malo, mala,
    esperando, estafa*, fraude*, decepcion*, pendiente, retenid*, equivocad*
    """,
}
