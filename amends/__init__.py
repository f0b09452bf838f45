"""The command line: setting up, running, asking and mending an installation. Thin; the rooms do the work."""
