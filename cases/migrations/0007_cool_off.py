"""A cool-off asks which cases a rule has opened for a subject."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """One index."""

    dependencies = (("cases", "0006_labels"),)
    operations = (
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["subject_id", "rule_id"], name="cases_case_subject_rule"),
        ),
    )
