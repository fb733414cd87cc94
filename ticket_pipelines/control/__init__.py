"""The control database and what is decided from it: due desks, budgets, the loop, status, health, alerts."""
