"""Language data: words with their feeling, negations, phrases of urgency, praise and proposals, one module a language.

Belongs here: data of a language that holds for every business. Not here: logic (`ml/text/signs.py`) or words of a trade,
which are in a programme's taxonomy and severity rules. Entries are separated by commas; `*` at the end of a word
stands for any ending, `#` for any number. Spellings without accents or umlauts are added when the data is loaded.
"""
