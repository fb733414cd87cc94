"""The bench still runs, and floor and engine still write the same."""
