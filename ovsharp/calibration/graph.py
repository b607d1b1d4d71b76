"""Questions about a model's graph: where its layers are, what lies before and behind them."""

from __future__ import annotations

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

_STORED = frozenset({"Convert", "FakeQuantize", "Multiply", "Reshape", "Transpose", "Unsqueeze"})
"""Operations that lie between weights as they are stored and the layer that reads them."""

_SIGNED = frozenset({"Elu", "Gelu", "HSwish", "Mish", "PRelu", "Selu", "SoftSign", "Swish", "Tanh"})
"""Activations that let values below 0 through."""

_NO_OPERATIONS = frozenset({"Constant", "Parameter", "Result"})


def layers(model: ov.Model) -> tuple[str, ...]:
    """Give the names of the layers that bear 8 bits, in the order in which they run."""
    return tuple(
        node.get_friendly_name()
        for node in model.get_ordered_ops()
        if node.get_type_name() in LAYERS and not _is_attention(node)
    )


def is_quantized(model: ov.Model) -> bool:
    """Tell whether a model holds quantizers."""
    return any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def activation_quantizers(model: ov.Model) -> tuple[ov.Node, ...]:
    """Give the quantizers of what layers read, the picture included, in the order they run."""
    return tuple(
        node
        for node in model.get_ordered_ops()
        if node.get_type_name() == "FakeQuantize"
        and node.input_value(0).get_node().get_type_name() != "Constant"
    )


def inner_quantizers(model: ov.Model) -> tuple[ov.Node, ...]:
    """Give those of them that stand behind a layer."""
    behind = _behind_a_layer(model.get_ordered_ops())
    return tuple(
        node for node in activation_quantizers(model) if node.get_friendly_name() in behind
    )


def first_layers(model: ov.Model) -> tuple[ov.Node, ...]:
    """Give the layers that read the picture itself."""
    nodes = model.get_ordered_ops()
    behind = _behind_a_layer(nodes)
    return tuple(
        node
        for node in nodes
        if node.get_type_name() in LAYERS and node.get_friendly_name() not in behind
    )


def float_operations(model: ov.Model) -> tuple[str, ...]:
    """Give the operations that must stay in floating point for the picture's sake.

    These are all that compute before the first layer and behind the last one, everything that
    joins two tensors (skips, gates, attention), and every resizing. Left alone, NNCF quantizes what
    they take. Measured on the first shipped student, whose global skip carries the picture: white
    is clipped at 225, and 3.4 dB are lost. On a x2 network in which the picture rides through local
    skips: a drop of .0206, and .0119 with its additions in floating point. Attention between
    channels, as Restormer has it, with all factors in 8 bits ends the process: a segmentation fault
    in OpenVINO 2026.4.1.

    Returns:
        Friendly names, in the order in which the operations run.
    """
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() not in _NO_OPERATIONS]
    between = _behind_a_layer(nodes) & _before_a_layer(nodes)

    def stays(node: ov.Node) -> bool:
        kind = node.get_type_name()
        if kind in LAYERS:
            return _is_attention(node)
        joins = sum(source.get_type_name() != "Constant" for source in _sources(node)) > 1
        outside = node.get_friendly_name() not in between
        return kind not in _MOVES and (outside or joins or kind == "Interpolate")

    return tuple(node.get_friendly_name() for node in nodes if stays(node))


def has_signed_activations(model: ov.Model) -> bool:
    """Tell whether values below 0 pass an activation, as they do a LeakyReLU or a GELU."""
    return any(node.get_type_name() in _SIGNED for node in model.get_ops())


def give_layer_back(layer: ov.Node) -> None:
    """Let a layer read what its quantizers read, in place; other layers keep theirs.

    Quantizers that serve no layer any more are left to `drop_idle_quantizers`.
    """
    for port in layer.inputs():
        quantizer = port.get_source_output().get_node()
        if quantizer.get_type_name() == "FakeQuantize":
            port.replace_source_output(quantizer.input_value(0))


def drop_quantizers(model: ov.Model) -> None:
    """Take all quantizers out, in place."""
    for node in model.get_ops():
        if node.get_type_name() == "FakeQuantize":
            _bypass(node)


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


def _is_attention(node: ov.Node) -> bool:
    """Tell whether a node multiplies two tensors that both come from the picture."""
    return node.get_type_name() == "MatMul" and not any(map(_is_stored, _sources(node)))


def _is_stored(node: ov.Node) -> bool:
    kind: str = node.get_type_name()
    while kind in _STORED:
        node = node.input_value(0).get_node()
        kind = node.get_type_name()
    return kind == "Constant"


def _bypass(quantizer: ov.Node) -> None:
    for reader in quantizer.output(0).get_target_inputs():
        reader.replace_source_output(quantizer.input_value(0))


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


def _sources(node: ov.Node) -> list[ov.Node]:
    return [port.get_node() for port in node.input_values()]
