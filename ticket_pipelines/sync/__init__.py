"""One engine for every sync: lease, read, settle, shape, map, load, record. Knows no Dagster."""
