"""What is true of the world: assignment, potential outcomes, responses, breakdowns and what exports show of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.world.conftest import Built
from world.config import ARMS

PROPENSITIES = [f"p_{arm}" for arm in ARMS]


@pytest.mark.parametrize("name", ["bank", "telecom"])
def test_propensities_sum_to_one_over_the_eligible_arms(name: str, request: pytest.FixtureRequest) -> None:
    world: Built = request.getfixturevalue(name)
    rows = world.truth("assignment")
    assert np.allclose(rows[PROPENSITIES].sum(axis=1), 1.0, atol=1e-6)
    for arm in ARMS:
        allowed = rows["eligible"].map(lambda arms, arm=arm: arm in arms)
        assert (rows.loc[allowed, f"p_{arm}"] >= 0.01).all()
        assert (rows.loc[~allowed, f"p_{arm}"] == 0).all()
    assert all(arm in eligible for arm, eligible in zip(rows["arm"], rows["eligible"], strict=True))


def test_the_worst_and_the_vulnerable_are_never_left_without_help(bank: Built) -> None:
    rows = bank.truth("assignment").merge(bank.truth("customer")[["customer_id", "is_vulnerable"]], on="customer_id")
    assert (rows.loc[rows["severity"] == 1, "p_none"] == 0).all()
    assert (rows.loc[rows["is_vulnerable"], "p_none"] == 0).all()


def test_arms_are_drawn_with_their_propensities(bank: Built) -> None:
    rows = bank.truth("assignment")
    for arm in ARMS:
        expected, spread = rows[f"p_{arm}"].sum(), np.sqrt((rows[f"p_{arm}"] * (1 - rows[f"p_{arm}"])).sum())
        assert abs((rows["arm"] == arm).sum() - expected) < 4 * spread


def test_the_observed_outcome_is_the_potential_outcome_of_the_assigned_arm(bank: Built) -> None:
    seen = bank.truth("assignment")
    every = bank.truth("potential_outcome")
    assert len(every) == len(ARMS) * len(seen)
    both = seen.merge(every, on=["subject_id", "arm"], suffixes=("", "_p"))
    assert len(both) == len(seen)
    for column in ("recovered", "retained_90d", "margin_90d_usd", "offer_usd"):
        assert (both[column] == both[f"{column}_p"]).all(), column


def test_exports_agree_with_the_truth_of_the_assigned_arm(bank: Built) -> None:
    rows = bank.read("resolutions", "resolution").drop_duplicates("resolution_id")
    every = bank.truth("potential_outcome").rename(columns={"arm": "playbook_code"})
    both = rows.merge(every, on=["subject_id", "playbook_code"], suffixes=("", "_p"))
    assert len(both) == len(rows) > 3000
    assert (both["handling_minutes"].astype(float) == both["handling_minutes_p"]).all()
    assert np.allclose(both["offer_usd"].astype(float), both["offer_usd_p"], atol=0.005)
    assert (pd.to_datetime(both["resolved_at"]) == both["resolved_at_p"].dt.floor("s")).all()


def test_a_resolution_notes_the_severity_that_its_handler_knew_before_choosing(bank: Built) -> None:
    rows = bank.read("resolutions", "resolution").drop_duplicates("resolution_id")
    both = rows.merge(bank.truth("assignment")[["subject_id", "severity"]], on="subject_id")
    noted = both["triage_severity"] != ""
    assert 0.96 < noted.mean() < 0.98
    assert (both.loc[noted, "triage_severity"].astype(int) == both.loc[noted, "severity"]).all()
    # Who forgets is chance: the grave are as often without it as the slight.
    assert abs(noted[both["severity"] <= 2].mean() - noted[both["severity"] > 2].mean()) < 0.02


def test_margins_of_the_truth_are_the_margins_of_the_billing_files(bank: Built) -> None:
    orders = bank.read("billing", "order").sort_values("updated_at").drop_duplicates("order_id", keep="last")
    orders["at"] = pd.to_datetime(orders["ordered_at"])
    seen = bank.truth("assignment").query("is_mature").head(300)
    assert len(seen) == 300
    by_customer = dict(iter(orders.groupby("customer_id")))
    for row in seen.itertuples():
        mine = by_customer.get(row.customer_id)
        inside = 0.0
        if mine is not None:
            window = (mine["at"] >= row.assigned_at) & (mine["at"] < row.assigned_at + pd.Timedelta(days=90))
            inside = mine.loc[window, "margin_usd"].astype(float).sum()
        assert inside == pytest.approx(row.margin_90d_usd, abs=0.01)


def test_retention_of_the_truth_is_the_churn_of_the_crm(bank: Built) -> None:
    crm = (
        bank.read("crm", "customer")
        .sort_values("updated_at")
        .drop_duplicates("customer_id", keep="last")
        .set_index("customer_id")
    )
    seen = bank.truth("assignment").query("is_mature")
    churned_on = pd.to_datetime(seen["customer_id"].map(crm["churned_on"]).replace("", None), utc=True)
    left = churned_on < (seen["assigned_at"] + pd.Timedelta(days=90)).dt.floor("D")
    stayed = churned_on.isna() | (churned_on > seen["assigned_at"] + pd.Timedelta(days=90))
    assert not seen.loc[left, "retained_90d"].any()
    assert seen.loc[stayed, "retained_90d"].all()
    assert 0.02 < left.mean() < 0.4


def test_the_naive_difference_misleads_about_some_arm(bank: Built) -> None:
    """Owners give specialists to hard cases: the raw comparison misses a third of the true effect on recovery or more."""
    every = bank.truth("potential_outcome").groupby("arm")["recovered"].mean()
    seen = bank.truth("assignment").groupby("arm")["recovered"].mean()
    truth, naive = every["specialist"] - every["none"], seen["specialist"] - seen["none"]
    assert truth > 0.15
    assert naive < 0.67 * truth
    weights = bank.truth("assignment")
    adjusted = {a: _weighted(weights[weights["arm"] == a], f"p_{a}") for a in ("callback", "refund")}
    assert abs((adjusted["refund"] - adjusted["callback"]) - (every["refund"] - every["callback"])) < 0.12


def _weighted(rows: pd.DataFrame, propensity: str) -> float:
    return float(np.average(rows["recovered"], weights=1 / rows[propensity]))


def test_effects_differ_between_kinds_of_case(bank: Built) -> None:
    causes = bank.truth("assignment")[["subject_id", "cause"]]
    every = bank.truth("potential_outcome").merge(causes, on="subject_id")
    chance = every.pivot_table(index="cause", columns="arm", values="recovery_probability")
    gap = chance["refund"] - chance["callback"]
    assert gap["fee_dispute"] > 0.03 and gap["staff_conduct"] < -0.08


def test_waiting_lowers_recovery(bank: Built) -> None:
    rows = bank.truth("assignment")
    chance = (
        bank.truth("potential_outcome")
        .query("arm == 'callback'")
        .merge(rows[["subject_id", "severity", "wait_hours"]], on="subject_id")
    )
    third = chance[chance["severity"] == 3]
    slow = third["wait_hours"] > third["wait_hours"].median()
    assert third.loc[~slow, "recovery_probability"].mean() - third.loc[slow, "recovery_probability"].mean() > 0.02


def test_queues_are_slower_where_agents_are_missing(bank: Built) -> None:
    slow = bank.truth("breakdown").query("kind == 'slow_queue'").iloc[0]
    failures = bank.truth("failure")[["failure_id", "region"]]
    rows = bank.truth("assignment").query("severity > 1").merge(failures, on="failure_id")
    inside = (rows["contacted_at"] >= slow["started_at"]) & (rows["contacted_at"] < slow["ended_at"])
    here = rows["region"] == slow["region"]
    assert rows.loc[inside & here, "wait_hours"].mean() > 1.8 * rows.loc[inside & ~here, "wait_hours"].mean()


def test_people_who_answer_surveys_are_happier_than_those_who_do_not(bank: Built) -> None:
    asked = bank.truth("survey_propensity")
    recovered = bank.truth("assignment")[["subject_id", "recovered"]]
    csat = asked[asked["survey_id"] == "SV_CSAT"].merge(recovered, on="subject_id")
    assert csat.loc[csat["responded"], "recovered"].mean() - csat.loc[~csat["responded"], "recovered"].mean() > 0.08
    nps = asked[asked["survey_id"] == "SV_NPS"]
    assert nps.loc[nps["responded"], "would_score"].mean() - nps["would_score"].mean() > 0.4
    rates = asked.groupby("channel")["responded"].mean()
    assert rates["email"] > 1.2 * rates["sms"]


def test_exported_scores_are_what_people_would_answer(bank: Built) -> None:
    answers = bank.read("qualtrics", "response").drop_duplicates("ResponseId")
    asked = bank.truth("survey_propensity").set_index("invitation_id")
    assert (answers["Q1"].astype(int) == answers["InvitationId"].map(asked["would_score"])).all()
    assert set(answers["InvitationId"]) == set(asked.index[asked["responded"]])


def test_version_one_of_the_effort_survey_runs_downwards(bank: Built) -> None:
    asked = bank.truth("survey_propensity").merge(
        bank.truth("assignment")[["subject_id", "recovered"]], on="subject_id"
    )
    means = asked.groupby(["survey_id", "recovered"])["would_score"].mean()
    assert means["SV_CES", True] > means["SV_CES", False] + 1
    assert means["SV_CES1", True] < means["SV_CES1", False] - 0.7


def test_detractors_regress_to_the_mean_without_any_action(bank: Built) -> None:
    asked = bank.truth("survey_propensity").query("survey_id == 'SV_NPS'").sort_values(["customer_id", "sent_at"])
    pairs = asked.assign(later=asked.groupby("customer_id")["would_score"].shift(-1)).dropna(subset="later")
    assert 0.35 < np.corrcoef(pairs["would_score"], pairs["later"])[0, 1] < 0.65
    low = pairs[pairs["would_score"] <= 6]
    assert low["later"].mean() - low["would_score"].mean() > 0.8


def weekly(rows: pd.DataFrame, start: pd.Timestamp) -> pd.Series:
    return ((rows["occurred_at"] - start).dt.days // 7).value_counts().sort_index()


def test_the_surge_and_the_outage_have_their_planted_excess(bank: Built) -> None:
    failures, plan = bank.truth("failure"), bank.truth("breakdown").set_index("kind")
    surge = plan.loc["complaint_surge"]
    counts = weekly(failures[failures["cause"] == surge["cause"]], failures["occurred_at"].min().floor("D"))
    first = (surge["started_at"] - pd.Timestamp(bank.summary.start, tz="UTC")).days // 7
    assert counts[first : first + 2].mean() > 2.5 * counts.drop([first, first + 1]).mean()
    outage = plan.loc["outage"]
    during = failures[
        (failures["occurred_at"] >= outage["started_at"]) & (failures["occurred_at"] < outage["ended_at"])
    ]
    assert (during["cause"] == outage["cause"]).mean() > 0.5
    assert (failures["breakdown_id"] == "BD-1").sum() >= 0.9 * outage["realised"] > 30


def test_the_fix_removes_its_share_of_failures(bank: Built) -> None:
    failures, plan = bank.truth("failure"), bank.truth("breakdown").set_index("kind")
    fix = plan.loc["shipped_fix"]
    usual = failures[failures["breakdown_id"].isna()]
    after = usual["occurred_at"] >= fix["started_at"]
    mine = usual["cause"] == fix["cause"]
    share_before, share_after = mine[~after].mean(), mine[after].mean()
    assert 0.3 < share_after / share_before < 0.65


def test_the_nps_dip_is_seen_in_its_region_only(bank: Built) -> None:
    dip = bank.truth("breakdown").set_index("kind").loc["nps_dip"]
    asked = (
        bank.truth("survey_propensity")
        .query("survey_id == 'SV_NPS'")
        .merge(bank.truth("customer")[["customer_id", "region"]], on="customer_id")
    )
    inside = (asked["sent_at"] >= dip["started_at"]) & (asked["sent_at"] < dip["ended_at"])
    here = asked["region"] == dip["region"]
    score = asked["would_score"]
    assert score[here & ~inside].mean() - score[here & inside].mean() > 1.2
    assert abs(score[~here & ~inside].mean() - score[~here & inside].mean()) < 0.6


def test_weekends_are_quieter(bank: Built) -> None:
    days = bank.truth("failure").query("breakdown_id.isna()")["occurred_at"].dt.day_of_week.value_counts()
    assert days[6] < 0.75 * days[0]


def test_the_reorganisation_moves_agents_to_another_team(bank: Built) -> None:
    chart = bank.read("hr", "org_chart")
    moved = chart[chart["valid_to"] != ""]["employee_id"].unique()
    assert len(moved) >= 1
    for employee in moved:
        rows = chart[chart["employee_id"] == employee]
        old, new = (
            rows[rows["valid_to"] != ""].iloc[-1],
            rows[(rows["valid_to"] == "") & (rows["valid_from"] > "2025")].iloc[-1],
        )
        assert old["valid_to"] == new["valid_from"]
        assert (old["team_id"], old["manager_id"]) != (new["team_id"], new["manager_id"])
    history = bank.read("zendesk", "ticket")
    assert set(history["assignee_id"].dropna()) <= set(chart["employee_id"])


def test_the_field_history_replays_to_the_tickets_last_status(bank: Built) -> None:
    tickets = (
        bank.read("zendesk", "ticket").sort_values("updated_at").drop_duplicates("id", keep="last").set_index("id")
    )
    events = (
        bank.read("zendesk", "ticket_field_history")
        .query("field_name == 'status'")
        .drop_duplicates(["ticket_id", "updated"])
    )
    last = events.sort_values("updated").groupby("ticket_id")["value"].last()
    tickets.index = tickets.index.astype(str)
    assert set(last.index) == set(tickets.index)
    assert (tickets["status"] == last[tickets.index]).mean() > 0.999


def test_recontacts_follow_contacts_that_did_not_recover(bank: Built) -> None:
    again = bank.truth("recontact").merge(bank.truth("assignment")[["subject_id", "recovered"]], on="subject_id")
    assert len(again) > 200 and not again["recovered"].any()
    assert again["is_reopen"].any() and not again["is_reopen"].all()


def test_nothing_happens_outside_the_period_or_after_a_customer_left(bank: Built) -> None:
    left = bank.truth("customer").set_index("customer_id")["left_at"]
    failures = bank.truth("failure")
    assert (failures["occurred_at"] >= pd.Timestamp(bank.summary.start, tz="UTC") - pd.Timedelta(hours=24)).all()
    assert (failures["occurred_at"] < pd.Timestamp(bank.summary.end, tz="UTC")).all()
    gone = failures["customer_id"].map(left)
    assert not (failures["occurred_at"] >= gone).any()
    orders = bank.read("billing", "order").drop_duplicates("order_id")
    assert not (pd.to_datetime(orders["ordered_at"]) >= orders["customer_id"].map(left)).any()
