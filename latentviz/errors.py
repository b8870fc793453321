"""Every error that latentviz raises on purpose.

    LatentvizError              the user can put it right: one line, exit status 2
    ├── ArchiveError            the file is not a run, is damaged, or cannot be written
    ├── ModelError              the run's model cannot be built or evaluated
    ├── OptionError             an option is out of range or does not fit the run
    ├── EncodeError             ffmpeg failed; carries ffmpeg's own words
    └── GraphicsError           PyVista or a library to draw in 3D is missing

A message says what was expected, what was found, and the way out.

A `LatentvizWarning` tells of a result that could mislead though nothing is wrong. The command line
shows it in one line, too.
"""


class LatentvizError(Exception):
    """Base of all errors that the user can put right."""


class ArchiveError(LatentvizError):
    """The archive is missing, damaged, hostile, or cannot be written."""


class ModelError(LatentvizError):
    """The run's model is unknown, or its states do not fit it."""


class OptionError(LatentvizError, ValueError):
    """An option or an argument is malformed, out of range, or does not fit the run."""


class EncodeError(LatentvizError):
    """The video could not be encoded."""


class GraphicsError(LatentvizError):
    """PyVista is not installed, or finds no library to draw in 3D with."""


class LatentvizWarning(UserWarning):
    """Base of warnings of a picture or a film that could mislead, though nothing is wrong."""


class RecordingWarning(UserWarning):
    """A value is not recorded, or is changed, or costs much; training goes on."""
