"""Quality at the doors: suites as code for what comes in (landing) and for what models put out, and plain results."""
