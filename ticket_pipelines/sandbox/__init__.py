"""Vendor emulators: helpdesks that answer like the real ones, for the demo, the tests, CI and bug reports.

Flow of a request: `server` (one port a vendor) -> `front` (log, faults, control plane) -> the vendor's folder, which
knows its own authentication, limits, pages and errors. State lives in memory and comes from a seed, so that the same
options on the same day (or with the same `now`) give the same bytes. Nothing of the product is imported here: an
emulator that shared code with its client would share its mistakes.
"""
