"""Work that is done elsewhere, task by task: in processes of this machine, or on a cluster."""

from __future__ import annotations

from .cluster import check_on_workers, cluster_at, run_on_cluster
from .errors import WorkerError
from .processes import run_in_processes

__all__ = ["WorkerError", "check_on_workers", "cluster_at", "run_in_processes", "run_on_cluster"]
