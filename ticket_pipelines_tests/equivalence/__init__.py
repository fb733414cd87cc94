"""The same history into every engine, under several time zones of the host: the same rows."""
