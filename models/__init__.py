"""Ground floor: the typed vocabulary of the domain and its pure rules. No I/O, no Dagster, no Django, no sklearn."""
