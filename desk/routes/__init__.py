"""One module per matter: thin routes that ask scope first, call one function, and answer."""
