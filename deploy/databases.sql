-- beside the control database, which the image makes itself: Dagster's history is another thing to keep and to restore
CREATE DATABASE dagster;
