"""The audit's file, under the name by which users import it."""

from driftflow.recording.storage import JsonFileStorage

__all__ = ["JsonFileStorage"]
