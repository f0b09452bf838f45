"""When something is wrong: trigger rules compiled to SQL, and surges of themes."""
