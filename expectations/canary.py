"""The redaction canary: SQL conditions that are true where a text still carries an e-mail, phone or card number.

Belongs here: patterns written apart from the redactor's on purpose (a shared pattern would share its holes) and kept
narrow, because a false alarm stops a build. Not here: redaction itself, names (no pattern finds them).
All patterns run in DuckDB's RE2, which is linear in the text; no text leaves the database.
"""

from __future__ import annotations

_EMAIL = r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
# International with a plus sign, or North American 3-3-4 with separators. Bare digits, and what follows a "#", are
# reference numbers far too often.
_PHONE = (
    r"(^|[^\w.+#/,-])(\+[1-9]\d{0,2}[ .-]?\(?\d{2,4}\)?([ .-]?\d{2,4}){2,3}"
    r"|\(?[2-9]\d{2}\)?[ .-]\d{3}[.-]\d{4})($|[^\w-])"
)
_CARD = r"\b[3-6](?:[ -]?\d){12,18}\b"
_LUHN = """list_sum(list_transform(range(1, length(d) + 1), lambda i: CASE
    WHEN (length(d) - i) % 2 = 1 THEN [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][1 + d[i]::INTEGER]
    ELSE d[i]::INTEGER END)) % 10 = 0"""

SETUP = f"""
CREATE MACRO has_email(s) AS CASE WHEN contains(s, '@') THEN regexp_matches(s, '{_EMAIL}') ELSE false END;
CREATE MACRO has_phone(s) AS regexp_matches(s, '{_PHONE}');
CREATE MACRO is_luhn(d) AS {_LUHN};
CREATE MACRO has_card(s) AS coalesce(len(list_filter(regexp_extract_all(s, '{_CARD}'),
    lambda hit: is_luhn(regexp_replace(hit, '[^0-9]', '', 'g')))) > 0, false);
"""


def conditions(column: str) -> tuple[tuple[str, str], ...]:
    """(kind, SQL condition) pairs over a quoted text column; the condition is true where such a value is left."""
    return tuple((kind, f"has_{kind}({column})") for kind in ("email", "phone", "card"))
