"""The case ledger: a Django app, usable without a web server, and the only way to change a case (`cases.services`)."""
