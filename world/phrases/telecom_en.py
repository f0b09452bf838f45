"""English wording of the telecom company's causes: `core` says what happened, `detail` adds to it, `topic` names it. Data only.

One phrase a line; at most one slot in braces a line. Words are shared between causes on purpose.
"""

from __future__ import annotations

CAUSES: dict[str, dict[str, str]] = {
    "network_outage": {
        "core": """we have had no signal at all in {place} since {when}
the whole street has been without service for {days}
my phone says emergency calls only
calls drop after a minute and then there is nothing
the mast near {place} has been down for {days}
neither phone nor broadband worked the whole of {when}
no service, no text, no explanation
the network disappears every evening
I could not call an ambulance because there was no coverage
your outage map shows green while the whole village is offline
since the storm we are cut off
I went {days} without a working line""",
        "detail": """My neighbours with another provider are fine.
The status page says no known issues.
I work from home.
It came back for an hour and went again.
I restarted the phone {n} times.
My mother relies on that line.""",
        "topic": "the signal\nthe network\nthe coverage\nthe mast",
        "subject": "No service in {place}\nNetwork down\nNo signal since {when}\nOutage\nStill offline",
        "praise": """the network came back within the hour
coverage in {place} is excellent now
no dropped calls for weeks""",
    },
    "billing_error": {
        "core": """my bill is {amount} higher than the plan I signed for
I was charged twice {when}
you are still billing me for a line I cancelled
the discount I was promised is missing from the invoice
there is a charge of {amount} for a service I never ordered
my direct debit took {amount} instead of the usual sum
the final bill includes {n} months after I left
the credit you confirmed {when} never appeared
I get bills for somebody else's number
the invoice lists calls on days when my phone was in repair
you billed me for the router I returned
I was moved to paper billing and charged {amount} for it""",
        "detail": """I have the confirmation in writing.
It is the {n}. time this year.
My bank had to reverse it.
The online account shows a different sum.
Nobody can explain the line items.
I was threatened with a collection agency.""",
        "topic": "the bill\nthe invoice\nthe direct debit\nthe charges",
        "subject": "Wrong bill\nCharged twice\nInvoice of {amount}\nMissing discount\nBilling after cancellation",
        "praise": """the bill was corrected while I was on the phone
the invoice is easy to read
the refund arrived next day""",
    },
    "slow_internet": {
        "core": """I pay for 500 and get {n} megabits
the internet crawls every evening
video calls freeze every few minutes since {when}
the speed has been a tenth of what you sold me for {days}
pages take half a minute to load in {place}
uploads time out, downloads stop halfway
the fibre is slower than the old copper line was
streaming buffers all the time
my speed test shows less than {n} at any hour
the wifi works next to the router and nowhere else
since you upgraded the line it is slower than before
the connection drops to a crawl whenever it rains""",
        "detail": """I changed the cable and the router.
The test was done with a wire.
Your chat told me to restart it {n} times.
My son cannot follow his lessons.
The neighbours have the same.
It is fine at four in the morning.""",
        "topic": "the speed\nthe broadband\nthe wifi\nthe connection",
        "subject": "Slow internet\nSpeed far below contract\nBuffering\nBroadband in {place}\nUploads fail",
        "praise": "the speed is better than promised\nvideo calls are perfect now\nthe new line is really fast",
    },
    "technician_no_show": {
        "core": """I waited at home the whole of {when} and the engineer never came
the technician cancelled by text {n} minutes before the slot
this is visit number {n} that did not happen
your engineer claims he rang, I was standing at the door
the installer came without the right parts and left
the appointment in {place} was moved to a date {days} away
I took unpaid leave for a visit nobody had booked
they drilled one hole and never came back
the engineer went to the wrong address
the installation has been postponed for {days}
somebody marked the job as done, nothing is connected
the contractor refused to climb the ladder and drove off""",
        "detail": """Nobody phoned.
The tracking page said on the way.
I have a text that confirms the slot.
There is a cable hanging out of the wall.
Each time I lose a day's pay.
The contractor says it is your fault.""",
        "topic": "the engineer\nthe appointment\nthe installation\nthe visit",
        "subject": """Engineer did not come
Missed appointment
Installation in {place}
Visit cancelled again
Nobody showed up""",
        "praise": """the engineer was early and spotless
the installation took twenty minutes
the technician explained everything""",
    },
    "porting_delay": {
        "core": """my number has been stuck between two providers for {days}
the switch was promised for {when} and I still cannot receive calls
you lost my number during the move
the transfer code was rejected {n} times
incoming calls go to the old SIM, outgoing from the new
my business number is dead since {when}
the port was cancelled without telling me
I was given a temporary number and have it for {days} already
the old provider released it, you say you never got it
the activation of my new SIM is pending for {days}
my landline number was given to somebody else
half my texts arrive on the old phone""",
        "detail": """My clients cannot reach me.
The bank codes go to the old phone.
I followed every step of your guide.
Both companies point at each other.
The order page says completed.
I pay two contracts in the meantime.""",
        "topic": "the number transfer\nmy old number\nthe switch\nthe activation",
        "subject": """Number not transferred
Porting stuck
Lost my number
SIM not active
Switch delayed since {when}""",
        "praise": "my number moved over in an hour\nthe switch was painless\nthe new SIM worked at once",
    },
    "roaming_charges": {
        "core": """I was charged {amount} for roaming on a two day trip
your pass for travellers did not apply and I got a bill of {amount}
data abroad cost me {amount} although it was switched off
I was roaming at home because of the border mast
the message about the cap arrived after {amount} had been spent
calls from the ship cost {amount} without a warning
you advertise roaming included and then bill {amount}
my daughter used maps for ten minutes and that made {amount}
the daily pass was charged {n} times in one day
I was told there would be no charge in that country
the roaming allowance ended halfway and nobody told me
a missed call abroad is on my bill with {amount}""",
        "detail": """The shop told me I was covered.
No text, no warning, nothing.
I only used the hotel wifi.
The price list says otherwise.
It is more than the flight was.
My old provider never did that.""",
        "topic": "the roaming\nthe roaming bill\nthe travel pass\nthe data cap",
        "subject": """Roaming bill of {amount}
Roaming charges
Travel pass not applied
Charged abroad
No warning about costs""",
        "praise": """roaming worked everywhere without extra cost
the roaming charge was taken off at once
the warning text came in time""",
    },
    "contract_terms": {
        "core": """my contract was renewed for two years without my consent
you raised the price in the middle of the contract
leaving early would cost me {amount}, that was never mentioned
I cancelled within the fourteen days and you ignore it
the minimum term on paper is not what was agreed in the shop
I was switched to a new tariff {when} without asking
the notice period suddenly is {days}
the offer was for one line and the contract has {n}
the price after six months was hidden in the small print
I cannot downgrade although the plan says any time
you want {amount} for ending a contract that is over
the free months turned out to be a longer contract""",
        "detail": """I never signed that.
I asked for a copy {when} and got none.
The recording of the call would prove it.
The advert said no commitment.
I have the first version saved.
The shop says only the hotline can change it.""",
        "topic": "the contract\nthe small print\nthe tariff\nthe price increase",
        "subject": """Contract renewed without consent
Price increase
Cancellation ignored
Early exit fee of {amount}
Wrong tariff""",
        "praise": "the contract is fair and short\nthe cancellation took one click\nthey honoured the old price",
    },
    "device_fault": {
        "core": """the handset you sold me switches itself off
my router overheats and reboots {n} times a day
the phone came back from repair with the same fault
the battery swelled up and burned the table
the screen went black after {days}
the set-top box does not start since the update
I have had {n} replacement routers and all are broken
the charger sparks
the phone does not hold a charge for {days}
the SIM slot is faulty and the shop in {place} will not exchange it
the refurbished device was full of somebody else's photos
the repair centre has kept my phone for {days}""",
        "detail": """It is under warranty.
I never dropped it.
The repair note says no fault found.
I had to buy another one.
It is dangerous.
The shop sent me to the hotline and back.""",
        "topic": "the handset\nthe router\nthe repair\nthe box",
        "subject": "Faulty router\nPhone broken\nRepair without result\nReplacement needed\nDevice overheating",
        "praise": "the replacement phone came the next day\nthe new router is great\nthe repair was quick and free",
    },
}
