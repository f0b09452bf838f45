"""Every rate and every list the planted-truth world is made from, for two companies.

Belongs here: frozen numbers and names (shares, effects, rates, products, causes). Not here: anything that draws a random
number, and wording of texts (that is `world/phrases/`). Changing a number here changes the bytes of every world.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

CompanyName = Literal["bank", "telecom"]
ARMS: tuple[str, ...] = ("apology", "callback", "refund", "specialist", "none")
LANGUAGES: tuple[str, ...] = ("en", "es", "de")
TIERS: tuple[str, ...] = ("standard", "silver", "gold", "platinum")
COMPLAINT_CHANNELS: tuple[str, ...] = ("phone", "email", "web", "branch", "social", "letter")
TICKET_CHANNELS: tuple[str, ...] = ("phone", "email", "web", "chat", "api")
SURVEYS: tuple[str, ...] = ("SV_NPS", "SV_CSAT", "SV_CES", "SV_CES1")


@dataclass(frozen=True)
class Cause:
    """One root cause: its type, journey, the codes systems write for it, and how it behaves.

    `share` is relative within the company; `severity` are the probabilities of severity 1 (worst) to 4.
    """

    id: str
    failure_type: str
    journey: str
    codes: tuple[str, str]
    share: float
    severity: tuple[float, float, float, float]
    products: tuple[str, ...]
    refundable: bool = True


@dataclass(frozen=True)
class Segment:
    """A customer segment: share of customers, median annual value in USD, and yearly background churn."""

    id: str
    share: float
    median_value_usd: float
    yearly_churn: float


@dataclass(frozen=True)
class Company:
    """One synthetic company. `outage`, `surge`, `fixed` and `dip` name the causes of its planted breakdowns."""

    name: CompanyName
    timezone: str
    segments: tuple[Segment, ...]
    regions: tuple[str, ...]
    region_shares: tuple[float, ...]
    cities: tuple[str, ...]
    branches_per_region: int
    products: tuple[str, ...]
    causes: tuple[Cause, ...]
    outage: str
    surge: str
    fixed: str
    dip: str

    def cause_index(self, cause_id: str) -> int:
        """Position of a cause in `causes`; raises ValueError when it is not one of this company's."""
        return [c.id for c in self.causes].index(cause_id)


@dataclass(frozen=True)
class Rates:
    """Behaviour shared by both companies. Times in the unit named by the field; probabilities in 0..1."""

    failures_per_customer_week: float = 0.083
    failure_shape: float = 1.6
    contact_by_severity: tuple[float, ...] = (0.86, 0.70, 0.55, 0.40)
    complaint_share: float = 0.575
    contact_lag_hours: float = 7.0
    elsewhere_share: float = 0.08
    vulnerable_share: float = 0.04
    language_shares: tuple[float, ...] = (0.889, 0.066, 0.045)
    joins_during_share: float = 0.06
    orders_per_month: float = 1.2
    order_margin: float = 0.34
    category_known: float = 0.70
    category_wrong: float = 0.12
    resolution_miscoded: float = 0.12
    triage_noted: float = 0.97
    weekday: tuple[float, ...] = (1.22, 1.12, 1.05, 1.03, 1.05, 0.82, 0.71)
    month: tuple[float, ...] = (1.10, 0.98, 1.00, 0.97, 0.95, 0.96, 0.94, 0.93, 1.00, 1.03, 1.06, 1.12)
    queue_utilisation: float = 0.80
    service_minutes: float = 70.0
    panel_share: float = 0.29
    panel_days: int = 91
    csat_share: float = 0.47
    ces_share: float = 0.27
    comment_share: float = 0.5
    review_of_failure: float = 0.024
    review_of_praise: float = 0.0009
    bounced: float = 0.03
    late_share: float = 0.01
    corrected_share: float = 0.012
    overlap_rows: int = 12
    pii_share: float = 0.13
    second_pii_share: float = 0.02
    decoy_share: float = 0.07
    sarcasm_share: float = 0.06
    multi_issue_share: float = 0.14
    negation_share: float = 0.08
    vague_share: float = 0.10
    typo_share: float = 0.22
    fix_effect: float = 0.55
    surge_multiplier: float = 4.0
    outage_reach: float = 0.085
    dip_points: float = 2.4
    slow_queue_capacity: float = 0.55
    explore_share: float = 0.06
    not_recovered_order_loss: float = 0.35
    outcome_days: int = 90
    severity_logit: tuple[float, ...] = (-1.60, -0.95, 0.10, 1.05)
    arm_logit: tuple[float, ...] = (0.20, 0.65, 0.80, 1.05, 0.0)
    arm_cost_minutes: tuple[float, ...] = (12.0, 28.0, 22.0, 95.0, 4.0)
    arm_resolve_hours: tuple[float, ...] = (5.0, 14.0, 22.0, 58.0, 4.0)
    # Extra effect of an arm (logit) where the failure type is: what makes the best playbook differ by case.
    arm_by_type: dict[str, tuple[float, ...]] = field(
        default_factory=lambda: {
            "policy": (-0.15, 0.05, 0.75, -0.35, 0.0),
            "product": (-0.10, -0.10, 0.15, 0.55, 0.0),
            "process": (0.00, 0.15, -0.10, 0.35, 0.0),
            "people": (0.55, 0.60, -0.45, -0.25, 0.0),
            "third_party": (-0.20, 0.35, 0.30, 0.05, 0.0),
        }
    )


RATES = Rates()

_MILD = (0.02, 0.13, 0.40, 0.45)
_MID = (0.05, 0.22, 0.43, 0.30)
_HARD = (0.13, 0.34, 0.36, 0.17)


def _cause(
    cause_id: str,
    kind: str,
    journey: str,
    code: str,
    share: float,
    severity: tuple[float, float, float, float],
    products: tuple[str, ...],
    refundable: bool = True,
) -> Cause:
    return Cause(cause_id, kind, journey, (f"{code}-01", f"{code}-02"), share, severity, products, refundable)


BANK = Company(
    name="bank",
    timezone="America/New_York",
    segments=(
        Segment("mass", 0.62, 420.0, 0.11),
        Segment("affluent", 0.21, 1450.0, 0.08),
        Segment("private", 0.05, 5200.0, 0.06),
        Segment("business", 0.12, 2300.0, 0.09),
    ),
    regions=("northeast", "southeast", "midwest", "southwest", "west"),
    region_shares=(0.27, 0.22, 0.19, 0.14, 0.18),
    cities=("Boston", "Atlanta", "Columbus", "Austin", "Denver"),
    branches_per_region=6,
    products=("current_account", "savings", "credit_card", "mortgage", "personal_loan", "mobile_app", "transfers"),
    causes=(
        _cause("fee_dispute", "policy", "everyday", "FEE", 1.25, _MILD, ("current_account", "credit_card", "savings")),
        _cause("card_declined", "product", "payments", "CRD", 1.15, _MID, ("credit_card", "current_account")),
        _cause("app_outage", "product", "digital", "APP", 1.05, _MID, ("mobile_app",)),
        _cause("transfer_delay", "process", "payments", "TRF", 1.20, _MID, ("transfers", "current_account")),
        _cause("branch_wait", "process", "branch", "BRN", 0.80, _MILD, ("current_account", "savings"), False),
        _cause("staff_conduct", "people", "support", "STF", 0.70, _MID, ("current_account", "mortgage"), False),
        _cause("fraud_handling", "process", "security", "FRD", 0.85, _HARD, ("credit_card", "transfers")),
        _cause("wrong_information", "people", "support", "INF", 0.90, _MILD, ("mortgage", "savings", "credit_card")),
        _cause("account_access", "product", "digital", "ACC", 1.10, _MID, ("mobile_app", "current_account")),
        _cause("loan_delay", "process", "borrowing", "LON", 0.75, _HARD, ("mortgage", "personal_loan"), False),
    ),
    outage="app_outage",
    surge="fee_dispute",
    fixed="transfer_delay",
    dip="branch_wait",
)

TELECOM = Company(
    name="telecom",
    timezone="Europe/London",
    segments=(
        Segment("prepaid", 0.34, 140.0, 0.24),
        Segment("postpaid", 0.39, 430.0, 0.15),
        Segment("family", 0.18, 880.0, 0.10),
        Segment("business", 0.09, 2100.0, 0.12),
    ),
    regions=("london", "north", "midlands", "south", "scotland"),
    region_shares=(0.28, 0.24, 0.19, 0.18, 0.11),
    cities=("Croydon", "Leeds", "Coventry", "Bristol", "Glasgow"),
    branches_per_region=0,
    products=("mobile", "fibre", "landline", "tv", "handset", "roaming"),
    causes=(
        _cause("network_outage", "product", "network", "NET", 1.10, _MID, ("mobile", "fibre")),
        _cause("billing_error", "process", "billing", "BIL", 1.30, _MILD, ("mobile", "fibre", "tv")),
        _cause("slow_internet", "product", "network", "SPD", 1.20, _MILD, ("fibre", "mobile")),
        _cause("technician_no_show", "third_party", "installation", "TEC", 0.90, _MID, ("fibre", "landline", "tv")),
        _cause("porting_delay", "process", "onboarding", "PRT", 0.80, _MID, ("mobile", "landline")),
        _cause("roaming_charges", "policy", "billing", "ROM", 0.95, _MID, ("roaming", "mobile")),
        _cause("contract_terms", "policy", "onboarding", "CON", 0.95, _MILD, ("mobile", "fibre", "tv")),
        _cause("staff_conduct", "people", "support", "STF", 0.70, _MID, ("mobile", "fibre"), False),
        _cause("device_fault", "product", "device", "DEV", 1.05, _HARD, ("handset", "fibre")),
        _cause("wrong_information", "people", "support", "INF", 0.85, _MILD, ("mobile", "tv", "fibre"), False),
    ),
    outage="network_outage",
    surge="roaming_charges",
    fixed="billing_error",
    dip="technician_no_show",
)

COMPANIES: dict[str, Company] = {"bank": BANK, "telecom": TELECOM}
