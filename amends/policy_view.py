"""`amends policy` for a person and as JSON: what is in force, what each leaf of a policy says, what past cases say of it.

Belongs here: words and layout. Not here: which policies there are (`ml/recovery/roll_out.py`), judging them
(`amends/policy_evidence.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table

from amends.console import console
from models.policy import ArmValue, Leaf, Policy, Split
from models.trial import RollOut


def roll_out_document(now: RollOut) -> dict[str, Any]:
    """What is in force as JSON-ready values."""
    return {
        "version": now.version, "is_rules": now.is_rules, "fault": now.fault, "challenger_share": now.share,
        "champion": policy_document(now.champion), "challenger": policy_document(now.challenger),
    }  # fmt: skip


def policy_document(policy: Policy | None) -> dict[str, Any] | None:
    """A policy as JSON-ready values, its leaves with the questions that lead there; None: the rules."""
    if policy is None:
        return None
    head = policy.model_dump(mode="json", exclude={"root", "format"})
    return head | {"leaves": [_leaf(leaf, path) for leaf, path in _leaves(policy.root, ())]}


def _leaf(leaf: Leaf, path: tuple[str, ...]) -> dict[str, Any]:
    return {"where": list(path)} | leaf.model_dump(mode="json")


def _leaves(node: Leaf | Split | None, path: tuple[str, ...]) -> Iterator[tuple[Leaf, tuple[str, ...]]]:
    if isinstance(node, Leaf):
        yield node, path
    elif isinstance(node, Split):
        told = f"at most {node.at_most:g}" if node.at_most is not None else "one of " + ", ".join(node.among)
        known = {"yes": ("", " or unknown"), "no": (" or unknown", "")}[node.unknown]
        yield from _leaves(node.yes, (*path, f"{node.field} {told}{known[1]}"))
        yield from _leaves(node.no, (*path, f"{node.field} not {told}{known[0]}"))


def show(document: dict[str, Any]) -> None:
    """Print what is in force, what waits, and the decisions so far."""
    now = document["in_force"]
    if now["fault"]:
        console.print(f"[bold red]The rules decide: {escape(now['fault'])}.[/]", soft_wrap=True)
    elif now["is_rules"]:
        console.print("The rules decide every case; no learned policy is in force.")
    else:
        console.print(f"roll-out {now['version']}")
        _policy("champion", now["champion"])
        if now["challenger_share"]:
            console.print(
                f"[bold]{now['challenger_share']:.0%}[/] of the cases that may be tried on go to the challenger"
            )
            _policy("challenger", now["challenger"])
    if (waiting := document["waiting"]) is not None:
        console.print(f"waiting: {waiting['model_id']}; `amends policy evaluate` judges it", markup=False)
    for said in document["decisions"][-10:]:
        overruled = f", overruling {', '.join(said['failed'])}" if said.get("failed") else ""
        console.print(
            f"  {said['at']} {said['action']} {said['model_id']} by {said['by']}: {said['why']}{overruled}",
            markup=False, soft_wrap=True,
        )  # fmt: skip


def _policy(side: str, policy: dict[str, Any] | None) -> None:
    if policy is None:
        console.print(f"{side}: the rules")
        return
    told = f"{side}: {policy['policy_id']} ({policy['method']}), learned from {policy['attempts']:,} attempts"
    console.print(f"{told} of {policy['customers']:,} customers up to {policy['as_of']}", markup=False, soft_wrap=True)
    for leaf in policy["leaves"]:
        console.print(f"  {' and '.join(leaf['where']) or 'all cases'} ({leaf['n']:,})", markup=False, soft_wrap=True)
        for arm in sorted(leaf["arms"], key=lambda arm: -(arm["value_usd"] if arm["value_usd"] is not None else -1e99)):
            console.print(
                f"    {arm['code']:<14} {_value(ArmValue.model_validate(arm), leaf['against'])}", markup=False
            )


def _value(arm: ArmValue, against: str) -> str:
    if arm.value_usd is None:
        return f"not enough data ({arm.n})"
    if arm.code == against:
        return f"what the others are compared with ({arm.n})"
    return f"{arm.value_usd:+.2f} USD against {against} ({arm.low_usd:+.2f} to {arm.high_usd:+.2f}; {arm.n}), {arm.standing}"


def show_evidence(document: dict[str, Any]) -> None:
    """Print the estimates, the support, the naive figure, the gates and the verdict."""
    console.print(
        f"policy {document['policy_id']} in place of {document['against']}: lead in {document['outcome']} per case",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    table = Table("estimator", "lead", "95 % interval", "effective n", "thin", "", box=None, header_style="bold")
    for basis, rows in (("when learned", document["estimates"]), ("since", document["since"])):
        for row in rows:
            thin = f"{row['thin_share']:.0%}"
            told = row["refused"] or basis
            table.add_row(row["estimator"], _number(row["value"]), _interval(row), f"{row['ess']:.0f}", thin, told)
    naive = document["naive"]
    told = "who got its playbook against who got the other: not a causal figure"
    table.add_row("naive", _number(naive["value"]), _interval(naive), str(naive["n"]), "", told)
    console.print(table)
    if document["judged_on"]:
        chances = f"chances of past choices are {document['propensities']}"
        console.print(f"Judged on {document['judged_on']}; {chances}.", markup=False, soft_wrap=True)
    show_gates(document["gates"])
    console.print(document["verdict"], markup=False, soft_wrap=True)


def show_gates(gates: list[dict[str, Any]]) -> None:
    """Print each gate with its reason."""
    for gate in gates:
        mark = "[green]✓[/]" if gate["passed"] else "[red]✗[/]"
        console.print(f"{mark} {gate['name']}: {escape(gate['why'])}", soft_wrap=True)


def _number(value: float | None) -> str:
    return "refused" if value is None else f"{value:+.2f}"


def _interval(row: dict[str, Any]) -> str:
    return "" if row["low"] is None else f"{row['low']:+.2f} to {row['high']:+.2f}"
