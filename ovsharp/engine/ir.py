"""OpenVINO IR files with a spec inside: the only place that reads and writes them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import openvino as ov

from ovsharp.engine.device import last_line
from ovsharp.errors import ModelLoadError, UnsupportedModelError
from ovsharp.files import failed_download, staged
from ovsharp.limits import check_model_bytes
from ovsharp.spec import ModelSpec, RouterSpec

_SPEC_PATH = ["ovsharp", "spec"]
_ROUTER_PATH = ["ovsharp", "router"]


def read_ir(path: Path, core: ov.Core) -> tuple[ov.Model, ModelSpec]:
    """Read an IR that ovsharp wrote.

    Args:
        path: the .xml file; its .bin lies beside it.
        core: the core to read with; the weights stay mapped to the file.

    Raises:
        ModelLoadError: a missing, truncated or foreign file, or a missing .bin.
        UnsupportedModelError: another kind of file, or an IR without a spec: not converted by
            ovsharp.
    """
    if path.is_file() and path.suffix != ".xml":
        raise UnsupportedModelError(
            f"{path} is no OpenVINO IR (.xml); make one with: ovsharp convert {path}"
        )
    model = read_openvino(path, core)
    if not model.has_rt_info(_SPEC_PATH):
        raise UnsupportedModelError(
            f"{path} is an OpenVINO model that ovsharp did not write: it has no ModelSpec; "
            f"make one that runs here with: ovsharp convert {path}"
        )
    return model, ModelSpec.from_json(str(model.get_rt_info(_SPEC_PATH).astype(str)))


def read_router(path: Path, core: ov.Core) -> tuple[ov.Model, RouterSpec]:
    """Read a router that `write_router` wrote.

    Raises:
        ModelLoadError: a missing or damaged file.
        UnsupportedModelError: a file that is no router.
    """
    model = read_openvino(path, core)
    if not model.has_rt_info(_ROUTER_PATH):
        raise UnsupportedModelError(f"{path} is no router: it has no RouterSpec")
    return model, RouterSpec.from_json(str(model.get_rt_info(_ROUTER_PATH).astype(str)))


def write_router(model: ov.Model, spec: RouterSpec, folder: Path) -> Path:
    """Write `folder/NAME.xml` and `.bin`, its weights in 16 bits, both complete or neither.

    Returns:
        Path of the .xml file.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    model.set_rt_info(spec.to_json(), _ROUTER_PATH)
    return _save(model, folder, spec.name, half=True)


def read_openvino(path: Path, core: ov.Core) -> ov.Model:
    """Read any model file that OpenVINO reads (.xml, .onnx, .pb, ...), ovsharp's or not.

    Raises:
        ModelLoadError: a missing, truncated or unreadable file, or an .xml without its .bin.
    """
    if not path.is_file():
        raise ModelLoadError(f"there is no model file {path}")
    if path.suffix == ".xml" and not path.with_suffix(".bin").is_file():
        raise ModelLoadError(
            f"{path} has no weights: expected {path.with_suffix('.bin').name} beside it; "
            f"copy both files"
        )
    check_model_bytes(path, path.stat().st_size, "has")
    with path.open("rb") as file:
        if what := failed_download(file.read(256)):
            raise ModelLoadError(f"{path} {what}")
    try:
        return core.read_model(path)
    # The second where it quotes bytes of the file that are no text.
    except (RuntimeError, UnicodeDecodeError) as error:
        raise ModelLoadError(
            f"OpenVINO cannot read {path}: it is truncated, damaged or no model "
            f"({last_line(error)})"
        ) from error


def megabytes(path: Path) -> float:
    """Size of an IR, its .xml and its .bin together, in 10^6 bytes.

    Raises:
        OSError: one of them is missing.
    """
    return sum(file.stat().st_size for file in (path, path.with_suffix(".bin"))) / 1e6


def operations(model: ov.Model) -> dict[str, int]:
    """Count a model's operations by kind, without constants, inputs and outputs.

    Returns:
        Kind -> count, the most frequent first.
    """
    counts = Counter(node.get_type_name() for node in model.get_ops())
    passive = ("Constant", "Parameter", "Result")
    return {kind: count for kind, count in counts.most_common() if kind not in passive}


def write_ir(model: ov.Model, spec: ModelSpec, folder: Path) -> Path:
    """Write `folder/NAME-STORAGE.xml` and `.bin`, both complete or neither.

    Args:
        model: takes and gives frames as `ModelSpec` says. Its spec is set; with the storage
            `fp16` its floating-point weights are rounded to 16 bits in the file.
        spec: what to write into the model.
        folder: made if it does not exist.

    Returns:
        Path of the .xml file.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    model.set_rt_info(spec.to_json(), _SPEC_PATH)
    return _save(model, folder, spec.file_stem, half=spec.storage == "fp16")


def _save(model: ov.Model, folder: Path, stem: str, *, half: bool) -> Path:
    with staged(folder) as staging:
        path = staging / f"{stem}.xml"
        try:
            # Always explicit: OpenVINO compresses to FP16 by default.
            ov.save_model(model, path, compress_to_fp16=half)
        except RuntimeError as error:
            raise OSError(
                f"cannot write {folder / path.name}; is the disk full? ({last_line(error)})"
            ) from error
    return folder / path.name
