"""dlt_sources."""
