"""Work on strangers' files, in a process that is ended where it takes too much."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from multiprocessing import spawn

import pytest

from ovsharp.calibration.gate import LimitError
from ovsharp.cluster import guarded
from ovsharp.cluster.child import Child, portable
from ovsharp.errors import MissingExtraError, ModelLoadError, OvsharpError, UsageError
from tests.cluster import tasks


def run(task: object, *arguments: object) -> tuple[object, list[object]]:
    told: list[object] = []
    result = guarded(task, *arguments, what="a.onnx", progress=lambda *step: told.append(step))  # type: ignore[arg-type]
    return result, told


def test_results_steps_and_errors_come_from_another_process() -> None:
    (result, process), told = run(tasks.told, 3)  # type: ignore[misc]
    assert (result, told) == (9, [("squaring", 0, 1)])
    assert process != os.getpid()
    with pytest.raises(UsageError, match="not -1"):
        run(tasks.told, -1)


def test_every_error_comes_back_as_what_it_was() -> None:
    def kinds(kind: type[OvsharpError]) -> list[type[OvsharpError]]:
        return [kind, *(one for below in kind.__subclasses__() for one in kinds(below))]

    errors = [MissingExtraError("torch", "convert"), LimitError("over", ())]
    assert {type(error) for error in errors} < {*kinds(OvsharpError)}
    errors += [kind("a sentence") for kind in kinds(OvsharpError) if "__init__" not in vars(kind)]
    for error in errors:
        back = portable(error)
        again = pickle.loads(pickle.dumps(back))
        assert (type(again), str(again)) == (type(error), str(error))
        assert vars(again) == vars(error)


@pytest.mark.parametrize(
    ("variable", "value", "task", "message"),
    [
        (
            "OVSHARP_MAX_SECONDS",
            "1",
            tasks.endless,
            "'turning' took more than 1 s of the processor",
        ),
        ("OVSHARP_MAX_MEMORY_MB", "200", tasks.growing, "took more than 200 MB of memory"),
        ("OVSHARP_MAX_SECONDS", "9", tasks.dying, r"was killed \('dying'\)"),
        ("OVSHARP_MAX_SECONDS", "9", tasks.crashing, r"no sound model: .*\('dying', Abort"),
    ],
)
def test_what_takes_too_much_is_ended(
    variable: str, value: str, task: object, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ModelLoadError, match=f"a.onnx .*{message}"):
        run(task)
    assert not multiprocessing.active_children()


def test_without_a_limit_there_is_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "0")
    assert run(tasks.told, 3)[0] == (9, os.getpid())


@pytest.mark.parametrize("value", ["much", "-1", "inf"])
def test_limits_are_numbers(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", value)
    with pytest.raises(UsageError, match=f"number of processor seconds, 0 or more, got '{value}'"):
        run(tasks.told, 3)


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal there")
def test_ctrl_c_waits_until_a_process_has_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressed in between, it left a child that ended in a traceback."""
    data = spawn.get_preparation_data

    def pressed(name: str) -> object:
        signal.raise_signal(signal.SIGINT)
        return data(name)

    monkeypatch.setattr(spawn, "get_preparation_data", pressed)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    known = multiprocessing.active_children()
    try:
        with pytest.raises(KeyboardInterrupt):
            Child(tasks.process)  # type: ignore[arg-type]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    [child] = (one for one in multiprocessing.active_children() if one not in known)
    child.kill()
    child.join()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal there")
def test_a_terminals_ctrl_c_says_nothing_while_a_process_starts(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        child = Child(tasks.tell)
    finally:
        signal.signal(signal.SIGINT, before)
    process = child.process
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)

    assert child.pipe.recv() == process.pid
    process.join()
    assert process.exitcode == 0
    assert capfd.readouterr().err == ""
