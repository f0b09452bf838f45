"""Contact policy: nobody in the night, nobody on the list, nobody too often, and no yes that was never said."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pydantic import ValidationError

from models.contact import (
    CONSENT_NEEDED,
    STOPPING_FLAGS,
    ContactFacts,
    ContactPolicy,
    Purpose,
    QuietHours,
    decide,
)

POLICY = ContactPolicy(zone="America/New_York")
NOON = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)  # 12:00 in New York
ZONES = ("America/New_York", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", None, "No/Where")
PURPOSES: tuple[Purpose, ...] = tuple(p for p in get_args(Purpose) if p != "internal")
YES = {(channel, kind): True for channel in ("email", "sms", "phone") for kind in ("service", "survey", "marketing")}

moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
quiet_hours = st.tuples(st.times(), st.times()).filter(lambda pair: pair[0] != pair[1])
policies = st.builds(
    lambda hours, pause, most, give_up: ContactPolicy(
        zone="America/New_York",
        quiet_hours=QuietHours(start=hours[0], end=hours[1]),
        pause_days=pause,
        most_in_30_days=most,
        give_up_after_days=give_up,
    ),
    quiet_hours,
    st.floats(0, 20),
    st.integers(1, 5),
    st.floats(0.5, 60),
)
people = st.builds(
    ContactFacts,
    do_not_contact=st.booleans(),
    consents=st.dictionaries(
        st.tuples(st.sampled_from(["email", "sms"]), st.sampled_from(["service", "survey", "marketing"])), st.booleans()
    ),
    contacts=st.lists(moments, max_size=8).map(tuple),
    flags=st.frozensets(st.sampled_from([*sorted(STOPPING_FLAGS), "vulnerable"]), max_size=1),
    zone=st.sampled_from(ZONES),
    outreach_suppressed=st.booleans(),
)
asked = st.tuples(st.sampled_from(["email", "sms", "phone"]), st.sampled_from(PURPOSES))


def local_time(at: datetime, zone: str | None, policy: ContactPolicy) -> time:
    """What the clock on the customer's wall shows."""
    known = zone if zone and zone != "No/Where" else policy.zone
    return at.astimezone(ZoneInfo(known)).time()


def is_quiet(at: time, hours: QuietHours) -> bool:
    """The definition, said otherwise: walking forward from the start, the end comes after the time."""
    minutes = [
        t.hour * 3_600e6 + t.minute * 60e6 + t.second * 1e6 + t.microsecond for t in (hours.start, at, hours.end)
    ]
    day = 86_400e6
    return (minutes[1] - minutes[0]) % day < (minutes[2] - minutes[0]) % day


@given(asked, people, policies, moments)
def test_nothing_leaves_in_the_quiet_hours_of_the_person_or_to_anybody_on_the_list(
    message: tuple[str, Purpose], person: ContactFacts, policy: ContactPolicy, now: datetime
) -> None:
    decision = decide(*message, person, policy, now)
    assert decision.reasons
    if decision.verdict == "allow":
        assert not is_quiet(local_time(now, person.zone, policy), policy.quiet_hours)
        assert not person.do_not_contact
        assert not person.outreach_suppressed
        assert not person.flags & STOPPING_FLAGS
    if person.do_not_contact or person.outreach_suppressed or person.flags & STOPPING_FLAGS:
        assert decision.verdict == "suppress"


@given(asked, people, policies, moments)
def test_no_survey_advertisement_or_referral_leaves_without_a_yes_and_nothing_against_a_no(
    message: tuple[str, Purpose], person: ContactFacts, policy: ContactPolicy, now: datetime
) -> None:
    channel, purpose = message
    kind = {"survey": "survey", "marketing": "marketing", "referral": "marketing"}.get(purpose, "service")
    said = person.consents.get((channel, kind))
    decision = decide(channel, purpose, person, policy, now)
    if said is False or (purpose in CONSENT_NEEDED and said is not True):
        assert decision.verdict == "suppress"


@given(asked, people, policies, moments)
def test_a_deferred_message_may_leave_at_the_moment_it_was_deferred_to_and_not_before(
    message: tuple[str, Purpose], person: ContactFacts, policy: ContactPolicy, now: datetime
) -> None:
    decision = decide(*message, person, policy, now)
    assert (decision.until is not None) == (decision.verdict == "defer")
    if decision.until is not None:
        assert decision.until > now
        assert decision.until - now <= timedelta(days=policy.give_up_after_days)
        assert decide(*message, person, policy, decision.until).verdict == "allow"


class Outreach(RuleBasedStateMachine):
    """Messages of several cases to one person over months; whatever is allowed is sent, and time goes on."""

    @initialize(policy=policies, zone=st.sampled_from(ZONES))
    def begin(self, policy: ContactPolicy, zone: str | None) -> None:
        self.policy, self.zone, self.now = policy, zone, NOON
        self.sent: list[datetime] = []

    @rule(hours=st.integers(0, 400))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(
        channel=st.sampled_from(["email", "sms", "phone"]), purpose=st.sampled_from(["service", "survey", "referral"])
    )
    def somebody_wants_to_write(self, channel: str, purpose: Purpose) -> None:
        person = ContactFacts(consents=YES, contacts=tuple(self.sent), zone=self.zone)
        decision = decide(channel, purpose, person, self.policy, self.now)
        if decision.until is not None:
            self.now = decision.until
            decision = decide(channel, purpose, person, self.policy, self.now)
            assert decision.verdict == "allow"
        if decision.verdict == "allow":
            self.sent.append(self.now)

    @invariant()
    def never_more_than_the_most_in_any_thirty_days(self) -> None:
        for last in getattr(self, "sent", ()):
            window = [at for at in self.sent if last - timedelta(days=30) < at <= last]
            assert len(window) <= self.policy.most_in_30_days

    @invariant()
    def never_two_within_the_pause(self) -> None:
        sent = getattr(self, "sent", [])
        for one, other in pairwise(sent):
            assert other - one >= timedelta(days=self.policy.pause_days)


TestOutreach = Outreach.TestCase


def person(**more: Any) -> ContactFacts:
    """Somebody who said yes to everything."""
    return ContactFacts(**{"consents": YES, **more})


def test_a_service_reply_may_go_where_nobody_said_no_unless_the_policy_asks_for_a_yes() -> None:
    unknown = ContactFacts()
    assert decide("email", "service", unknown, POLICY, NOON).verdict == "allow"
    strict = POLICY.model_copy(update={"service_needs_consent": True})
    assert decide("email", "service", unknown, strict, NOON).reasons == ("no consent to service by email is known",)
    refused = ContactFacts(consents={("email", "service"): False})
    assert decide("email", "closure", refused, POLICY, NOON).reasons == ("the customer said no to service by email",)
    assert decide("sms", "closure", refused, POLICY, NOON).verdict == "allow"


def test_a_yes_to_service_is_no_yes_to_marketing() -> None:
    facts = ContactFacts(consents={("email", "service"): True})
    assert decide("email", "marketing", facts, POLICY, NOON).verdict == "suppress"
    assert decide("email", "referral", facts, POLICY, NOON).verdict == "suppress"


def test_a_vulnerable_customer_is_called_and_not_written_to() -> None:
    facts = person(flags=frozenset({"vulnerable"}))
    assert decide("phone", "service", facts, POLICY, NOON).verdict == "allow"
    assert decide("email", "service", facts, POLICY, NOON).reasons == (
        "a vulnerable customer is not written to by email",
    )


def test_every_reason_to_suppress_is_told() -> None:
    facts = ContactFacts(do_not_contact=True, flags=frozenset({"deceased", "legal_hold"}), outreach_suppressed=True)
    assert decide("email", "survey", facts, POLICY, NOON).reasons == (
        "the address is on the do-not-contact list",
        "the person is marked deceased",
        "the person is marked legal_hold",
        "the case is history: nobody is contacted about it",
        "no consent to survey by email is known",
    )


def test_contacts_in_other_cases_count_and_a_full_month_waits_for_the_oldest_to_pass() -> None:
    contacts = tuple(NOON - timedelta(days=days) for days in (5, 10, 20, 29))
    decision = decide("email", "service", person(contacts=contacts), POLICY, NOON)
    assert decision.verdict == "defer"
    assert decision.until == NOON + timedelta(days=1)
    assert decision.reasons == ("4 contacts in 30 days are the most",)
    assert decide("email", "closure", person(contacts=contacts), POLICY, NOON).verdict == "allow"


def test_a_contact_that_lies_ahead_because_a_clock_was_set_back_still_counts() -> None:
    decision = decide("email", "service", person(contacts=(NOON + timedelta(hours=1),)), POLICY, NOON)
    assert decision.until == NOON + timedelta(days=3, hours=1)


def test_what_would_have_to_wait_too_long_is_not_sent_and_says_so() -> None:
    contacts = tuple(NOON - timedelta(days=days) for days in (4, 5, 6, 7))
    decision = decide("email", "service", person(contacts=contacts), POLICY, NOON)
    assert decision.verdict == "suppress"
    assert decision.reasons == (
        "4 contacts in 30 days are the most",
        "it could only leave after more than 14 days",
    )


@pytest.mark.parametrize(
    ("zone", "at", "until"),
    [
        ("America/New_York", datetime(2026, 3, 5, 1, 0, tzinfo=UTC), datetime(2026, 3, 5, 13, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 5, 12, 59, tzinfo=UTC), datetime(2026, 3, 5, 13, 0, tzinfo=UTC)),
        # The night in which New York's clocks go forward is an hour shorter.
        ("America/New_York", datetime(2026, 3, 8, 2, 0, tzinfo=UTC), datetime(2026, 3, 8, 12, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 2, 0, tzinfo=UTC), datetime(2026, 11, 1, 13, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 3, 4, 17, 0, tzinfo=UTC), datetime(2026, 3, 5, 2, 15, tzinfo=UTC)),
        # An unknown zone is the company's, and a broken one must not stop the sender.
        (None, datetime(2026, 3, 5, 1, 0, tzinfo=UTC), datetime(2026, 3, 5, 13, 0, tzinfo=UTC)),
        ("No/Where", datetime(2026, 3, 5, 1, 0, tzinfo=UTC), datetime(2026, 3, 5, 13, 0, tzinfo=UTC)),
    ],
)
def test_the_night_ends_by_the_clock_on_the_customers_wall(zone: str | None, at: datetime, until: datetime) -> None:
    decision = decide("email", "service", person(zone=zone), POLICY, at)
    assert (decision.verdict, decision.until) == ("defer", until)


def test_quiet_hours_that_end_in_a_repeated_hour_end_at_its_second_passing_when_the_first_is_over() -> None:
    hours = QuietHours(start=time(0, 30), end=time(1, 30))
    second_passing = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)  # 01:10 for the second time
    assert hours.until(second_passing, "America/New_York") == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert hours.until(datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "America/New_York") is None


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"exempt": ["referral"]}, "never exempt"),
        ({"zone": "Mars/Olympus"}, "not a time zone"),
        ({"quiet_hours": {"start": "08:00", "end": "08:00"}}, "say another time"),
        ({"most_in_30_days": 0}, "most_in_30_days"),
        ({"pause": 3}, "pause"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(more: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        ContactPolicy.model_validate({"zone": "America/New_York", **more})


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        decide("email", "service", person(), POLICY, datetime(2026, 3, 4))
