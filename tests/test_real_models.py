"""Models of other kinds, really trained: what is read back is what the training had."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from dots import dot_pixels, topmost_color
from torch import nn

import latentviz
from latentviz import ChunkLimits, Recorder, open_run
from latentviz.modules.layers import layer_outputs

STEPS = 24
CHECKED = (0, 7, 8, 15, STEPS - 1)


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch):
    # A chunk must not end because the machine is slow.
    limits = ChunkLimits(steps=8, seconds=1e9)
    monkeypatch.setattr("latentviz.recording.recorder.LIMITS", limits)


class SmallConv(nn.Module):
    """Convolutions with batch normalisation and dropout, for images of one channel."""

    def __init__(self, classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2),
        )  # fmt: skip
        self.latent = nn.Linear(8 * 2 * 2, 3)
        self.head = nn.Linear(3, classes)

    def forward(self, images):
        return self.head(self.latent(self.features(images)))


class SmallTransformer(nn.Module):
    """Says of a sequence of words which one of them comes most often."""

    def __init__(self, words=6, width=8):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        layer = nn.TransformerEncoderLayer(width, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.pooled = nn.Linear(width, 4)
        self.output = nn.Linear(4, words)

    def forward(self, input_ids, attention_mask):
        x = self.embedding(input_ids)
        x = self.encoder(x, src_key_padding_mask=attention_mask == 0)
        weights = attention_mask[:, :, None].to(x.dtype)
        return self.output(self.pooled((x * weights).sum(1) / weights.sum(1)))


def sentences(n, length=6, words=6):
    """Words at random, of which some at the end are none; and the word that comes most often."""
    ids = torch.randint(0, words, (n, length))
    mask = torch.arange(length) < torch.randint(2, length + 1, (n, 1))
    counts = nn.functional.one_hot(ids, words) * mask[:, :, None]
    return {"input_ids": ids, "attention_mask": mask.long()}, counts.sum(1).argmax(1)


def digits():
    """Images of digits, (N, 8, 8) in 0..1, and which they show: scikit-learn's, if it is there."""
    package = find_spec("sklearn")
    if package is None or package.submodule_search_locations is None:
        return drawn_digits()
    # Importing it would take longer than all of these tests.
    file = Path(package.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    if not file.is_file():
        return drawn_digits()
    table = torch.tensor(np.loadtxt(file, delimiter=",", max_rows=600))
    return table[:, :64].reshape(-1, 8, 8).float() / 16, table[:, 64].long()


def drawn_digits(n=600):
    """Ten patterns at random, with noise over them."""
    rng = np.random.default_rng(0)
    shown = rng.integers(0, 10, n)
    images = rng.random((10, 8, 8))[shown] + 0.2 * rng.random((n, 8, 8))
    return torch.tensor(images / 1.2).float(), torch.tensor(shown)


def train(path, model, layers, draw, probe, colors, **options):
    """Train a model for real; each step's state, latents and batch, as they were."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    seen = []
    layer = layers if len(layers) > 1 else layers[0]
    with Recorder(path, model, layer=layer, probe=probe, colors=colors, **options) as recorder:
        for step in range(STEPS):
            inputs, target = draw(step)
            outputs = model(**inputs) if isinstance(inputs, dict) else model(inputs)
            loss = nn.functional.cross_entropy(outputs, target)
            optimizer.zero_grad()
            loss.backward()
            states = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            found = layer_outputs(model, layers, probe, tokens=options.get("tokens"))
            latents = [tensor.numpy() for tensor in found]
            seen.append((states, latents, inputs, loss.item()))
            recorder.step(batch=inputs, labels={"target": target}, losses={"loss": loss})
            assert model.training
            optimizer.step()
    return seen


def check(path, model, layers, seen, probe):
    """What was recorded, and what is evaluated from it, against what really was."""
    given = probe if isinstance(probe, dict) else probe.numpy()
    with open_run(path) as run:
        assert run.steps.tolist() == list(range(STEPS))
        np.testing.assert_array_equal(run.losses["loss"], [loss for *_, loss in seen])
        for step in CHECKED:
            states, latents, inputs, _ = seen[step]
            for name, array in run.state(step).items():
                np.testing.assert_array_equal(array, states[name].numpy(), strict=True)
            for layer, expected in zip(layers, latents, strict=True):
                np.testing.assert_array_equal(run.latents(step, layer=layer), expected)
            read = run.batch(step).inputs
            if isinstance(inputs, dict):
                assert read.keys() == inputs.keys()
                assert all((read[name] == inputs[name].numpy()).all() for name in read)
            else:
                np.testing.assert_array_equal(read, inputs.numpy())
    with open_run(path, model=model) as run:
        for step in CHECKED:
            answer = run.evaluate(given, step)
            np.testing.assert_allclose(answer.latents, seen[step][1][0], atol=1e-5)


def check_evaluated(path, model, seen):
    """Latents from the states alone, many at once, are those that the training had."""
    with open_run(path, model=model) as run:
        expected = np.stack([latents[0] for _, latents, *_ in seen])
        np.testing.assert_allclose(run.latents(), expected, atol=1e-5)


def check_drawn(path, tmp_path, model=None, **options):
    with open_run(path, model=model) as run:
        film = latentviz.render(
            run, tmp_path / "film.mp4", size=(320, 180), frames=4, dims=[(0, 1), (1, 2)], **options
        )
        assert 2 <= len(film) <= 4
        picture = latentviz.plot_history(run, dims=[(0, 1)], size=(800, 450))
        assert dot_pixels(picture.pixels, topmost_color(run)) >= 150
        assert str(run.n_points) in picture.alt


@pytest.mark.parametrize("pictures", [digits, drawn_digits])
def test_a_convolutional_model_on_digits(path, tmp_path, pictures):
    torch.manual_seed(0)
    images, shown = pictures()
    model, layers = SmallConv(), ["latent", "features.0"]
    probe, colors = images[:60, None], shown[:60]

    def draw(step):
        # The last batch of an epoch is shorter.
        picked = torch.randint(0, len(images), (32 if step % 5 else 17,))
        return images[picked, None], shown[picked]

    seen = train(path, model, layers, draw, probe, colors)
    check(path, model, layers, seen, probe)
    with open_run(path) as run:
        np.testing.assert_array_equal(run.colors, colors)
        assert run.state(9)["features.1.num_batches_tracked"] == 10
        assert run.batch(5).inputs.shape == (17, 1, 8, 8)
    check_drawn(path, tmp_path)
    seen = train(path, model, layers[:1], draw, probe, colors, latents=False, overwrite=True)
    check_evaluated(path, model, seen)
    check_drawn(path, tmp_path, model)


def test_a_transformer_with_an_attention_mask(path, tmp_path):
    torch.manual_seed(0)
    model, layers = SmallTransformer(), ["pooled", "encoder.layers.0"]
    probe, target = sentences(50)
    colors = target.double() / 6  # a scalar

    def draw(step):
        return sentences(32)

    seen = train(path, model, layers, draw, probe, colors, tokens="mean")
    check(path, model, layers, seen, probe)
    with open_run(path) as run:
        assert run.latents(0, layer="encoder.layers.0").shape == (50, 8)
        assert run.describe()["points"] == 50
    check_drawn(path, tmp_path)
    check_drawn(path, tmp_path, layer="encoder.layers.0")
    seen = train(path, model, layers[:1], draw, probe, colors, latents=False, overwrite=True)
    check_evaluated(path, model, seen)


def test_an_autoencoder_of_digits_in_part_and_now_and_then(path, tmp_path):
    """Every third step of the encoder alone: enough to draw, too little to evaluate."""
    torch.manual_seed(0)
    images, shown = digits()
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 3), nn.Linear(3, 10)
    )
    probe = images[:80]
    latents = []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    options = {"layer": "3", "probe": probe, "colors": shown[:80].numpy()}
    with Recorder(path, model, states=["1.*", "3.*"], every=3, **options) as recorder:
        for _ in range(STEPS):
            picked = torch.randint(0, len(images), (32,))
            loss = nn.functional.cross_entropy(model(images[picked]), shown[picked])
            optimizer.zero_grad()
            loss.backward()
            latents.append(model[:4](probe).detach().numpy())
            recorder.step(batch=images[picked], losses={"loss": loss})
            optimizer.step()
    with open_run(path) as run:
        assert run.steps.tolist() == list(range(0, STEPS, 3))
        assert sorted(run.state()) == ["1.bias", "1.weight", "3.bias", "3.weight"]
        np.testing.assert_allclose(run.latents(), latents[::3], atol=1e-6)
        assert not run.can_evaluate
    check_drawn(path, tmp_path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"
