"""Records a training run, step by step, into an archive."""

from ..archive.limits import ChunkLimits
from ..errors import RecordingWarning
from .columns import NUMBER_NAME, is_number_name
from .recorder import Recorder

__all__ = ["NUMBER_NAME", "ChunkLimits", "Recorder", "RecordingWarning", "is_number_name"]
