"""Statistics and learning, importable without Dagster: text, root causes, detection, and the stores of models."""
