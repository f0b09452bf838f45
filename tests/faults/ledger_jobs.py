"""Jobs that write to the ledger alone: opening, acting, offers, programme versions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from cases import offers, programmes, queue, services
from cases.errors import StaleVersion
from cases.models import CaseEvent, Offer
from casework.opening import open_with
from models.case import EventKind
from models.facts import ResolutionFact, TriggerFact
from models.playbook import Offer as Terms
from tests.faults.arena import NOON
from tests.faults.tally import Score, tally
from tests.faults.work import ANNA, Work, cases_of, facts

_AMOUNT = Decimal(10)


class Opening(Work):
    """The whole detection is handed over again each time, new triggers at its end, in batches of ten."""

    prefix = ("open_cases",)
    hits = (1, 3, 2)

    def triggers(self) -> list[TriggerFact]:
        return facts(30 * (self.round + 1))

    def prepare(self) -> None:
        """All work is the opening itself."""

    def work(self) -> None:
        ends = [
            ResolutionFact(f"r{i}", "ticket", f"ticket-{i}", NOON - timedelta(days=1), "in_favour")
            for i in range(0, 30 * (self.round + 1), 20)
        ]
        open_with(self.arena.engine(self.settings), self.triggers(), ends, batch_size=10)

    def score(self) -> Score:
        return cases_of(self.triggers())


class Acting(Work):
    """A person notes something, naming the version seen; told it is stale by one, it was already written."""

    prefix = ("act", "write")

    def prepare(self) -> None:
        super().prepare()
        self.seen = services.state_of(self.case_id()).version

    def work(self) -> None:
        at = self.arena.engine(self.settings, after=self.after())
        try:
            services.act(
                self.case_id(), EventKind.NOTE_ADDED, {"note": f"round {self.round}"}, actor=ANNA,
                expected_version=self.seen, occurred_at=at.at, recorded_at=at.recorded_at,
            )  # fmt: skip
        except StaleVersion as error:
            if error.actual != self.seen + 1:
                raise

    def score(self) -> Score:
        rows = CaseEvent.objects.filter(kind=EventKind.NOTE_ADDED).values_list("case_id", flat=True)
        wanted = {services.case_of_trigger(f"t{4 * r:06d}") for r in range(self.round + 1)}
        return tally(wanted, rows)


class Offering(Work):
    """An offer is asked for and issued; told that it was issued before, it is done."""

    prefix = ("offer",)

    def work(self) -> None:
        at = self.arena.engine(self.settings, after=self.after())
        terms, case = self.terms(), queue.one(self.case_id())
        assert case is not None
        state = offers.standing(case, terms.code).state
        about: dict[str, Any] = {"by": ANNA, "at": at.at, "recorded_at": at.recorded_at}
        if state == "none":
            offers.request(case.case_id, terms, _AMOUNT, **about)
        if state != "issued":
            offers.issue(case.case_id, terms, **about)

    def terms(self) -> Terms:
        """The first offer of the programme nobody has to agree to for so little."""
        found = [offer for item in self.arena.pattern.programme.playbooks for offer in item.playbook.offers]
        return next(offer for offer in found if 2 in offer.cap_usd_by_severity and offer.approver(_AMOUNT) is None)

    def score(self) -> Score:
        wanted = {services.case_of_trigger(f"t{4 * r:06d}") for r in range(self.round + 1)}
        score = tally(wanted, Offer.objects.values_list("case_id", flat=True))
        told = tally(wanted, CaseEvent.objects.filter(kind=EventKind.OFFER_ISSUED).values_list("case_id", flat=True))
        score.dup, score.lost = score.dup + told.dup, score.lost + told.lost
        return score


class Applying(Work):
    """A programme version a round."""

    prefix = ("programme",)

    def work(self) -> None:
        at = NOON + self.after()
        programmes.store(
            {"a.yml": f"round {self.round}"}, company="bank", applied_at=at, effective_from=at, applied_by="E1"
        )

    def score(self) -> Score:
        texts = [version.files.get("a.yml") for version in programmes.history()]
        return tally((f"round {r}" for r in range(self.round + 1)), (text for text in texts if text))
