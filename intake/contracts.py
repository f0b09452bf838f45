"""Loading the contracts of all sources. The types are in `models.contract`; nothing here reads a delivery."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

import models.contract as contract_types
from models.contract import SourceContract

CONTRACT_DIR = Path(contract_types.__file__).resolve().parent / "contracts"

# Customers and employees first: their names are what texts are redacted with. Tickets before what hangs on tickets.
SOURCE_ORDER = ("crm", "hr", "zendesk", "complaints")
ENTITY_ORDER = ("ticket", "customer", "org_chart", "complaint")


class ContractError(ValueError):
    """A contract file cannot be used; the message names the file and what is wrong with it."""


def read_contract(path: Path) -> SourceContract:
    """Read one contract file; raises `ContractError` with one sentence per fault."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        contract = SourceContract.model_validate(raw)
    except yaml.YAMLError as error:
        raise ContractError(f"{path.name} is not YAML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(str(part) for part in e['loc']) or 'file'}: {e['msg']}" for e in error.errors())
        raise ContractError(f"{path.name}: {faults}") from error
    if path.stem != contract.name:
        raise ContractError(f"{path.name} should be called {contract.name}.yml")
    return contract


def read_contracts(folder: Path) -> dict[tuple[str, str], SourceContract]:
    """All contracts of a folder by (source, entity), in the order deliveries have to be taken."""
    contracts = [read_contract(path) for path in sorted(folder.glob("*.yml"))]
    return {(c.source, c.entity): c for c in sorted(contracts, key=_rank)}


@cache
def load_contracts() -> dict[tuple[str, str], SourceContract]:
    """The shipped contracts by (source, entity), in the order deliveries have to be taken; read once per process."""
    return read_contracts(CONTRACT_DIR)


def _rank(contract: SourceContract) -> tuple[int, int, str]:
    source = SOURCE_ORDER.index(contract.source) if contract.source in SOURCE_ORDER else len(SOURCE_ORDER)
    entity = ENTITY_ORDER.index(contract.entity) if contract.entity in ENTITY_ORDER else len(ENTITY_ORDER)
    return source, entity, contract.name
