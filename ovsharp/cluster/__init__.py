"""Work in other processes: the same task many times, here or on many machines; or under guard."""

from ovsharp.cluster.batches import BATCH, batches
from ovsharp.cluster.guarded import guarded
from ovsharp.cluster.moving import Movable
from ovsharp.cluster.nodes import Cluster
from ovsharp.cluster.processes import Processes
from ovsharp.cluster.workers import Workers

__all__ = ["BATCH", "Cluster", "Movable", "Processes", "Workers", "batches", "guarded"]
