"""What people see in Dagster: desks as partitions, tables as assets, syncs as runs.

`catalog` says which asset is which table and what it is made of, `assets` runs the one sync that emits them,
`checks` looks at the rows afterwards, `jobs`, `schedules` and `sensors` start runs, `launch` runs a job in this
process. No logic of a sync stands here: that is `ticket_pipelines.sync`.
"""
