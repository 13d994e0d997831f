"""The audit's file, under the name that users import it by."""

from driftflow.recording.storage import JsonFileStorage

__all__ = ["JsonFileStorage"]
