"""The same task many times: in processes of this machine, or on many machines."""

from ovsharp.cluster.batches import BATCH, batches
from ovsharp.cluster.nodes import Cluster
from ovsharp.cluster.processes import Processes
from ovsharp.cluster.workers import Workers

__all__ = ["BATCH", "Cluster", "Processes", "Workers", "batches"]
