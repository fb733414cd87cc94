"""The one private call of Dagster: says that a run meant to materialize a partition.

Dagster shows a partition as failed where a run planned it, did not materialize it, and ended as a failure. Only runs of
partitioned assets plan by themselves, and those are about one partition or a range of them, never about chosen desks.
Where a release of Dagster has the call no more, the desk is observed instead: the reason is seen, the colour is not.
"""

from __future__ import annotations

import dagster as dg


def plan_partition(context: dg.OpExecutionContext, asset: dg.AssetKey, partition: str, reason: str) -> None:
    """Makes a partition show as failed once the run of this op has failed.

    Args:
        context: Of the op.
        asset: The asset.
        partition: Its partition.
        reason: Why it failed, for the fall-back.
    """
    try:
        event = _planned(context, asset, partition)
    except (ImportError, AttributeError, TypeError):
        context.log_event(dg.AssetObservation(asset, partition=partition, metadata={"error": reason}))
        return
    context.instance.report_dagster_event(event, run_id=context.run_id)


def _planned(context: dg.OpExecutionContext, asset: dg.AssetKey, partition: str) -> dg.DagsterEvent:
    from dagster._core.events import AssetMaterializationPlannedData

    data = AssetMaterializationPlannedData(asset, partition=partition)
    step = context.get_step_execution_context().step.key
    return dg.DagsterEvent.build_asset_materialization_planned_event(context.job_name, step, data)
