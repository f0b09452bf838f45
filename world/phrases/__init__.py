"""Wording of the world as data: one module per language and company. No code, no randomness."""
