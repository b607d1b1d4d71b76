"""A quantized model, and every model between it and its parent."""

from __future__ import annotations

from collections.abc import Collection

import openvino as ov

from ovsharp.calibration.constants import bias_of, replace, value
from ovsharp.calibration.graph import drop_idle_quantizers, give_layer_back, layers


class Candidates:
    """Makes models in which some layers are quantized and the others compute as in the parent.

    Args:
        quantized: every layer has its quantizers; its weights are fitted to them.
        parent: the same layers, with their weights and biases as they were.

    Attributes:
        layers: names of the quantized layers, in the order in which they run.
    """

    def __init__(self, quantized: ov.Model, parent: ov.Model) -> None:
        self._quantized = quantized
        self._parent = {node.get_friendly_name(): node for node in parent.get_ops()}
        self.layers = tuple(name for name in layers(quantized) if name in self._parent)

    def without(self, float_layers: Collection[str]) -> ov.Model:
        """Give a model in which the named layers are as in the parent: no quantizer, no rounding.

        A quantizer goes as soon as no quantized layer reads what it gives, so that nothing of
        them is left where all layers are named.
        """
        model = self._quantized.clone()
        for node in model.get_ops():
            name = node.get_friendly_name()
            if name in float_layers:
                give_layer_back(node)
                self._restore(node, self._parent[name])
        drop_idle_quantizers(model)
        return model

    def only(self, layer: str) -> ov.Model:
        """Give a model in which this layer alone is quantized."""
        return self.without([name for name in self.layers if name != layer])

    @staticmethod
    def _restore(node: ov.Node, original: ov.Node) -> None:
        """Put the parent's weights and bias back."""
        ports = [(node.input(1), original.input(1)), (bias_of(node), bias_of(original))]
        for port, kept in ports:
            values = None if kept is None else value(kept)
            if port is not None and values is not None:
                replace(port, values)
