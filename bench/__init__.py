"""What a sync of tickets costs, beside a hand-written floor and a peer, all in the same run.

`tickets.py` makes the pages, `server.py` serves them, `floor.py` does the work by hand, `ours.py` runs the engine,
`peers.py` another tool, `measure.py` counts CPU, wall and memory of process trees, `report.py` prints.
Method and results: `docs/benchmarks.md`.
"""
