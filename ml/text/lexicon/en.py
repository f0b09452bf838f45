"""English: feeling (-3 to 3), negation, strength, contrast, urgency and what kind of text it is. Data only."""

from __future__ import annotations

FUNCTION_WORDS = """
    the, and, to, of, a, i, is, my, you, it, for, on, was, with, that, this, have, not, me, your, are, but,
    they, from, at, be, we, can, had, been, has, will, what, when, would, there, their, our, after, because,
    just, an, were, do, did, still, by, or, if, out, about, please, which, who, how, why, i'm, don't, it's, as,
    they're, very, all, no, up, so, now, get
    """

VALENCE: dict[int, str] = {
    3: """
    excellent*, outstanding, amazing*, awesome, fantastic*, wonderful*, perfect*, brilliant*, superb*,
    exceptional*, fabulous, love, loved, loving, best, delighted, thrilled, incredible service, flawless*, world
    class, top notch, above and beyond, could not be happier, couldn't be happier, great job, five stars, life
    saver, lifesaver, phenomenal
    """,
    2: """
    good, great, happy, glad, nice, nicely, pleasant*, pleased, friendly, kind, helpful, polite, courteous,
    thank, thanks, thankful, grateful, appreciate*, appreciated, enjoy*, impressed, impressive, professional,
    recommend*, satisfied, smooth*, easy, easily, quick, quickly, fast, efficient*, reliable, clear, clearly
    explained, well done, congrat*, lovely, beautiful, fun, cool, sweet, thx, ty, kudos, props, respectful,
    caring, cares, generous, fair, competent, trust, trusted, safe, comfortable, rocks, win, winning, yay,
    solved, sorted, sorted out, resolved, refunded, compliment*, rock, hero, blessed, valued, valuable,
    superior, favorite, favourite, excited, exciting, heart
    """,
    1: """
    ok, okay, fine, decent, better, improved, improvement, works, working, helped, useful, calm, honest,
    patient, interesting, correct, correctly, on time, care, liked, likes, hopefully, success*, successful*,
    modern, convenient, affordable, cheap, clean, supported, welcome back, understand, understanding
    """,
    -1: """
    slow, slowly, late, wait, waiting, waited, waits, hold, confus*, unclear, complicated, difficult, hard,
    expensive, missing, lost, lose, losing, unable, unfortunately, sorry, concern*, concerned, worry, worried,
    worrying, problem*, issue*, error*, mistake*, wrong, wrongly, delay*, cancel*, decline*, declined, reject*,
    refuse*, refused, denied, deny, block*, blocked, locked, stuck, expired, overcharg*, charged twice, charged
    again, never received, not received, extra charge*, penalty, without explanation, without notice,
    complaint*, complain*, boring, bored, old, outdated, tired, cold, noisy, dirty, cramped, limited, lack*,
    hassle, annoying, annoyed, annoy*, inconvenien*, unexpected*, doubt*, disconnect*, crash*, glitch*, bug,
    bugs, freez*, frozen, down, outage*, fail, failed, fails, failing, failure*, miss, missed, misinform*,
    mislead*, ignor*, no reply, no answer, no response, no one, nobody, nothing, hung up, hang up, passed
    around, over an hour, hours, stranded
    """,
    -2: """
    thanks for nothing, bad, badly, poor, poorly, broken, broke, disappoint*, unhappy, dissatisf*, frustrat*,
    angry, anger, mad, upset*, rude, rudely, unprofessional*, unhelpful, useless, ridiculous*, absurd, unfair*,
    unreliable, unacceptable, incompetent*, incompetence, stupid, dumb, nonsense, joke, mess, messed, ruin*,
    terribly, sad, sadly, hate, hated, hates, sucks, suck, sucked, shame*, ashamed, embarrass*, insult*, lied,
    lies, lying, liar*, cheat*, stole, stolen, steal*, theft, damage*, hurt*, harm*, threat*, scared, fear*,
    afraid, unsafe, avoid, regret*, fed up, sick of, tired of, waste*, wasted, rip off, ripped off, ripoff, not
    impressed, no excuse, wtf, crap, crappy, pathetic*, lousy, careless*, neglect*, never again, let down, let
    me down, fraud*, scam*, suffer*, cry, crying, cried, stress*, desperate*, pain, painful, nightmare*, lame,
    sloppy, shady, dishonest*, deceiv*, deceptive*, disrespect*, dismissive, hostile, condescending, laughed at
    """,
    -3: """
    terrible, horrible, horribl*, horrific, awful*, worst, disgust*, disgrace*, disgraceful*, atrocious*,
    appalling*, abysmal*, dreadful*, furious*, outrag*, infuriat*, livid, despicable, unbelievable, catastroph*,
    disaster*, hell, criminal, criminals, thieves, crooks, scammers, ruined my, never been so, hateful, vile,
    inexcusable, unforgivable
    """,
}

NEGATIONS = """
    not, no, never, none, nor, neither, without, hardly, barely, scarcely, rarely, cannot, cant, can't, don't,
    dont, doesn't, doesnt, didn't, didnt, isn't, isnt, wasn't, wasnt, aren't, arent, weren't, werent, won't,
    wont, wouldn't, wouldnt, couldn't, couldnt, shouldn't, haven't, havent, hasn't, hasnt, hadn't, hadnt, ain't,
    nothing, nobody, no one, far from
    """
# Words after which a negation means no denial: "no wonder", "not only".
NO_DENIAL = """
    not only, no wonder, no doubt, not to mention, no matter, why not, nothing but, no problem, no problems, no
    issue, no issues
    """

STRONGER = """
    very, really, so, extremely, absolutely, totally, completely, incredibly, highly, super, too, most, truly,
    deeply, utterly, particularly, especially, seriously, insanely, beyond, such, fucking, bloody, damn
    """
WEAKER = """
    slightly, somewhat, a bit, a little, kind of, sort of, almost, fairly, rather, partly, mildly, quite, less,
    pretty
    """

CONTRAST = "but, however, yet, though, although, nevertheless, unfortunately, whereas, except, still"
# A clause of its own begins at a comma followed by one of these.
ADDITION = "and, also, plus, besides, then, so, because, which"

URGENCY: dict[str, str] = {
    "urgent": """
    urgent*, asap, as soon as possible, immediately, immediate, right now, right away, at once, emergency,
    emergencies, time critical, time sensitive, without delay, straight away, top priority, high priority
    """,
    "deadline": """
    today, tonight, by tomorrow, tomorrow morning, this morning, this evening, this afternoon, by monday, by
    tuesday, by wednesday, by thursday, by friday, before the weekend, end of the day, end of the week,
    deadline*, due today, due tomorrow, in an hour, within # hours, within the hour, within # days, before
    midnight, running out of time, is due
    """,
    "desperate": """
    desperate*, please help, help me, help us, need your help, last resort, wits end, wit's end, begging, beg
    you, at a loss, stranded, stuck at, nowhere to, cannot pay, can't pay, cannot afford, can't afford, no
    money, cannot sleep, could not sleep, can't sleep, in tears, crying, close to tears, panic*, scared,
    frightened, need help, depends on this, cannot live, homeless, rent is due
    """,
    "anger": """
    furious*, angry, outrag*, ridiculous*, unacceptable, disgust*, disgrace*, livid, fed up, sick of, sick and
    tired, tired of, had enough, enough is enough, enough said, enraged, infuriat*, pissed, wtf, patience is
    over, out of patience, fuming, no excuse, how dare you, shame on you, appalling*, worst, joke, unbelievable,
    cannot believe this, can't believe this
    """,
    "repeated_contact": """
    second time, third time, fourth time, # times, #th time, called again, again and again, over and over, still
    waiting, still no, still not, still haven't, still nothing, no reply, no response, no answer, nobody
    answers, no one answers, nobody called, no one called, never called back, not called back, several times,
    many times, multiple times, keep calling, keep asking, kept calling, as i said, once again, passed around,
    on hold for, dragged on, # calls, tried calling, been trying, weeks later, ignored
    """,
    "threat": """
    lawyer*, attorney*, solicitor*, sue you, sue, suing, lawsuit, legal action, court, ombudsman, regulator,
    police, the press, consumer protection, close my account, cancel my account, cancel my contract, cancel
    everything, switching to, leaving you, leave you, never again, or i am gone, considering to leave, taking my
    business, speak to a supervisor, speak to a manager, want this escalated, escalate, escalated
    """,
}

KIND: dict[str, str] = {
    "suggestion": """
    would be nice if, would be great if, would be good if, would be nice to, would be great to, would be good
    to, would be helpful if, it would help if, it would help to, you should add, you should offer, you should
    have, you should consider, please add, please consider, please bring back, please make it, i suggest, we
    suggest, my suggestion, suggestion*, suggest, i recommend that you, i propose, could you add, could you
    offer, why not add, why not offer, why don't you, wish you, i wish the, i wish there, wish there was, wish
    there were, would love to see, would like to see, would love to have, would love a, would like an option,
    feature request, idea for, an idea, consider adding, need an option, should be possible to, there should be,
    would prefer, might be better, could be improved by, improvement would be, maybe you could, perhaps you
    could, it would be better
    """,
    "praise": """
    thank you so much, thanks so much, thank you for, thanks for, many thanks, big thanks, big thank you, keep
    up the good work, keep it up, well done, great job, good job, great service, good service, great work, nice
    work, excellent service, compliment*, kudos, shout out, shoutout, above and beyond, could not be happier,
    couldn't be happier, could not have been kinder, very happy with, very satisfied, highly recommend, love
    your, love you, love this, you guys rock, you rock, you're the best, best airline, best bank, best service,
    made my day, no complaints, wonderful, amazing, awesome
    """,
    "problem": """
    thanks for nothing, problem*, issue*, error*, complain*, not work, not working, doesn't work, does not work,
    don't work, stopped working, won't work, broken, refund, charged twice, overcharg*, still waiting, never
    received, not received, never arrived, not arrived, didn't arrive, lost, missing, cancelled, canceled,
    delayed, delay, failed, fails, fail, can't log in, cannot log in, locked out, declined, rejected, blocked,
    wrong, incorrect*, no reply, no response, nobody answers, rude, hung up, on hold, crash*, not able to,
    unable to, cannot access, can't access, outage, down again, damaged, disappointed, disappointing, terrible,
    worst, unacceptable, waited, waiting, fee, fees, mistake, without notice, scam*, fraud*, dispute*, against
    my, they refuse*, refused
    """,
}
