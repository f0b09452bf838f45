"""Customers as they really are: segment, value, place, language, consent, and what no system can see (satisfaction, risk).

Belongs here: latent and visible attributes drawn once per customer, and their identity values. Not here: what happens to
customers (journeys.py) and the monthly extracts a CRM writes about them (exports/crm.py).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from world.clock import DAY, NEVER, Horizon
from world.config import LANGUAGES, RATES, Company
from world.draws import Bools, Floats, Ints, pick, pick_by_row, stream
from world.phrases.names import FIRST, LAST

_FIRST = [name for language in LANGUAGES for name in FIRST[language]]
_LAST = [name for language in LANGUAGES for name in LAST[language]]
_TIER_BY_SEGMENT = np.array(
    [[0.68, 0.22, 0.08, 0.02], [0.30, 0.36, 0.26, 0.08], [0.06, 0.20, 0.40, 0.34], [0.35, 0.33, 0.22, 0.10]]
)


def _ascii(name: str) -> str:
    plain = unicodedata.normalize(
        "NFKD", name.replace("ß", "ss").replace("ü", "ue").replace("ö", "oe").replace("ä", "ae")
    )
    return "".join(c for c in plain if c.isascii() and c.isalnum()).lower()


FIRST_NAMES = pa.array(_FIRST)
LAST_NAMES = pa.array(_LAST)
_FIRST_MAIL = pa.array([_ascii(n) for n in _FIRST])
_LAST_MAIL = pa.array([_ascii(n) for n in _LAST])
_DOMAINS = pa.array(["example.com", "example.org", "example.net", "mail.example.com", "post.example.org"])


@dataclass(frozen=True)
class Customers:
    """Columns over all customers, index = customer number. `satisfaction` is standard normal; times are UTC seconds."""

    segment: NDArray[np.int8]
    tier: NDArray[np.int8]
    value_usd: NDArray[np.float32]
    region: NDArray[np.int8]
    branch: NDArray[np.int16]
    language: NDArray[np.int8]
    first: NDArray[np.int16]
    last: NDArray[np.int16]
    joined_at: Ints
    satisfaction: NDArray[np.float32]
    failure_rate: NDArray[np.float32]
    order_rate: NDArray[np.float32]
    background_churn_at: Ints
    vulnerable: Bools
    consent: NDArray[np.bool_]
    in_panel: Bools

    def __len__(self) -> int:
        return len(self.segment)


def make_customers(company: Company, count: int, span: Horizon, seed: int) -> Customers:
    """Draw all customers. `failure_rate` has mean one and is heavy-tailed, so some people meet failures again and again."""
    rng = stream(seed, "customers")
    segment = pick(rng, [s.share for s in company.segments], count)
    median = np.array([s.median_value_usd for s in company.segments])
    yearly = np.array([s.yearly_churn for s in company.segments])
    language = pick(rng, RATES.language_shares, count)
    satisfaction = rng.standard_normal(count)
    joined = _joined(rng, count, span)
    region = pick(rng, company.region_shares, count)
    hazard = -np.log1p(-yearly[segment]) / 365 * np.exp(-0.45 * satisfaction)
    leaves = np.maximum(joined, span.start) + (rng.exponential(1.0, count) / hazard * DAY).astype(np.int64)
    return Customers(
        segment=segment.astype(np.int8),
        tier=pick_by_row(rng, _TIER_BY_SEGMENT, segment).astype(np.int8),
        value_usd=(median[segment] * rng.lognormal(0.0, 0.55, count)).round(2).astype(np.float32),
        region=region.astype(np.int8),
        branch=_branch(rng, company, region),
        language=language.astype(np.int8),
        first=_name(rng, language, [len(FIRST[x]) for x in LANGUAGES]),
        last=_name(rng, language, [len(LAST[x]) for x in LANGUAGES]),
        joined_at=joined,
        satisfaction=satisfaction.astype(np.float32),
        failure_rate=(rng.gamma(RATES.failure_shape, 1 / RATES.failure_shape, count)).astype(np.float32),
        order_rate=(RATES.orders_per_month * rng.gamma(4.0, 0.25, count)).astype(np.float32),
        background_churn_at=np.where(leaves < span.end + 200 * DAY, leaves, NEVER),
        vulnerable=rng.random(count) < RATES.vulnerable_share,
        consent=rng.random((count, 3)) < np.array([0.93, 0.71, 0.64]),
        in_panel=rng.random(count) < RATES.panel_share,
    )


def _joined(rng: np.random.Generator, count: int, span: Horizon) -> Ints:
    before = span.start - (rng.beta(1.1, 2.2, count) * 3600 * DAY).astype(np.int64) - DAY
    during = span.start + (rng.random(count) * (span.end - span.start)).astype(np.int64)
    joined = np.where(rng.random(count) < RATES.joins_during_share, during, before)
    return np.asarray(joined // DAY * DAY, dtype=np.int64)


def _branch(rng: np.random.Generator, company: Company, region: Ints) -> NDArray[np.int16]:
    per_region = company.branches_per_region
    if not per_region:
        return np.full(len(region), -1, dtype=np.int16)
    return np.asarray(region * per_region + rng.integers(0, per_region, len(region)), dtype=np.int16)


def _name(rng: np.random.Generator, language: Ints, sizes: list[int]) -> NDArray[np.int16]:
    first = np.cumsum([0, *sizes[:-1]])
    return np.asarray(
        first[language] + (rng.random(len(language)) * np.array(sizes)[language]).astype(np.int64), dtype=np.int16
    )


def customer_ids(index: NDArray[np.integer]) -> pa.Array:
    """Customer ids of customer numbers (-1 gives null)."""
    digits = pc.utf8_lpad(pa.array(index.astype(np.int64), mask=index < 0).cast(pa.string()), 8, "0")
    return pc.binary_join_element_wise("CU", digits, "")


def emails(customers: Customers, index: NDArray[np.integer]) -> pa.Array:
    """E-mail address of each customer, unique by construction."""
    first = _FIRST_MAIL.take(pa.array(customers.first[index]))
    last = _LAST_MAIL.take(pa.array(customers.last[index]))
    number = pa.array(index.astype(np.int64)).cast(pa.string())
    domain = _DOMAINS.take(pa.array(index.astype(np.int64) % len(_DOMAINS)))
    return pc.binary_join_element_wise(pc.binary_join_element_wise(first, ".", last, number, ""), domain, "@")


def phones(company: Company, index: NDArray[np.integer]) -> pa.Array:
    """Phone number of each customer in international form, unique by construction (fictional ranges of digits)."""
    mixed = (index.astype(np.int64) * 7_368_787 + 1_234_567) % 10_000_000
    digits = pc.utf8_lpad(pa.array(mixed).cast(pa.string()), 7, "0")
    if company.name == "bank":
        area = pa.array(["617", "404", "614", "512", "303"]).take(pa.array(index.astype(np.int64) % 5))
        middle = pc.utf8_slice_codeunits(digits, 0, 3)
        return pc.binary_join_element_wise(
            pc.binary_join_element_wise("+1", area, " "), middle, pc.utf8_slice_codeunits(digits, 3, 7), "-"
        )
    return pc.binary_join_element_wise(
        "+44 77", pc.utf8_slice_codeunits(digits, 0, 1), " ", pc.utf8_slice_codeunits(digits, 1, 7), ""
    )


def satisfaction_of(customers: Customers, index: NDArray[np.integer]) -> Floats:
    """Latent satisfaction as float64."""
    return np.asarray(customers.satisfaction[index], dtype=float)
