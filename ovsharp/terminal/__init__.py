"""What all verbs share: options, the console, reports, many workers, the live window.

What takes long to import is imported when it is first used: `--help` answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovsharp.extras import on_first_use
from ovsharp.terminal.codes import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_TERMINATED, EXIT_USAGE
from ovsharp.terminal.crew import check_crew
from ovsharp.terminal.examples import EXAMPLES, examples, with_examples
from ovsharp.terminal.figures import by_model, check_json, write_json
from ovsharp.terminal.options import with_quiet
from ovsharp.terminal.presets import with_presets
from ovsharp.terminal.renamed import with_new_names
from ovsharp.terminal.streams import STREAM, Streams, as_files

if TYPE_CHECKING:
    from ovsharp.terminal.console import executed, output, progress, show, stages

__all__ = [
    "EXAMPLES",
    "EXIT_FAILED",
    "EXIT_INTERRUPTED",
    "EXIT_TERMINATED",
    "EXIT_USAGE",
    "STREAM",
    "Streams",
    "as_files",
    "by_model",
    "check_crew",
    "check_json",
    "examples",
    "executed",
    "output",
    "progress",
    "show",
    "stages",
    "with_examples",
    "with_new_names",
    "with_presets",
    "with_quiet",
    "write_json",
]

__getattr__ = on_first_use(
    __name__, {"console": ("executed", "output", "progress", "show", "stages")}, extra=""
)
