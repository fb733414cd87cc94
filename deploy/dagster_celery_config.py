"""How Celery's workers run; dagster-celery looks for a module of this name.

Addresses are not here: Celery itself reads CELERY_BROKER_URL and CELERY_RESULT_BACKEND.
"""

# a run whose state is forgotten counts as dead: longer than max_runtime_seconds in dagster.yaml
result_expires = 25 * 3600
# a run that a busy worker has fetched ahead would wait there while another worker is idle
worker_disable_prefetch = True
# KiB; a sync needs up to 150 MB a desk, and a process that has grown past this is replaced between two runs
worker_max_memory_per_child = 1_500_000
# seconds that runs in work have to end once the worker is told to (SIGQUIT), less than a container's grace: then each
# is interrupted, ends as failed and gives its desk back
worker_soft_shutdown_timeout = 240
# containers start in any order
broker_connection_retry_on_startup = True
