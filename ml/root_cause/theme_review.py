"""What people decide about themes: names, candidates, merges, and whether a large change comes into force.

Belongs here: decisions, each a new version of the theme model in the store, so that going back is a change of pointer.
Not here: how people are asked (`amends/commands/themes.py`) or what a refit does by itself (`registry.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ml.root_cause.registry import ACTIVE, CANDIDATE, MERGED, REJECTED, Theme, ThemeEvent, ThemeRegistry
from ml.root_cause.themes import ThemeModel, load_theme_model, with_version
from ml.root_cause.topics import TopicParams
from ml.store import ModelStore

TOPICS = "topics"
# Events of a fit that a person who approves it answers for.
_ANSWERED_FOR = ("born", "split", "merged", "rested", "retired")


class DecisionRefused(ValueError):
    """A decision that cannot be carried out, with the reason in words."""


def keep_fit(store: ModelStore, model: ThemeModel, params: TopicParams, at: str | None) -> bool:
    """Save a fit and put it into force, or leave it pending for a person when it changes much; True when in force.

    A first fit, or one that changes little, needs nobody. A newer pending fit replaces an older one.
    """
    store.save(TOPICS, model.topic_model_id, model.files())
    if model.change is None or not model.change.is_large(params) or store.active(TOPICS) is None:
        store.promote(TOPICS, model.topic_model_id)
        store.drop_pending(TOPICS)
        return True
    change = model.change
    about = {"at": at, "moved": change.moved, "born": change.born, "gone": change.gone, "before": change.before}
    store.set_pending(TOPICS, model.topic_model_id, about)
    return False


def pending_fit(store: ModelStore) -> tuple[ThemeModel, dict[str, Any]] | None:
    """The fit that waits for a person, and what was noted about it."""
    entry = store.pending(TOPICS)
    return None if entry is None else (load_theme_model(store.load(TOPICS, entry["model_id"])), entry["about"])


def approve(store: ModelStore, *, by: str, at: str) -> ThemeModel:
    """Put the pending fit into force. What people decided in the meantime is carried over to it.

    Raises DecisionRefused when nothing is pending.
    """
    waiting = pending_fit(store)
    if waiting is None:
        raise DecisionRefused("no change of themes is pending")
    model = waiting[0]
    registry = model.registry
    stored = store.active(TOPICS)
    for event in _decided_since(load_theme_model(stored).registry if stored else registry, registry):
        registry = _repeated(registry, event, load_theme_model(stored).registry if stored else registry)
    answered = [
        replace(event, kind="approved", at=at, by=by, cosine=None, share=None, related=())
        for event in model.registry.events
        if event.topic_model_id == model.topic_model_id and event.kind in _ANSWERED_FOR and event.by is None
    ]
    approved = with_version(model, ThemeRegistry(registry.themes, registry.events + tuple(answered)))
    _in_force(store, approved)
    store.drop_pending(TOPICS)
    return approved


def reject_fit(store: ModelStore) -> str:
    """Give up the pending fit; the model in force stays. Returns its id. Raises DecisionRefused when none is pending."""
    entry = store.pending(TOPICS)
    if entry is None:
        raise DecisionRefused("no change of themes is pending")
    store.drop_pending(TOPICS)
    return str(entry["model_id"])


def _decided_since(active: ThemeRegistry, fitted: ThemeRegistry) -> list[ThemeEvent]:
    known = set(fitted.events)
    return [event for event in active.events if event.by is not None and event not in known]


def _repeated(registry: ThemeRegistry, event: ThemeEvent, active: ThemeRegistry) -> ThemeRegistry:
    """A person's decision on the model in force, on a fit made before it."""
    known = {theme.theme_id: theme for theme in registry.themes}
    if event.theme_id not in known:
        return registry
    decided, theme = active.theme(event.theme_id), known[event.theme_id]
    states = {"confirmed": ACTIVE, "rejected": REJECTED, "merged": MERGED}
    changed = replace(
        theme,
        name=decided.name if event.kind == "renamed" else theme.name,
        named_by=decided.named_by if event.kind == "renamed" else theme.named_by,
        state=states.get(event.kind, theme.state),
        merged_into=decided.merged_into if event.kind == "merged" else theme.merged_into,
    )
    return registry.with_theme(changed, event)


def rename(store: ModelStore, theme_id: str, name: str, *, by: str, at: str) -> ThemeModel:
    """Give a theme a person's name, which no refit changes. Raises DecisionRefused for a name that is empty, too long or
    another living theme's, and for a theme nobody knows."""
    wanted = " ".join(name.split())
    if not 3 <= len(wanted) <= 80:
        raise DecisionRefused("a name has 3 to 80 characters")

    def change(model: ThemeModel, theme: Theme) -> ThemeModel:
        others = [own for own in model.registry.themes if own.theme_id != theme_id]
        if any(own.name.lower() == wanted.lower() and own.state not in (MERGED, REJECTED) for own in others):
            raise DecisionRefused(f"another theme is called “{wanted}”")
        event = _event(model, "renamed", theme_id, by, at, detail=theme.name)
        return with_version(model, model.registry.with_theme(replace(theme, name=wanted, named_by=by), event))

    return _decide(store, theme_id, change)


def confirm(store: ModelStore, theme_id: str, *, by: str, at: str) -> ThemeModel:
    """Make a candidate a theme. Raises DecisionRefused when it is none."""

    def change(model: ThemeModel, theme: Theme) -> ThemeModel:
        _must_be_candidate(theme)
        event = _event(model, "confirmed", theme_id, by, at)
        return with_version(model, model.registry.with_theme(replace(theme, state=ACTIVE), event))

    return _decide(store, theme_id, change)


def reject(store: ModelStore, theme_id: str, *, by: str, at: str) -> ThemeModel:
    """Say that a candidate is no theme: its texts go to the nearest theme, and it is not proposed again.

    Raises DecisionRefused when it is no candidate.
    """

    def change(model: ThemeModel, theme: Theme) -> ThemeModel:
        _must_be_candidate(theme)
        event = _event(model, "rejected", theme_id, by, at)
        after = with_version(model, model.registry.with_theme(replace(theme, state=REJECTED), event))
        kept = [place for place, own in enumerate(model.theme_ids) if own != theme_id]
        # Candidates come last, so the numbers of the other topics stay unless a later candidate moves up.
        topics = tuple(replace(model.topics[place], topic_id=number) for number, place in enumerate(kept))
        return replace(
            after,
            topic_model_id=after.version,
            topics=topics,
            theme_ids=tuple(model.theme_ids[place] for place in kept),
            centroids=model.centroids[kept],
        )

    return _decide(store, theme_id, change)


def merge(store: ModelStore, theme_id: str, into: str, *, by: str, at: str) -> ThemeModel:
    """Make one theme part of another, for good: later fits that meet it count for the heir.

    Raises DecisionRefused for a theme nobody knows, for one that is merged already, and for merging into itself.
    """

    def change(model: ThemeModel, theme: Theme) -> ThemeModel:
        heir = _known(model, into)
        if theme_id == model.registry.heir(heir.theme_id) or theme.state == MERGED:
            raise DecisionRefused(
                f"{theme_id} cannot be merged into {into}: they are one theme, or it is merged already"
            )
        target = model.registry.heir(heir.theme_id)
        event = _event(model, "merged", theme_id, by, at, related=(target,))
        registry = model.registry.with_theme(replace(theme, state=MERGED, merged_into=target), event)
        ids = tuple(target if own == theme_id else own for own in model.theme_ids)
        return with_version(model, registry, theme_ids=ids)

    return _decide(store, theme_id, change)


def _decide(store: ModelStore, theme_id: str, change: Callable[[ThemeModel, Theme], ThemeModel]) -> ThemeModel:
    stored = store.active(TOPICS)
    if stored is None:
        raise DecisionRefused("no themes yet: nothing was classified")
    model = load_theme_model(stored)
    decided = change(model, _known(model, theme_id))
    _in_force(store, decided)
    return decided


def _in_force(store: ModelStore, model: ThemeModel) -> None:
    store.save(TOPICS, model.version, model.files())
    store.promote(TOPICS, model.version)


def _known(model: ThemeModel, theme_id: str) -> Theme:
    try:
        return model.registry.theme(theme_id)
    except KeyError:
        raise DecisionRefused(f"no theme {theme_id}") from None


def _must_be_candidate(theme: Theme) -> None:
    if theme.state != CANDIDATE:
        raise DecisionRefused(f"{theme.theme_id} is no candidate but {theme.state}")


def _event(model: ThemeModel, kind: str, theme_id: str, by: str, at: str, **more: Any) -> ThemeEvent:
    return ThemeEvent(model.topic_model_id, kind, theme_id, at=at, by=by, **more)
