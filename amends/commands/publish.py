"""`amends publish`: what is published now, and the content hash of every table."""

from __future__ import annotations

from amends.console import answer, console, fail
from models.settings import Settings


def current_build(settings: Settings, with_hashes: bool, as_json: bool) -> int:
    """Tell the current build; with hashes, one line per table. Returns the exit code."""
    from publishing.read import NothingPublished, current

    try:
        build = current(settings.published)
    except NothingPublished:
        fail("Nothing is published yet; `amends demo` or `amends run` publishes a build.")
    document: dict[str, object] = {"ok": True, "build_id": build.build_id, "as_of": build.as_of.isoformat()}
    if with_hashes:
        document["hashes"] = {mart.name: mart.content_hash for mart in build.marts}
    else:
        document["rows"] = {mart.name: mart.rows for mart in build.marts}

    def show(_: dict[str, object]) -> None:
        for mart in build.marts:
            console.print(f"{mart.content_hash}  {mart.name}" if with_hashes else f"{mart.rows:>12,}  {mart.name}")
        if not with_hashes:
            console.print(f"build {build.build_id}, as of {build.as_of:%Y-%m-%d %H:%M} UTC")

    answer(document, as_json, show=show)
    return 0
