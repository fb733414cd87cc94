"""Writing changes back to a vendor: the outbox, the mirror that fills it, and the push that drains it.

    outbox add, mirror of a table -> outbox (control database) -> push: read, compare, write, read back -> the vendor

Off unless a desk's configuration says `write_enabled`. Decisions are pure (`decide.py`, `values.py`), what is known is
recorded before each step (`outbox.py`), so that a push can be killed anywhere and none of its changes happens twice.
"""
