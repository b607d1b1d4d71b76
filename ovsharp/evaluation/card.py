"""The model card: what a model is, what INT8 cost it, and how good it is on images held apart."""

from __future__ import annotations

from ovsharp.evaluation.results import ALL, BICUBIC, Evaluation
from ovsharp.spec import ModelSpec


def model_card(spec: ModelSpec, evaluation: Evaluation, files: str) -> str:
    """Write the card of an INT8 model as Markdown.

    Args:
        spec: of the INT8 model.
        evaluation: of it and its parent, beside their input.
        files: what else lies in the folder, a sentence.
    """
    lines = [
        f"# {spec.name}",
        "",
        f"{spec.architecture}, {spec.parameters:,} parameters, scale {spec.scale}. {files}",
        "",
        "| | |",
        "|---|---|",
        f"| made to undo | {_code(spec.degradation) or 'not known'} |",
        f"| source | {spec.source}, SHA-256 `{spec.source_sha256[:16]}...` |",
    ]
    cost = spec.quantization
    if cost is not None:
        kept = ", ".join(cost.float_layers) or "none"
        lines.append(
            f"| INT8 | drop {cost.ssim_drop:.4f} SSIM / {cost.psnr_drop:.2f} dB on "
            f"{cost.validation_images} images held apart ({cost.execution}, {cost.device}), limit "
            f"{cost.max_drop:g}; layers left in float: {kept} |"
        )
    lines += [
        "",
        f"On images that were held apart from calibration, SSIM after Wang et al. 2004 "
        f"({evaluation.device_name}):",
        "",
        "| damage | what | n | SSIM | PSNR | better than the input |",
        "|---|---|---|---|---|---|",
    ]
    for damage in evaluation.degradations:
        for method in evaluation.methods:
            group = evaluation.group(damage.name, ALL, method.name)
            if group is not None:
                ssim, psnr = group.measures["ssim"], group.measures["psnr"]
                lines.append(
                    f"| {_code(damage.recipe) or damage.name} | {method.name} | {group.n} "
                    f"| {ssim.mean:.4f} | {psnr.mean:.2f} | {group.better / group.n:.0%} |"
                )
    return "\n".join(lines + _warnings(spec, evaluation)) + "\n"


def _warnings(spec: ModelSpec, evaluation: Evaluation) -> list[str]:
    """Say so where a model is worse than its input on what it was made for."""
    lines = []
    for damage in evaluation.degradations:
        own = spec.degradation in (damage.name, damage.recipe) or not damage.recipe
        before = evaluation.group(damage.name, ALL, BICUBIC)
        if before is None or not own or damage.name == "clean":
            continue
        for model in evaluation.models:
            after = evaluation.group(damage.name, ALL, model.name)
            if after is not None and after.measures["ssim"].mean < before.measures["ssim"].mean:
                lines.append(
                    f"\n**{model.name} is worse than its own input** here: SSIM "
                    f"{before.measures['ssim'].mean:.4f} -> {after.measures['ssim'].mean:.4f}, "
                    f"better on {after.better} of {after.n} images."
                )
    return lines


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""
