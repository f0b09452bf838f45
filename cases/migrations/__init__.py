"""Schema of the ledger, in order. A migration that has shipped is never edited."""
