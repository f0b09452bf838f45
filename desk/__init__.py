"""The case desk: a REST API over the ledger, scoped to who asks. It holds no rule and no query of its own."""
