"""The planted-truth world: a seeded synthetic company whose every right answer is kept apart from its files."""
