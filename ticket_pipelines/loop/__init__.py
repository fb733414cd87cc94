"""The loop over due desks: one code for Dagster's due run, its live run and the command `worker`.

`claims` takes due desks, each with its lease, in one transaction. `visit` looks at one: a probe, and a sync where there
is something new. `run` has threads over desks until nothing is due, its time is up, or it is stopped. `pulse` keeps
signs of life of loops, and hands over from one to the next. `news` says what of a desk Dagster is told, and when.
"""
