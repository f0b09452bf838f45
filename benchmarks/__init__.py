"""One file per claim: `python -m benchmarks.<name>` prints what is compared, how, and one closing line."""
