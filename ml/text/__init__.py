"""Text: redaction, embeddings, sentiment. Nothing here reads a store."""
