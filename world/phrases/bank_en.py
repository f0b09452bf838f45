"""English wording of the bank's causes: `core` says what happened, `detail` adds to it, `topic` names it. Data only.

One phrase a line; at most one slot in braces a line. Words are shared between causes on purpose.
"""

from __future__ import annotations

CAUSES: dict[str, dict[str, str]] = {
    "fee_dispute": {
        "core": """I was charged {amount} in overdraft fees that nobody told me about
you took {amount} out of my account as a monthly maintenance fee although I keep the minimum balance
there is a charge of {amount} on my statement that I do not recognise as anything I agreed to
my statement shows {n} fees for the same thing {when}
a foreign transaction fee of {amount} was added for a purchase made at home
I closed that part of the account and still paid {amount} for it
the annual fee went up to {amount} without any letter
I was billed a late fee of {amount} even though I paid before the due date
you charged me {amount} for a wire that never even went through
interest of {amount} appeared on a balance I had cleared {when}
every time my salary comes in a day late you help yourselves to {amount}
I see {amount} taken for paper statements I never asked for""",
        "detail": """The price list on your website says something else.
I was promised this would be waived.
It has now happened {n} times.
Other banks do not charge for this at all.
The balance only went negative because of the charge itself.
I asked for a breakdown {when} and got nothing.""",
        "topic": "the fees\nthe charge on my statement\nyour price list\nthe overdraft charge",
        "subject": """Fee of {amount} on my account
Charged twice
Unexplained charge
Overdraft fee
Please refund this fee""",
        "praise": """the fee was refunded without an argument
the pricing is clear now
no surprises on the statement this month""",
    },
    "card_declined": {
        "core": """my card was declined at the checkout {when} with plenty of money in the account
the card reader refused my card {n} times while people were waiting behind me
I could not pay for my hotel in {place} because you blocked the card
my new credit card does not work at any machine
a payment of {amount} was refused and you cannot say why
contactless stopped working and then the PIN was rejected as well
online payments keep failing at the last step, the shop says it is the bank
my card was swallowed by the cash machine in {place}
I was left at the till unable to pay for {amount} worth of groceries
the replacement card arrived and is declined everywhere
your system blocked a perfectly ordinary purchase of {amount}
the limit on my card was lowered and my payment bounced {when}""",
        "detail": """There was more than enough in the account.
I had told you I was travelling.
The shop tried another terminal and got the same answer.
A second card from another bank worked at once.
It was humiliating in front of my colleagues.
It works again today, but for how long?""",
        "topic": "the card\nmy debit card\npayments in shops\nthe card terminal",
        "subject": "Card declined in {place}\nCard not working\nPayment refused\nMy card again\nBlocked card",
        "praise": """my card works everywhere again
the new card came in two days
paying abroad was no problem at all""",
    },
    "app_outage": {
        "core": """your mobile app has been down since {when}
the app crashes every time I open the payments page
I have been looking at a spinning wheel for {days}
the app shows a balance that is {days} old
since the last update the app closes by itself
I cannot see any of my transactions in the app
mobile banking said service unavailable the whole of {when}
the app would not let me pay {amount} and then froze
push notifications arrive {days} late or not at all
nothing loads, neither on the phone nor on the website
the fingerprint screen appears and then everything goes white
the app told me the transfer was done when it was not""",
        "detail": """I reinstalled it {n} times.
My phone is new and everything else works.
Your status page says all is well.
I missed a payment because of it.
It is always at the end of the month.
The website is no better.""",
        "topic": "the app\nmobile banking\nthe website\nthe latest update",
        "subject": """App down
App not loading
Cannot use mobile banking
Crash since update
Service unavailable {when}""",
        "praise": """the new app is quick and clear
the app has not crashed once since the update
mobile banking just works""",
    },
    "transfer_delay": {
        "core": """a transfer of {amount} I sent {when} still has not arrived
my wages were paid in {when} and are still pending
the wire to my landlord has been stuck for {days}
you are holding a deposit of {amount} for no reason anyone can give
money left my account {days} ago and has not reached the other side
a standing order was not sent and my rent bounced
the payment to my supplier is marked as processing since {when}
I moved {amount} between my own accounts and it vanished
the cheque I paid in {when} has not cleared
an instant payment took {days}
the international transfer was returned without a word, minus {amount}
my savings transfer keeps being rescheduled""",
        "detail": """The other bank says they never received it.
I was given {n} different dates.
I had to borrow to pay the bill.
The app shows it as completed.
There is a reference but nobody can trace it.
I now owe a late fee to someone else.""",
        "topic": "the transfer\nmy payment\nthe wire\nthe deposit",
        "subject": """Transfer missing
Where is my money
Payment of {amount} not arrived
Deposit on hold
Wire delayed""",
        "praise": """the transfer arrived within minutes
my deposit was released the same day
the payment was traced very quickly""",
    },
    "branch_wait": {
        "core": """I stood in line for {hours} at the branch in {place} to sign one form
only one counter was open in {place} {when}
I took a morning off for an appointment and nobody at the branch knew about it
the branch closed at two without any notice
the queue at the {place} branch went out of the door
I was sent from desk to desk and waited again each time
the cash machine in the lobby was out of order and the queue was endless
I came back {n} times because the person who can do it was at lunch
an hour and a half to pay in a cheque is absurd
the ticket machine at the branch gave me a number and then they skipped me
with a small child I waited standing up as there is one chair in {place}
there used to be four people behind the glass and now there is one""",
        "detail": """My parking ran out.
Nobody came out to say how long it would take.
I left without being served.
Half the lights were off.
The appointment had been confirmed by text.
Others who came later went first.""",
        "topic": "the branch\nthe queue\nthe counter\nthe appointment",
        "subject": """Waiting at {place}
Queue at the branch
Appointment not kept
Branch closed early
Understaffed branch""",
        "praise": """I was served in five minutes at the branch
the branch in {place} is lovely
the appointment started on the dot""",
    },
    "fraud_handling": {
        "core": """someone spent {amount} on my card and you will not give it back
I reported the fraud {when} and have heard nothing since
your fraud team froze everything I have without calling me
my claim about {n} stolen payments was rejected in one line
I got a text about a suspicious payment, answered no, and it went through anyway
a stranger opened an account in my name with you
the dispute over {amount} has been open for {days}
you treated me like the criminal when I was the one robbed
the security department hung up and left my account blocked for {days}
I was scammed over the phone and nobody would stop the transfer in time
money went from my savings overnight in {n} withdrawals
the new card was used before it even reached my letter box""",
        "detail": """I filed a police report.
I have sent the forms {n} times.
I never shared my PIN with anyone.
The case handler changes every week.
You knew within the hour.
I have not slept properly since.""",
        "topic": "the fraud claim\nthe security team\nthe dispute\nthe blocked payment",
        "subject": "Fraud on my account\nStolen {amount}\nDispute still open\nUnauthorised payments\nClaim rejected",
        "praise": """the fraud team stopped it before I even noticed
the stolen money was back in two days
the security call was calm and clear""",
    },
    "account_access": {
        "core": """I have been locked out of my account since {when}
the one-time code never arrives, so I cannot log in
your system no longer recognises my password and the reset link is dead
after I changed my phone number I cannot get into anything
the online access of my late father's account is blocked for {days} now
verification failed {n} times with a valid passport
I am asked for a security question I never set
my login works on the phone but the website says user unknown
access was suspended for my protection and nobody can lift it
I cannot see my savings since you merged my profiles
the token you sent expired before the letter came
I am told to visit a branch to reset a password, which is {hours} away""",
        "detail": """The helpline needs the code I do not get.
I have bills due.
I answered every security question.
It went round in circles for {days}.
The chat closed the conversation on me.
I only want to see my own money.""",
        "topic": "the login\nmy password\nthe verification code\nonline access",
        "subject": "Locked out\nCannot log in\nNo security code\nPassword reset fails\nAccess blocked since {when}",
        "praise": """they reset my login in one call
the new sign-in is simple
I got back into my account within minutes""",
    },
    "loan_delay": {
        "core": """my mortgage application has been under review for {days}
we lost the house because the approval did not come {when}
I have uploaded the same payslips {n} times
the loan was approved and then the payout was put on hold
every week somebody new asks for another document
the rate I was offered expired while you were still checking
the valuation was ordered {days} late
I was told a decision would take two days and it is now {days}
nobody can tell me at which desk my refinancing is lying
the completion date was moved {n} times because of the bank
you asked for {amount} in evidence fees and then did nothing
my personal loan shows as pending and the dealer will not hold the car""",
        "detail": """The seller is about to pull out.
My adviser left and nobody took over.
The portal says documents received.
I pay rent and storage in the meantime.
We have done everything asked of us.
I get a different answer each time.""",
        "topic": "the loan\nthe mortgage application\nthe paperwork\nthe approval",
        "subject": """Mortgage delayed
Loan still pending
Documents again
No decision since {when}
Completion at risk""",
        "praise": """the mortgage was approved in three days
our adviser kept us informed at each step
the loan paid out on time""",
    },
}
