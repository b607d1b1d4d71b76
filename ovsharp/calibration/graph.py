"""Questions about a model's graph: where its layers are, what lies before and behind them."""

from __future__ import annotations

from collections.abc import Iterator

import openvino as ov

LAYERS = frozenset(
    {
        "Convolution",
        "ConvolutionBackpropData",
        "GroupConvolution",
        "GroupConvolutionBackpropData",
        "MatMul",
    }
)
"""Operations that are worth 8 bits: they do nearly all of the multiplications."""

_MOVES = frozenset(
    {
        "Concat",
        "Convert",
        "DepthToSpace",
        "Gather",
        "Reshape",
        "Reverse",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "StridedSlice",
        "Transpose",
        "Unsqueeze",
        "VariadicSplit",
    }
)
"""Operations that only move values: NNCF gives them the precision of their neighbours."""

_NO_OPERATIONS = frozenset({"Constant", "Parameter", "Result"})


def layers(model: ov.Model) -> tuple[str, ...]:
    """Give the names of the layers in the order in which they run."""
    return tuple(
        node.get_friendly_name()
        for node in model.get_ordered_ops()
        if node.get_type_name() in LAYERS
    )


def is_quantized(model: ov.Model) -> bool:
    """Tell whether a model holds quantizers."""
    return any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def activation_quantizers(model: ov.Model) -> tuple[ov.Node, ...]:
    """Give the quantizers of what lies between layers, in the order in which they run."""
    nodes = model.get_ordered_ops()
    behind = _behind_a_layer(nodes)
    return tuple(
        node
        for node in nodes
        if node.get_type_name() == "FakeQuantize" and node.get_friendly_name() in behind
    )


def float_ends(model: ov.Model) -> tuple[str, ...]:
    """Give the operations that must stay in floating point for the picture's sake.

    These are all that compute before the first layer and behind the last one, and every addition
    of something that comes from the input past all layers (the global skip, wherever it is
    added). Left alone, NNCF quantizes the picture itself there: measured on the first shipped
    student, its defaults clip white at 225 and lose 3.4 dB.

    Returns:
        Friendly names, in the order in which the operations run.
    """
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() not in _NO_OPERATIONS]
    behind = _behind_a_layer(nodes)
    before = _before_a_layer(nodes)
    skips = {node.get_friendly_name() for node in nodes if _is_skip(node, behind)}
    return tuple(
        name
        for node in nodes
        if node.get_type_name() not in LAYERS | _MOVES
        and ((name := node.get_friendly_name()) in skips or name not in behind & before)
    )


def without_quantizers(model: ov.Model, layer: str) -> ov.Model:
    """Give a copy in which the quantizers of one layer's input and weights are gone.

    A quantizer whose output other layers read, too, goes for all of them; and so does one that
    serves no quantized layer any more, such as that of an addition before this one.
    """
    clone = model.clone()
    node = next(node for node in clone.get_ops() if node.get_friendly_name() == layer)
    for quantizer in _quantizers_above(node):
        _bypass(quantizer)
    drop_idle_quantizers(clone)
    return clone


def drop_idle_quantizers(model: ov.Model) -> None:
    """Take out quantizers from which no quantized layer reads, in place.

    NNCF quantizes additions and resizing, too. Where the layers behind them stay in floating
    point, that rounds the picture to 8 bits and saves nothing.
    """
    busy: set[str] = set()
    for node in reversed(model.get_ordered_ops()):
        kind, name = node.get_type_name(), node.get_friendly_name()
        if kind in LAYERS:
            if any(source.get_type_name() == "FakeQuantize" for source in _sources(node)[1:]):
                busy.update(source.get_friendly_name() for source in _sources(node))
        elif name in busy:
            busy.update(source.get_friendly_name() for source in _sources(node))
        elif kind == "FakeQuantize":
            _bypass(node)


def _bypass(quantizer: ov.Node) -> None:
    for reader in quantizer.output(0).get_target_inputs():
        reader.replace_source_output(quantizer.input_value(0))


def _is_skip(node: ov.Node, behind: frozenset[str]) -> bool:
    """Whether a node joins what passed a layer with what passed none since the input."""
    if node.get_type_name() not in ("Add", "Subtract") or node.get_friendly_name() not in behind:
        return False
    return any(
        source.get_type_name() != "Constant"
        and source.get_type_name() not in LAYERS
        and source.get_friendly_name() not in behind
        and _reads_input(source)
        for source in _sources(node)
    )


def _reads_input(node: ov.Node) -> bool:
    return node.get_type_name() == "Parameter" or any(
        _reads_input(source) for source in _sources(node)
    )


def _behind_a_layer(nodes: list[ov.Node]) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes:
        if any(
            source.get_type_name() in LAYERS or source.get_friendly_name() in found
            for source in _sources(node)
        ):
            found.add(node.get_friendly_name())
    return frozenset(found)


def _before_a_layer(nodes: list[ov.Node]) -> frozenset[str]:
    found: set[str] = set()
    for node in reversed(nodes):
        if node.get_type_name() in LAYERS or node.get_friendly_name() in found:
            found.update(source.get_friendly_name() for source in _sources(node))
    return frozenset(found)


def _quantizers_above(layer: ov.Node) -> Iterator[ov.Node]:
    """Give the nearest quantizers on all ways that lead to a layer."""
    waiting = _sources(layer)
    while waiting:
        node = waiting.pop()
        if node.get_type_name() == "FakeQuantize":
            yield node
        elif node.get_type_name() not in LAYERS:
            waiting += _sources(node)


def _sources(node: ov.Node) -> list[ov.Node]:
    return [port.get_node() for port in node.input_values()]
