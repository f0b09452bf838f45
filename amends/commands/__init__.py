"""Command groups of `amends`: parsing and showing; the rooms do the work."""
