"""Publishing: immutable builds of the marts, one pointer to the current one, and the only way to read them."""
