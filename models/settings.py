"""The one settings object: where every store lives and which programme is active.

Belongs here: names and locations that more than one room needs, read from `AMENDS_*` variables. Not here: thresholds,
SLA targets or anything a business user decides (that is `programme/`), and nothing that opens a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[1]


class Settings(BaseSettings):
    """Locations of all stores (absolute paths) and the few switches an operator sets.

    Every path derives from `home`, so one variable (`AMENDS_HOME`) moves an installation. Raises
    `pydantic.ValidationError` when a variable does not parse.
    """

    model_config = SettingsConfigDict(env_prefix="AMENDS_", frozen=True, extra="ignore")

    home: Path = ROOT / ".amends"
    programme: str = "bank"
    ledger_url: str | None = None
    as_of: AwareDatetime | None = None
    dagster_port: int = 3000
    mlflow_port: int = 5000
    # Which encoder texts are read with: `auto` is exact while new texts take no longer than the budget.
    embedding_tier: Literal["auto", "exact", "static"] = "auto"
    embedding_budget_seconds: float = 600.0
    # How much feedback may wait to be taken before senders are asked to come again later.
    feedback_pending_files: int = Field(default=2_000, ge=1)
    feedback_pending_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    feedback_pending_seconds: int = Field(default=6 * 3_600, ge=1)
    # Within how many seconds of its arrival 19 of 20 signals that open a case should have opened it, by lane.
    fast_lane_target_seconds: int = Field(default=60, ge=1)
    batch_lane_target_seconds: int = Field(default=3_600, ge=1)
    # How messages leave: as files in the home until somebody chooses otherwise.
    transport: Literal["file", "smtp", "webhook", "apprise"] = "file"
    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_sender: str | None = None
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = True
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    webhook_hosts: tuple[str, ...] = ()
    apprise_url: SecretStr | None = None

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def programme_dir(self) -> Path:
        """Folder of the active programme: a shipped one by name, or any folder by path."""
        named = ROOT / "programme" / self.programme
        return named if named.is_dir() else Path(self.programme).expanduser().resolve()

    @property
    def inbox(self) -> Path:
        """Drop folder: one sub-folder per source."""
        return self.home / "inbox"

    @property
    def landing(self) -> Path:
        """Typed, redacted Parquet by source and delivery."""
        return self.home / "landing"

    @property
    def quarantine(self) -> Path:
        """What was not loaded, with the reason."""
        return self.home / "quarantine"

    @property
    def vault(self) -> Path:
        """Sealed originals and the keys to them."""
        return self.home / "vault"

    @property
    def intake_db(self) -> Path:
        """Registry of deliveries."""
        return self.home / "intake.db"

    @property
    def warehouse(self) -> Path:
        """The one DuckDB file; opened by the build alone."""
        return self.home / "warehouse.duckdb"

    @property
    def handoff(self) -> Path:
        """Tables dbt leaves for Python."""
        return self.home / "handoff"

    @property
    def ml_outputs(self) -> Path:
        """Tables Python leaves for dbt."""
        return self.home / "ml_outputs"

    @property
    def programme_tables(self) -> Path:
        """The programme, compiled to Parquet."""
        return self.home / "programme_tables"

    @property
    def ledger_path(self) -> Path:
        """The case ledger when it is SQLite."""
        return self.home / "ledger.db"

    @property
    def outgoing(self) -> Path:
        """Messages that left as files."""
        return self.home / "outgoing"

    @property
    def ledger_export(self) -> Path:
        """Parquet copies of the ledger."""
        return self.home / "ledger_export"

    @property
    def embeddings(self) -> Path:
        """Vectors by content hash."""
        return self.home / "embeddings"

    @property
    def model_store(self) -> Path:
        """Trained models with checksums and the active pointer."""
        return self.home / "model_store"

    @property
    def mlflow_dir(self) -> Path:
        """MLflow database, artefacts and spool."""
        return self.home / "mlflow"

    @property
    def mlflow_uri(self) -> str:
        """Where MLflow keeps its runs."""
        return f"sqlite:///{self.mlflow_dir / 'mlflow.db'}"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder."""
        return self.home / "dagster"

    @property
    def published(self) -> Path:
        """Immutable builds and the CURRENT pointer."""
        return self.home / "published"

    @property
    def fast_lane(self) -> Path:
        """What the fast lane decided and the batch lane has not looked at yet."""
        return self.home / "fast_lane"

    @property
    def state(self) -> Path:
        """Watermarks of finished stages."""
        return self.home / "state"

    @property
    def logs(self) -> Path:
        """Logs of runs and services."""
        return self.home / "logs"


def load_settings() -> Settings:
    """Read the settings afresh from the environment (cheap; nothing is cached so tests can move `AMENDS_HOME`)."""
    return Settings()


TELEMETRY_OFF = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    # MLflow honours DO_NOT_TRACK only when it reads exactly "true"; dbt takes that spelling too.
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}

# One client call to a dead MLflow server blocks for four minutes with the stock settings.
MLFLOW_SHORT_TEMPER = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "3"}


def process_environment(settings: Settings) -> dict[str, str]:
    """Environment of every process of an installation: store locations for dbt, Dagster's home, telemetry off."""
    return {
        **TELEMETRY_OFF,
        **MLFLOW_SHORT_TEMPER,
        "AMENDS_HOME": str(settings.home),
        "AMENDS_PROGRAMME": settings.programme,
        "AMENDS_WAREHOUSE": str(settings.warehouse),
        "AMENDS_LANDING": str(settings.landing),
        "AMENDS_HANDOFF": str(settings.handoff),
        "AMENDS_ML_OUTPUTS": str(settings.ml_outputs),
        "AMENDS_PROGRAMME_TABLES": str(settings.programme_tables),
        "AMENDS_LEDGER_EXPORT": str(settings.ledger_export),
        "DAGSTER_HOME": str(settings.dagster_home),
        "MLFLOW_TRACKING_URI": settings.mlflow_uri,
        "TOKENIZERS_PARALLELISM": "false",
    }
