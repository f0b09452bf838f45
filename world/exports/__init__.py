"""One writer per source system: each turns a scene into that system's monthly files, with its own columns and habits."""
