"""The command line in this process: what one of its own would say, without its start."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from unittest.mock import patch

from ovsharp.cli.main import run


def ovsharp(*arguments: object) -> CompletedProcess[str]:
    """Run `ovsharp ARGUMENTS`: exit code, stdout and stderr, as its user sees them.

    For what belongs to a process (a signal, a pipe, what is imported) start one instead.
    """
    words = [str(word) for word in arguments]
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with (
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        patch.object(sys, "argv", ["ovsharp", *words]),
    ):
        try:
            run()
        except SystemExit as end:
            code = end.code
    told = []
    for stream in (stdout, stderr):
        stream.flush()
        told.append(stream.buffer.getvalue().decode())
    return CompletedProcess(words, code, *told)
