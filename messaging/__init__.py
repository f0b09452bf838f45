"""Ways for a message to leave: files, mail, web hooks, chat. Knows nothing of cases; tells honestly what happened."""
