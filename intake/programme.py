"""The programme enters by the same door as data: read, checked, and compiled to tables.

Belongs here: reading `programme/<company>/` and writing `programme_tables/*.parquet`. Not here: what the parts mean
(`models/`). A fault names file, line and reason, and the nearest word when one was probably meant.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from pydantic import BaseModel, ValidationError

from intake.business_intervals import business_intervals
from intake.programme_faults import cause_faults, choice_reason, located, without_echoes
from models.alerts import AlertPolicy
from models.contact import ContactPolicy
from models.escalation import EscalationRules
from models.playbook import Playbook, ScriptFault
from models.programme import (
    Calendars,
    Company,
    Programme,
    SeverityRules,
    SlaRows,
    Surveys,
)
from models.questionnaire import Questionnaire
from models.recommendation import RecommendationPolicy
from models.routing import RoutingTree
from models.signal import did_you_mean
from models.sla import SlaPolicy
from models.staff import Teams
from models.taxonomy import Taxonomy
from models.template import TemplateFault
from models.texts import MessageHead, MessageText, PlaybookText
from models.trigger import TriggerRule

MAX_BYTES = 1_000_000
# Folders of a programme that hold several files of one kind.
ROOMS = (("triggers", "*.yml"), ("playbooks", "*.md"), ("messages", "*.md"))

Part = TypeVar("Part", bound=BaseModel)


class ProgrammeError(ValueError):
    """A programme file is wrong. The message has one line per fault: `file:line: reason`."""


def load_programme(folder: Path) -> Programme:
    """Read and check a whole programme. Raises ProgrammeError naming every fault of the first faulty file."""
    return parse_programme(folder.name, read_files(folder))


def read_files(folder: Path) -> dict[str, str]:
    """The files of a programme by their name below the folder, as text; what is no programme file is left out.

    Raises ProgrammeError when the folder is missing, or a file is too large or not UTF-8.
    """
    if not folder.is_dir():
        raise ProgrammeError(f"{folder.name}: no such programme folder")
    paths = [
        *sorted(folder.glob("*.yml")),
        *(path for room, ending in ROOMS for path in sorted((folder / room).glob(ending))),
    ]
    return {path.relative_to(folder).as_posix(): _text(path) for path in paths}


def parse_programme(name: str, files: Mapping[str, str]) -> Programme:
    """A programme from its files as text, checked as a whole. Raises ProgrammeError as `load_programme` does."""
    try:
        return _whole(name, files)
    except ProgrammeError as error:
        raise ProgrammeError("\n".join(located(fault, files) for fault in str(error).splitlines())) from error


def _whole(name: str, files: Mapping[str, str]) -> Programme:
    calendars = _part(files, "calendars.yml", Calendars)
    parts = {
        "company": _part(files, "programme.yml", Company),
        "taxonomy": _part(files, "taxonomy.yml", Taxonomy),
        "surveys": _part(files, "surveys.yml", Surveys).surveys,
        "severity": _part(files, "severity.yml", SeverityRules),
        "triggers": tuple(_parsed(_base(key), files[key], TriggerRule) for key in _room(files, "triggers")),
        "routing": _part(files, "routing.yml", RoutingTree),
        "teams": _part(files, "teams.yml", Teams),
        "escalation": _part(files, "escalation.yml", EscalationRules),
        "sla": _sla(_part(files, "sla.yml", SlaRows), calendars),
        "playbooks": tuple(_playbook(_base(key), files[key]) for key in _room(files, "playbooks")),
        "recommendation": _part(files, "recommendation.yml", RecommendationPolicy),
        "contact": _part(files, "contact.yml", ContactPolicy),
        "questionnaire": _part(files, "questionnaire.yml", Questionnaire),
        # Programmes applied before there was a budget have no such file: the defaults hold for them.
        "alerts": _part(files, "alerts.yml", AlertPolicy) if "alerts.yml" in files else AlertPolicy(),
        "messages": tuple(_message(_base(key), files[key]) for key in _room(files, "messages")),
    }
    _refuse_unknown_causes(files, parts["triggers"], parts["taxonomy"])
    return _checked(name, lambda: Programme(**parts))


def _refuse_unknown_causes(files: Mapping[str, str], rules: Sequence[TriggerRule], taxonomy: Taxonomy) -> None:
    causes, keys = [cause.id for cause in taxonomy.causes], _room(files, "triggers")
    named = zip(keys, rules, strict=True)
    faults = [fault for key, rule in named for fault in cause_faults(_base(key), files[key], rule, causes)]
    if faults:
        raise ProgrammeError("\n".join(faults))


def taxonomy_of(folder: Path) -> Taxonomy:
    """The causes of a programme folder alone. Raises ProgrammeError where its taxonomy.yml is faulty."""
    return _parsed("taxonomy.yml", _text(folder / "taxonomy.yml"), Taxonomy)


def parsed_rule(name: str, text: str) -> TriggerRule:
    """One trigger rule from the text of its file. Raises ProgrammeError with the line of every fault."""
    return _parsed(name, text, TriggerRule)


def _part(files: Mapping[str, str], name: str, part: type[Part]) -> Part:
    if name not in files:
        raise ProgrammeError(f"{name}: the file is missing")
    return _parsed(name, files[name], part)


def _room(files: Mapping[str, str], room: str) -> list[str]:
    return sorted(key for key in files if key.startswith(f"{room}/"))


def _base(key: str) -> str:
    return key.rpartition("/")[2]


def compile_programme(folder: Path, out: Path) -> Programme:
    """Write the programme as Parquet tables for the warehouse and return it; the same files give the same bytes.

    Tables: cause, reason_code, survey, severity_rule, sla_target, business_interval, playbook. Nothing is written when
    a file is faulty.
    """
    programme = load_programme(folder)
    write_tables(programme, out)
    return programme


def write_tables(programme: Programme, out: Path) -> None:
    """Write the tables of a programme, each aside first and then renamed."""
    out.mkdir(parents=True, exist_ok=True)
    for name, table in programme_tables(programme).items():
        fresh = out / f".{name}.{os.getpid()}.tmp"
        pq.write_table(table, fresh, compression="zstd")
        fresh.replace(out / f"{name}.parquet")


def programme_tables(programme: Programme) -> dict[str, pa.Table]:
    """The programme as tables, each sorted by its key."""
    taxonomy, severity = programme.taxonomy, programme.severity
    return {
        "cause": _table(
            ["cause_id", "title", "failure_type", "journey"],
            [(cause.id, cause.title, cause.failure_type, cause.journey) for cause in taxonomy.causes],
        ),
        "reason_code": _table(["source", "code", "cause_id"], taxonomy.codes()),
        "survey": _table(
            ["survey_id", "metric", "score_min", "score_max", "direction"],
            [(item.survey_id, item.metric, item.min, item.max, item.direction) for item in programme.surveys],
            score_min=pa.float64(),
            score_max=pa.float64(),
        ),
        "severity_rule": _table(
            ["rule_id", "severity", "phrases"],
            [
                *((rule.id, rule.severity, " | ".join(rule.phrases)) for rule in severity.phrases),
                *((escalation.id, escalation.severity, None) for escalation in severity.escalations),
                *((score.id, score.severity, None) for score in severity.scores),
            ],
            severity=pa.int64(),
        ),
        "sla_target": _table(
            ["metric", "severity", "segment", "clock", "target_seconds", "effective_from"],
            [
                (item.metric, item.severity, item.segment, item.clock, item.seconds, item.effective_from)
                for item in programme.sla.targets
                if item.severity is not None
            ],
            severity=pa.int64(),
            target_seconds=pa.int64(),
            effective_from=pa.timestamp("us", tz="UTC"),
        ),
        "business_interval": business_intervals(programme.sla),
        "playbook": _table(
            ["code", "title", "version_hash"],
            [(item.code, item.playbook.title, item.version_hash) for item in programme.playbooks],
        ),
    }


def _table(names: list[str], rows: list[tuple[Any, ...]], **types: pa.DataType) -> pa.Table:
    schema = pa.schema([(name, types.get(name, pa.string())) for name in names])
    ordered = sorted(rows, key=lambda row: tuple((value is None, str(value)) for value in row))
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in ordered], schema=schema)


def _sla(rows: SlaRows, calendars: Calendars) -> SlaPolicy:
    return _checked(
        "sla.yml",
        lambda: SlaPolicy(
            targets=(*(row.target() for row in rows.targets), *(row.target() for row in rows.regulation)),
            calendars=calendars.versions(),
            schedule=rows.schedule,
        ),
    )


def _checked(where: str, build: Callable[[], Part], *, first_line: int = 1) -> Part:
    try:
        return build()
    except ValidationError as error:
        lines = [_placed(where, fault, first_line) for fault in error.errors()]
        raise ProgrammeError("\n".join(lines)) from error


def _placed(where: str, fault: Mapping[str, Any], first_line: int) -> str:
    """A fault with its line, where it is one of the words below a front matter."""
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, TemplateFault | ScriptFault):
        return f"{where}:{first_line + cause.line - 1}: {cause.reason}"
    return f"{where}: {_reason(fault, None)}"


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            raise ProgrammeError(f"{path.name}: larger than {MAX_BYTES} bytes")
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProgrammeError(f"{path.name}: not UTF-8 at byte {error.start}") from error


def _playbook(name: str, text: str) -> PlaybookText:
    playbook, words, line = _front_matter(name, text, Playbook)
    _same_name(name, playbook.code)
    return _checked(name, lambda: PlaybookText(playbook=playbook, script=words), first_line=line)


def _message(name: str, text: str) -> MessageText:
    head, words, line = _front_matter(name, text, MessageHead)
    _same_name(name, head.code)
    return _checked(name, lambda: MessageText(head=head, body=words + "\n"), first_line=line)


def _front_matter(name: str, text: str, part: type[Part]) -> tuple[Part, str, int]:
    """Typed head, words, and the line of the file on which the words begin."""
    pieces = text.split("---\n", 2)
    if not text.startswith("---\n") or len(pieces) != 3:
        raise ProgrammeError(f"{name}:1: the file starts with YAML between two lines of ---")
    words = pieces[2].lstrip()
    line = text[: len(text) - len(words)].count("\n") + 1
    return _parsed(name, pieces[1], part, first_line=2), words.rstrip(), line


def _same_name(name: str, code: str) -> None:
    if f"{code}.md" != name:
        raise ProgrammeError(f"{name}:2: code '{code}' must be the file's name")


def _parsed(name: str, text: str, part: type[Part], *, first_line: int = 1) -> Part:
    """YAML text as a typed part, or a ProgrammeError with the line of every fault."""
    try:
        _refuse_aliases(name, text, first_line)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line if error.problem_mark else 0) + first_line
        raise ProgrammeError(f"{name}:{line}: {error.problem}") from error
    if tree is None or not isinstance(data, dict):
        raise ProgrammeError(f"{name}:{first_line}: expected `key: value` lines")
    _refuse_bad_keys(name, tree, first_line)
    try:
        return part.model_validate(data)
    except ValidationError as error:
        found = without_echoes(error.errors())
        lines = [f"{name}:{_line(tree, fault['loc']) + first_line}: {_reason(fault, part)}" for fault in found]
        raise ProgrammeError("\n".join(dict.fromkeys(lines))) from error


def _refuse_aliases(name: str, text: str, first_line: int) -> None:
    """Anchors and aliases let a small file grow without bound, and hide what a rule says."""
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            raise ProgrammeError(f"{name}:{token.start_mark.line + first_line}: anchors and aliases are not used here")


def _refuse_bad_keys(name: str, node: yaml.Node, first_line: int) -> None:
    """A key given twice silently loses one; `on:` and `yes:` are read as true by YAML 1.1."""
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_bad_keys(name, child, first_line)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, child in node.value:
        where = f"{name}:{key.start_mark.line + first_line}"
        if key.tag == "tag:yaml.org,2002:bool":
            raise ProgrammeError(f"{where}: YAML reads the key '{key.value}' as true or false; use another word")
        if key.value in seen:
            raise ProgrammeError(f"{where}: '{key.value}' is given twice")
        seen.add(key.value)
        _refuse_bad_keys(name, child, first_line)


def _line(node: yaml.Node, location: tuple[int | str, ...]) -> int:
    """Line (from 0) of the deepest part of a fault's location that the file has; tags of unions are stepped over."""
    for step in location:
        if isinstance(node, yaml.MappingNode):
            found = [(key, child) for key, child in node.value if key.value == str(step)]
            if found:
                key, node = found[0]
                if isinstance(node, yaml.ScalarNode) or step == location[-1]:
                    return int(key.start_mark.line)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
    return int(node.start_mark.line)


def _reason(fault: Mapping[str, Any], part: type[BaseModel] | None) -> str:
    path = ".".join(str(step) for step in fault["loc"])
    message = str(fault["msg"]).removeprefix("Value error, ")
    if (choice := choice_reason(fault)) is not None:
        return choice
    if fault["type"] != "extra_forbidden":
        return f"{path}: {message}" if path else message
    word = str(fault["loc"][-1])
    near = did_you_mean(word, _known_keys(part, fault["loc"][:-1])) or did_you_mean(word, _known_keys(part, ()))
    return f"unknown key '{word}'{near}"


def _known_keys(part: type[BaseModel] | None, location: tuple[int | str, ...]) -> list[str]:
    """Keys the model at a location knows; of any model of the file when the location cannot be followed."""
    models = _models_below(part) if part else []
    wanted = {str(step) for step in location}
    near = [model for model in models if model.__name__.lower() in wanted]
    keys = [field.alias or name for model in (near or models) for name, field in model.model_fields.items()]
    return sorted(set(keys))


def _models_below(part: type[BaseModel]) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    waiting: list[Any] = [part]
    while waiting:
        item = waiting.pop()
        if isinstance(item, type) and issubclass(item, BaseModel):
            if item not in found:
                found.append(item)
                waiting += [field.annotation for field in item.model_fields.values()]
        else:
            waiting += getattr(item, "__args__", ())
    return found
