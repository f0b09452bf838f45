"""English wording of the causes both companies share (what people said and did). Data only."""

from __future__ import annotations

CAUSES: dict[str, dict[str, str]] = {
    "staff_conduct": {
        "core": """the person on the phone laughed at me
your colleague in {place} was rude from the first second
the agent talked over me and then hung up {n} times
I was called a liar by somebody at your desk
the manager refused to give a name and walked off
the man I spoke to {when} was shouting
I was told that if I do not like it I can leave
the adviser rolled her eyes and kept chatting with a colleague
your agent made fun of my accent
nobody even looked up when I came in
the supervisor promised to listen and then insulted me
they treated my elderly mother with no respect whatsoever""",
        "detail": """Others in the room heard it.
I have been a customer for {n} years.
I was calm the whole time.
An apology would have been enough.
I was close to tears.
This is not how you treat people.""",
        "topic": "the staff\nthe agent\nthe tone\nthe person I spoke to",
        "subject": "Rude staff\nHow I was treated\nUnacceptable behaviour in {place}\nAgent hung up\nNo respect",
        "praise": """the lady I spoke to was wonderful
the staff could not have been kinder
the agent listened and was patient""",
    },
    "wrong_information": {
        "core": """I was told one thing on the phone and the opposite in writing
your agent promised {amount} and now nobody knows of it
the chat gave me the wrong form and the deadline passed
I got {n} different answers from {n} people
the information on your website is out of date
I acted on what your adviser said and it cost me {amount}
they assured me {when} that nothing more was needed, which was false
the letter says approved and the hotline says refused
I was misinformed about the terms when I signed up
nobody could tell me which documents are needed
your colleague advised the wrong product for me
the date I was given over the phone was made up""",
        "detail": """I wrote down the name and the time.
Each time the story changes.
I would have chosen differently.
The call was recorded, please listen to it.
I relied on that.
Even your own people contradict each other.""",
        "topic": "the information\nthe advice\nthe answer I got\nthe promise",
        "subject": """Wrong information
Misled by adviser
Contradicting answers
Promise of {amount} not kept
Bad advice""",
        "praise": """I got a clear and correct answer at once
the advice was honest
everything they told me was right""",
    },
}
