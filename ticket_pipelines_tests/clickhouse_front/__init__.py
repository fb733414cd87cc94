"""The ClickHouse HTTP interface over chDB, in a process of its own: the server that tests talk to.

`python -m ticket_pipelines_tests.clickhouse_front --path DIR` prints its port as one line of JSON. It is the real
engine behind the vendor's wire format, with faults to order (`POST /__fault`) and a log of what arrived (`GET /__log`).
It ends on SIGTERM and when its stdin closes, so that it does not outlive a killed test session.

What it is not: a server with users and grants, replication, sessions, external data, streamed results, progress
headers, TLS, or the native protocol. Statements that need a session (`SET`, `USE`, temporary tables) are refused, for
a silent loss would mislead. A result is built in memory before the first byte of it leaves.
"""
