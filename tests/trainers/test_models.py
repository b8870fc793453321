import pytest
import torch
from torch import nn

from latentviz.errors import OptionError
from trainers.loop import infer
from trainers.models import CNColorMLP, ColorMLP, UnitLength


def test_color_mlp_has_263_parameters_and_its_latent_is_the_encoders_output():
    model = ColorMLP()
    assert sum(parameter.numel() for parameter in model.parameters()) == 263
    rgb = torch.rand(5, 3)
    assert model.encoder(rgb).shape == (5, 4)
    reconstruction = model(rgb)
    assert reconstruction.shape == (5, 3)
    assert ((reconstruction > 0) & (reconstruction < 1)).all()


def layers(module: nn.Sequential) -> list[str]:
    return [
        f"{layer.in_features}-{layer.out_features}" if isinstance(layer, nn.Linear) else "gelu"
        for layer in module
    ]


def test_cn_color_mlp_is_built_as_asked():
    model = CNColorMLP()
    assert [name for name, _ in model.named_children()] == ["encoder", "bottleneck", "decoder"]
    assert layers(model.encoder) == ["3-16", "gelu", "16-4"]
    assert layers(model.decoder) == ["4-16", "gelu", "16-3"]

    model = CNColorMLP(k_bottleneck=2, k_codec=8, n_nonlinear=3)
    assert layers(model.encoder) == ["3-8", "gelu", "8-8", "gelu", "8-8", "gelu", "8-2"]
    assert layers(model.decoder) == ["2-8", "gelu", "8-8", "gelu", "8-8", "gelu", "8-3"]
    assert infer(model, "bottleneck", torch.rand(5, 3)).latents.shape == (5, 2)


@pytest.mark.parametrize("name", ["k_bottleneck", "k_codec", "n_nonlinear"])
def test_cn_color_mlp_refuses_less_than_one_of_anything(name):
    with pytest.raises(OptionError, match=r"must be 1 or more, got .*0"):
        CNColorMLP(**{name: 0})


def test_unit_length():
    rows = torch.tensor([[3.0, 4.0], [0.0, -2.0], [0.0, 0.0]])
    assert UnitLength()(rows).tolist() == [
        [pytest.approx(0.6), pytest.approx(0.8)],
        [0, -1],
        [0, 0],
    ]


def test_latents_of_cn_color_mlp_lie_on_the_unit_sphere():
    latents = infer(CNColorMLP(), "bottleneck", torch.rand(50, 3)).latents
    assert latents.shape == (50, 4)
    assert latents.norm(dim=-1).tolist() == pytest.approx([1.0] * 50)


def test_cn_color_mlp_clamps_in_evaluation_only():
    model = CNColorMLP()
    # From any latent the decoder now gives its last layer's bias.
    with torch.no_grad():
        model.decoder[-1].weight.zero_()
        model.decoder[-1].bias.copy_(torch.tensor([-0.5, 0.25, 1.5]))
    assert model.train()(torch.rand(1, 3)).tolist() == [[-0.5, 0.25, 1.5]]
    assert model.eval()(torch.rand(1, 3)).tolist() == [[0, 0.25, 1]]
