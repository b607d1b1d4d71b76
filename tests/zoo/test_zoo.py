"""Every network of the zoo goes through, or is refused for a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ovsharp.convert.parity import LIMIT
from ovsharp.quality import MAX_DROP
from tests.photos import write_photos
from tests.zoo.keeper import take_through
from tests.zoo.networks import NETWORKS, REFUSED, Zoo, scale_of


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"), 12)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_gives_a_picture(name: str) -> None:
    torch.manual_seed(0)
    network = Zoo(name).eval()
    scale = scale_of(network.made)
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 32, 48)).shape == (1, 3, 32 * scale, 48 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_each_goes_through_or_says_why_not(name: str, data: Path, tmp_path: Path) -> None:
    row = take_through(name, data, tmp_path)
    if name in REFUSED:
        assert REFUSED[name] in row.reason
        assert not list(tmp_path.glob("*.xml"))
        return
    assert row.parity <= LIMIT
    if row.drop is None:
        # The trade is named: by how much it fails and which layers cost most.
        assert "over the limit" in row.reason
        assert "the layers that cost most are" in row.reason
        assert not list(tmp_path.glob("*-int8.xml"))
    else:
        assert row.drop <= MAX_DROP
        assert row.speed > 0
