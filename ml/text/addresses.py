"""Addresses on the net: e-mail, links that carry a login or a parameter, IP addresses.

Belongs here: those three. Not here: where people live (`places.py`). Every pattern is linear: anchored scans and
bounded repeats only. A plain link to a page names nobody and stays; one with `user:password@` or a query often holds a
token or an address, so it goes whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from ipaddress import ip_address

from ml.text.spans import Span

_LOCAL_PART = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'")
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_AT = r"(?:\ ?[\[({<]\ ?(?:at|ät|arroba|@)\ ?[\])}>]\ ?|\ @\ ?|@\ |\ (?:at|ät|arroba)\ )"
_DOT = r"(?:\.|\ ?[\[({<]\ ?(?:dot|punkt|punto|\.)\ ?[\])}>]\ ?|\ (?:dot|punkt|punto)\ )"
_SPELLED = re.compile(
    rf"(?<![\w.+-])(?:[\w.+-]{{1,32}} (?:dot|punkt|punto) ){{0,2}}[\w.+-]{{1,64}}{_AT}"
    rf"(?P<domain>[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{0,3}}{_DOT}(?-i:[a-z]{{2,12}}))\b",
    re.IGNORECASE,
)
# "at" and "dot" are words: without brackets both must be there, or an @ that stands apart.
_AT_WORDS = frozenset({"at", "arroba"})
_DOT_WORDS = frozenset({"dot", "punkt", "punto"})
_SPELLED_DOT = re.compile(r"[\[({< ](?:dot|punkt|punto)\b", re.IGNORECASE)
_BRACKETED = re.compile(r"[\[({<] ?(?:at|ät|arroba) ?[\])}>]", re.IGNORECASE)
_URL = re.compile(r"\b(?:https?|ftp|wss?)://[^\s<>\"]{1,2000}", re.IGNORECASE)
_CARRIES = re.compile(r"//[^/?#]{0,200}@|[?&#;][\w.\-\[\]%]{1,80}=[^\s&]")
_IPV4 = re.compile(r"(?<![\w.-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w-]|\.[0-9])")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}|:)[0-9A-Fa-f:]{4,38}(?:(?:\.[0-9]{1,3}){3})?(?![\w:])")
_VERSION = re.compile(r"(?:version|v|ver|release|build|firmware|app|ios|android|update)[ .:]{0,3}$", re.IGNORECASE)
_LINK_END = ".,;:!?)]}'\"»”’"


def find_addresses(text: str, words: Set[str]) -> Iterator[Span]:
    """E-mail addresses, telling links and IP addresses in a plain text; `words` are its words, folded."""
    if "@" in text:
        yield from _emails(text)
    if _is_spelled(text, words):
        yield from _spelled(text)
    if "://" in text:
        yield from _links(text)
    if text.count(".") >= 3:
        yield from _ipv4(text)
    if "::" in text or text.count(":") >= 7:
        yield from _ipv6(text)


def _emails(text: str) -> Iterator[Span]:
    position = text.find("@")
    while position >= 0:
        start = position
        while start > 0 and position - start < 64 and (text[start - 1] in _LOCAL_PART or text[start - 1].isalnum()):
            start -= 1
        domain = _DOMAIN.match(text, position + 1)
        if start < position and domain is not None:
            yield Span(start, domain.end(), "EMAIL")
        position = text.find("@", position + 1)


def _is_spelled(text: str, words: Set[str]) -> bool:
    """Whether it is worth a look: most texts hold an "at" and a full stop and nothing of the kind."""
    if "@" in text:
        return " @" in text or "@ " in text or "[@" in text or "(@" in text
    if words.isdisjoint(_AT_WORDS):
        return False
    return not words.isdisjoint(_DOT_WORDS) or "ät" in text or "arroba" in words or _BRACKETED.search(text) is not None


def _spelled(text: str) -> Iterator[Span]:
    """Addresses written to escape machines: bob (at) example (dot) com. "Look at page.com" is none, so a bare "at"
    needs a spelled dot; nobody writes "ät" or "arroba" for anything else.
    """
    for match in _SPELLED.finditer(text):
        between = text[match.start() : match.start("domain")]
        if not between.endswith(" at ") or _SPELLED_DOT.search(match["domain"]) is not None:
            yield Span(match.start(), match.end(), "EMAIL")


def _links(text: str) -> Iterator[Span]:
    for match in _URL.finditer(text):
        link = match.group().rstrip(_LINK_END)
        if _CARRIES.search(link) is not None:
            yield Span(match.start(), match.start() + len(link), "URL")


def _ipv4(text: str) -> Iterator[Span]:
    for match in _IPV4.finditer(text):
        if all(int(part) < 256 for part in match.group().split(".")) and not _VERSION.search(
            text, max(0, match.start() - 12), match.start()
        ):
            yield Span(match.start(), match.end(), "IP")


def _ipv6(text: str) -> Iterator[Span]:
    """What the standard library reads as an address; `a::b` of a programmer has no digit, so it stays."""
    for match in _IPV6.finditer(text):
        found = match.group()
        if any(map(str.isdigit, found)) and len(found) > 5 and _is_address(found):
            yield Span(match.start(), match.end(), "IP")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
