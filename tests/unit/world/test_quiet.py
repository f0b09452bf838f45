"""A quiet world is the same company to which nothing happens."""

from __future__ import annotations

from pathlib import Path

import duckdb

from world.build import build_world


def test_nothing_planted_is_in_a_quiet_world_and_its_customers_are_the_same(tmp_path: Path) -> None:
    for name, quiet in (("loud", False), ("calm", True)):
        build_world(company="bank", customers=80, weeks=12, seed=3, out=tmp_path / name, quiet=quiet)

    def ask(question: str, name: str) -> list[tuple[object, ...]]:
        return duckdb.execute(question.format(f"{tmp_path}/{name}/truth")).fetchall()

    assert ask("select count(*) from '{}/breakdown.parquet'", "calm") == [(0,)]
    assert ask("select count(*) from '{}/breakdown.parquet'", "loud") == [(6,)]
    assert ask("select count(breakdown_id) from '{}/failure.parquet'", "calm") == [(0,)]
    same = "select customer_id, segment, region from '{}/customer.parquet' order by 1"
    assert ask(same, "calm") == ask(same, "loud")
