"""The deployment: its files, the proxy, and Dagster on Celery workers."""
