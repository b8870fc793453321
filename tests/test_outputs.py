"""Layers whose output is a tuple, or tokens: what of it is the latent, recorded or evaluated."""

import copy
import dataclasses
import warnings
from importlib.metadata import EntryPoint

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from latentviz import ChunkLimits, Recorder, open_run
from latentviz.archive import ArchiveReader
from latentviz.errors import ModelError, OptionError, RecordingWarning
from latentviz.modules import registry
from latentviz.modules.layers import layer_outputs
from latentviz.modules.outputs import latent_rows

N, S, WORDS, WIDTH = 7, 5, 11, 8
IDS = torch.randint(0, WORDS, (N, S), generator=torch.Generator().manual_seed(1))
LENGTHS = torch.tensor([5, 4, 2, 5, 1, 3, 5])
MASK = (torch.arange(S) < LENGTHS[:, None]).long()
MASKED = {"input_ids": IDS, "attention_mask": MASK}
PADDED = {"input_ids": IDS, "src_key_padding_mask": MASK == 0}

pytestmark = [
    pytest.mark.usefixtures("one_torch_thread"),
    # Which torch says once of its own encoder, whoever runs it first.
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors"),
]


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch):
    # A chunk must not end because the machine is slow.
    limits = ChunkLimits(steps=4, seconds=1e9)
    monkeypatch.setattr("latentviz.recording.recorder.LIMITS", limits)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


class Recurrent(nn.Module):
    """Reads words, and says two numbers."""

    def __init__(self, kind="LSTM", batch_first=True, layers=2):
        super().__init__()
        self.words = nn.Embedding(WORDS, 4)
        self.rnn = getattr(nn, kind)(4, WIDTH, layers, batch_first=batch_first)
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, input_ids):
        words = self.words(input_ids)
        first = self.rnn.batch_first
        out = self.rnn(words if first else words.transpose(0, 1))[0]
        return self.head(out[:, -1] if first else out[-1])


class Attending(nn.Module):
    """A block of attention among others, and a transformer of torch's own."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.pooled = nn.Linear(WIDTH, 3)
        self.head = nn.Linear(3, 2)

    def forward(self, input_ids, src_key_padding_mask=None):
        x = self.words(input_ids)
        x = x + self.attention(x, x, x, key_padding_mask=src_key_padding_mask)[0]
        x = self.encoder(x, src_key_padding_mask=src_key_padding_mask)
        return self.head(self.pooled(x[:, 0]))


def bert():
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=WORDS, hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=S,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config)


def nudge(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)


def recorded(path, model, n_steps=6, *, answer=None, **options):
    """Record a model that changes; at each step what `answer` says of a copy that is run alone."""
    torch.manual_seed(0)
    expected = []
    with Recorder(path, model, **options) as recorder:
        for step in range(n_steps):
            if answer is not None:
                with torch.no_grad():
                    expected.append(answer(copy.deepcopy(model).eval()).numpy())
            recorder.step(losses={"loss": step})
            nudge(model)
    return np.stack(expected) if expected else None


def mean_of_present(x):
    return (x * MASK[:, :, None]).sum(1) / MASK.sum(1, keepdim=True)


def last_present(x):
    return x[torch.arange(N), LENGTHS - 1]


def attended(m, **mask):
    x = m.words(IDS)
    return x, m.attention(x, x, x, **mask)


def encoded(m):
    hidden = PADDED["src_key_padding_mask"]
    x, (more, _) = attended(m, key_padding_mask=hidden)
    m.encoder.use_nested_tensor = False
    return m.encoder(x + more, src_key_padding_mask=hidden)


CASES = {
    "lstm, each": (
        Recurrent, IDS, "rnn", "each", lambda m: m.rnn(m.words(IDS))[0].reshape(-1, WIDTH),
    ),
    "lstm, mean": (Recurrent, IDS, "rnn", "mean", lambda m: m.rnn(m.words(IDS))[0].mean(1)),
    "lstm, flatten": (
        Recurrent, IDS, "rnn:0", "flatten", lambda m: m.rnn(m.words(IDS))[0].flatten(1),
    ),
    "lstm, last state": (
        Recurrent, IDS, "rnn:1:0:-1", None, lambda m: m.rnn(m.words(IDS))[1][0][1],
    ),
    "lstm, first cell": (
        Recurrent, IDS, "rnn:1:1:0", None, lambda m: m.rnn(m.words(IDS))[1][1][0],
    ),
    "gru, last state": (
        lambda: Recurrent("GRU"), IDS, "rnn:1:1", None, lambda m: m.rnn(m.words(IDS))[1][1],
    ),
    "time first, last step": (
        lambda: Recurrent(batch_first=False), IDS, "rnn:0:-1", None,
        lambda m: m.rnn(m.words(IDS).transpose(0, 1))[0][-1],
    ),
    "attention, first": (
        Attending, IDS, "attention", "first", lambda m: attended(m)[1][0][:, 0],
    ),
    "attention, weights": (
        Attending, IDS, "attention:1", "flatten", lambda m: attended(m)[1][1].flatten(1),
    ),
    "encoder, mean": (Attending, PADDED, "encoder", "mean", lambda m: mean_of_present(encoded(m))),
    "encoder, last": (Attending, PADDED, "encoder", "last", lambda m: last_present(encoded(m))),
    "encoder, each": (Attending, PADDED, "encoder", "each", lambda m: encoded(m)[MASK == 1]),
    "within the encoder": (
        Attending, PADDED, "encoder.layers.0.self_attn", "each",
        lambda m: m.encoder.layers[0].self_attn(
            *[(x := attended(m, key_padding_mask=MASK == 0))[0] + x[1][0]] * 3,
            key_padding_mask=MASK == 0,
        )[0][MASK == 1],
    ),
    "bert, mean": (
        bert, MASKED, "bert", "mean", lambda m: mean_of_present(m.bert(**MASKED).last_hidden_state),
    ),
    "bert, each": (
        bert, MASKED, "bert:0", "each", lambda m: m.bert(**MASKED).last_hidden_state[MASK == 1],
    ),
    "bert, pooled": (bert, MASKED, "bert:1", None, lambda m: m.bert(**MASKED).pooler_output),
    "bert, first": (
        bert, MASKED, "bert.encoder.layer.1.attention", "first",
        lambda m: m.bert.encoder.layer[1].attention(
            m.bert(**MASKED, output_hidden_states=True).hidden_states[1],
            attention_mask=torch.where(MASK[:, None, None] == 1, 0.0, -1e30),
        )[0][:, 0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_recorded_and_evaluated_latents_are_those_of_the_layer(tmp_path, monkeypatch, case):
    make, probe, layer, tokens, answer = CASES[case]
    torch.manual_seed(3)
    model = make()
    options = {"layer": layer, "probe": probe, "tokens": tokens}
    expected = recorded(tmp_path / "a.npz", copy.deepcopy(model), answer=answer, **options)
    monkeypatch.setattr(
        registry, "registered_models",
        lambda: {"it": EntryPoint("it", f"{__name__}:made", registry.GROUP)},
    )  # fmt: skip
    monkeypatch.setitem(globals(), "made", lambda: copy.deepcopy(model))
    recorded(tmp_path / "b.npz", model, model_name="it", **options)
    with open_run(tmp_path / "a.npz") as run, open_run(tmp_path / "b.npz") as other:
        assert run.describe()["latents_recorded"]
        assert not other.describe()["latents_recorded"]
        assert (run.layer, run.tokens, other.tokens) == (layer, tokens, tokens)
        np.testing.assert_allclose(run.latents(), expected, atol=2e-6)
        np.testing.assert_allclose(other.latents(), run.latents(), atol=2e-6)
        np.testing.assert_allclose(other.final_latents(), run.final_latents(), atol=2e-6)
        assert run.n_points == other.n_points == expected.shape[1]
        given = {k: v.numpy() for k, v in probe.items()} if isinstance(probe, dict) else probe
        answered = other.evaluate(given, 3)
        np.testing.assert_allclose(answered.latents, expected[3], atol=2e-6)
        assert answered.outputs.shape == (N, 2)


def stored_colors(path):
    with ArchiveReader(path) as reader:
        return reader.read("probe/colors")


def test_colors_of_rows_and_of_tokens(path):
    labels = np.arange(N)
    rgb = np.random.default_rng(0).random((N, 3), np.float32)
    kept = MASK.numpy().ravel() == 1
    own = np.arange(N * S) % 4
    for probe, present in ((IDS, np.ones(N * S, bool)), (PADDED, kept)):
        for colors, expected in (
            (labels, labels.repeat(S)),
            (labels / N, (labels / N).repeat(S)),
            (rgb, rgb.repeat(S, 0)),
            (own, own),
            (own.reshape(N, S), own),
            (rgb.repeat(S, 0), rgb.repeat(S, 0)),
            (rgb.repeat(S, 0).reshape(N, S, 3), rgb.repeat(S, 0)),
        ):
            options = {"layer": "encoder", "probe": probe, "tokens": "each", "colors": colors}
            recorded(path, Attending(), 2, overwrite=True, **options)
            np.testing.assert_array_equal(stored_colors(path), expected[present], strict=True)
            with open_run(path) as run:
                assert run.n_points == len(run.colors) == run.latents(0).shape[0]
                assert run.describe()["points"] == run.n_points
    with pytest.raises(
        OptionError, match=r"\(7, 3\) RGB or \(7,\) .*\(35,\) or \(7, 5\); got \(23"
    ):
        Recorder(path, Attending(), overwrite=True, **options | {"colors": np.arange(23)})


def test_three_tokens_have_labels_of_their_own_or_a_color(path):
    probe, labels = IDS[:, :3], np.arange(N * 3).reshape(N, 3)
    options = {"layer": "rnn", "probe": probe, "tokens": "each", "overwrite": True}
    recorded(path, Recurrent(), 1, colors=labels, **options)
    np.testing.assert_array_equal(stored_colors(path), labels.ravel())
    recorded(path, Recurrent(), 1, colors=labels / labels.max(), **options)
    assert stored_colors(path).shape == (N * 3, 3)


def test_labels_that_are_names_are_classes(path, tmp_path):
    names = ["noun", "verb", "noun", "adjective", "verb", "noun", "noun"]
    for tokens, labels in (("mean", names), ("each", names), ("each", np.array(names)[IDS % N])):
        options = {"layer": "rnn", "probe": IDS, "tokens": tokens, "colors": labels}
        recorded(path, Recurrent(), 2, overwrite=True, **options)
        with open_run(path) as run:
            assert run.class_names == ("adjective", "noun", "verb")
            found = np.array(run.class_names)[run.colors]
            given = np.asarray(labels)
            expected = given if tokens == "mean" else given.repeat(S) if given.ndim == 1 else given
            np.testing.assert_array_equal(found, expected.ravel())
            assert run.at_layer("rnn").class_names == run.class_names
    with pytest.raises(OptionError, match="all names or all numbers, got 3"):
        Recorder(tmp_path / "x.npz", Recurrent(), **options | {"colors": ["a", 3, *names[2:]]})
    recorded(path, Recurrent(), 2, overwrite=True, **options | {"colors": None})
    with open_run(path) as run:
        assert run.class_names is None


@pytest.mark.parametrize(
    ("model", "probe", "options", "message"),
    [
        (Attending(), IDS, {"layer": "pooled", "tokens": "each"}, r"'pooled' is \(7, 3\); leave"),
        (Attending(), IDS, {"layer": "pooled", "tokens": "mean"}, r"'pooled' is \(7, 3\); leave"),
        (Recurrent(), IDS, {"layer": "rnn", "tokens": "nonsense"},
         "tokens must be one of flatten, mean, first, last, each, got 'nonsense'"),
        (Recurrent(), IDS, {"layer": "rnn", "tokens": ["mean"]}, "tokens must be one of"),
        (Recurrent(), None, {"layer": "rnn", "tokens": "mean"}, "give probe= too"),
        (Recurrent(), IDS, {"layer": "rnn:2", "tokens": "mean"},
         r"no layer 'rnn:2': the output of 'rnn' is tuple\[\(7, 5, 8\) float32, "
         r"tuple\[\(2, 7, 8\) float32, \(2, 7, 8\) float32\]\]"),
        (Recurrent(), IDS, {"layer": "rnn:1:0:2"}, r"no layer .*'rnn:1:0' is \(2, 7, 8\) float32"),
        (Recurrent(), IDS, {"layer": "rnn:0:0"}, r"no layer .*'rnn:0' is \(7, 5, 8\) float32"),
        (Recurrent(), IDS, {"layer": "rnn:x"}, "the model has no layer 'rnn:x'; its layers"),
        (Recurrent(), IDS, {"layer": "nosuch:1"}, "the model has no layer 'nosuch:1'"),
        (Recurrent(), IDS, {"layer": "rnn:1"},
         r"row for each of the 7 points, got 2 rows, \(2, 7, 8\); .* or name one \(.*\): "
         "'rnn:1:0:0' to 'rnn:1:0:1'$"),
        (Recurrent(layers=1), IDS, {"layer": "rnn:1"},
         r"got 1 row, .* or name one \(.*\): 'rnn:1:0:0'$"),
        (Recurrent(batch_first=False), IDS, {"layer": "rnn", "tokens": "mean"},
         r"got 5 rows, \(5, 7, 8\); where time comes first, make it batch_first=True, or name "
         r"a module around it .* or name one \(.*\): 'rnn:0:0' to 'rnn:0:4'$"),
        (Attending(), PADDED, {"layer": ["words", "attention:1"], "tokens": "each"}, None),
        (Attending(), {"input_ids": IDS, "src_key_padding_mask": torch.full((N, S), 0.5)},
         {"layer": "words", "tokens": "mean"}, "src_key_padding_mask must be 0 or 1 at each"),
        (Attending(), {"input_ids": IDS, "src_key_padding_mask": LENGTHS[:, None] == 1},
         {"layer": "words", "tokens": "mean"}, "RecordingWarning"),
        (Attending(), {"input_ids": IDS, "src_key_padding_mask": (LENGTHS == 1).repeat(S, 1).T},
         {"layer": "words", "tokens": "mean"}, "leaves no token of point 4"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_when_the_recorder_opens(
    path, tmp_path, model, probe, options, message
):
    if message is None:
        Recorder(path, model, probe=probe, **options).__exit__(KeyboardInterrupt, None, None)
    elif message == "RecordingWarning":
        match = r"mask is \(7, 1\) and not \(7, 5\), one for each of the layer's 5 tokens: none"
        with pytest.warns(RecordingWarning, match=match) as caught:
            Recorder(path, model, probe=probe, **options).__exit__(KeyboardInterrupt, None, None)
        assert caught[0].filename == __file__
    else:
        with pytest.raises((ModelError, OptionError), match=message) as caught:
            Recorder(path, model, probe=probe, **options)
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_layers_of_other_numbers_of_tokens_cannot_each_be_points(path):
    class Pooling(Attending):
        def __init__(self):
            super().__init__()
            self.halved = nn.AdaptiveAvgPool2d((2, WIDTH))

        def forward(self, input_ids):
            return self.halved(self.encoder(self.words(input_ids)))

    options = {"layer": ["encoder", "halved"], "probe": IDS}
    with pytest.raises(OptionError, match="got 5 of 'encoder', 2 of 'halved'"):
        Recorder(path, Pooling(), tokens="each", **options)
    recorded(path, Pooling(), 2, tokens="mean", **options)


def test_pooled_layers_go_along_with_those_of_tokens(path):
    recorded(path, Attending(), 2, layer=["encoder", "pooled"], probe=IDS, tokens="mean")
    with open_run(path, model=Attending()) as run:
        assert run.latents().shape == (2, N, WIDTH)
        assert run.latents(layer="pooled").shape == (2, N, 3)
        assert run.evaluate(IDS.numpy(), 0, layer="head").latents.shape == (N, 2)


def test_one_token_is_squeezed_and_images_are_flattened(path):
    model = nn.Sequential(nn.Unflatten(1, (1, 4)), nn.Unflatten(2, (2, 2)), nn.Flatten())
    options = {"layer": ["0", "1"], "probe": torch.rand(N, 4), "latents": True}
    recorded(path, model, 1, **options)
    with open_run(path) as run:
        np.testing.assert_array_equal(run.latents(layer="0"), run.latents(layer="1"))
        assert run.latents(0).shape == (N, 4)
        assert run.tokens is None


def test_a_run_of_old_is_flattened_as_it_was(path):
    recorded(path, Attending(), 2, layer="pooled", probe=IDS)
    with open_run(path, model=Attending()) as run:
        assert run.latents(0, layer="encoder").shape == (N, S * WIDTH)


def test_a_module_with_a_colon_in_its_name_goes_first(path):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(WIDTH, 3, 1, batch_first=True)
            self.add_module("rnn:1", nn.Linear(3, 2))
            self.words = nn.Embedding(WORDS, WIDTH)

        def forward(self, input_ids):
            return self._modules["rnn:1"](self.rnn(self.words(input_ids))[0][:, -1])

    recorded(path, Odd(), 2, layer=["rnn:1", "rnn:0"], probe=IDS, tokens="last")
    with open_run(path) as run:
        assert run.latents(0).shape == (N, 2)
        assert run.latents(0, layer="rnn:0").shape == (N, 3)
    with ArchiveReader(path) as reader:
        assert "latents/000000/rnn:0" in reader
    with np.load(path) as members:
        assert "latents/000000/rnn%3A0" in members.files


def test_layers_are_named_through_wrappers(path):
    model = nn.DataParallel(Recurrent())
    for name in ("rnn:1:0:-1", "module.rnn:1:0:-1"):
        recorded(path, model, 1, layer=name, probe=IDS, overwrite=True)
        with open_run(path) as run:
            assert run.layer == "rnn:1:0:-1"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch itself
def test_parts_of_layers_that_are_compiled_or_empty(path):
    model = Recurrent()
    model.rnn = torch.compile(model.rnn)
    for name in ("rnn:1:0:-1", "rnn._orig_mod:1:0:-1"):
        recorded(path, torch.compile(model), 1, layer=name, probe=IDS, overwrite=True)
        with open_run(path) as run:
            assert run.layer == "rnn:1:0:-1"
            assert run.latents(0).shape == (N, WIDTH)
    empty = nn.Sequential(nn.Linear(3, 2), nn.Sequential())
    recorded(path, empty, 1, layer="1", probe=torch.rand(N, 3), overwrite=True)


def test_other_inputs_are_read_by_the_same_rule(path):
    recorded(path, Attending(), 2, layer="encoder", probe=PADDED, tokens="each")
    mask = np.array([[False, False, True], [False, True, True]])
    others = {"input_ids": IDS[:2, :3].numpy(), "src_key_padding_mask": mask}
    with open_run(path, model=Attending()) as run:
        assert run.evaluate(others, 1).latents.shape == (3, WIDTH)
        assert run.evaluate(others, 1, layer="attention").latents.shape == (3, WIDTH)
        assert run.n_points == MASK.sum()
        with pytest.raises(ModelError, match="makes a point of each token"):
            run.evaluate(others, 1, layer="pooled")


@dataclasses.dataclass
class Answer:
    note: str
    hidden: list[torch.Tensor]
    more: dict[str, torch.Tensor]


class Nested(nn.Module):
    def forward(self, x):
        return Answer("none of it", [x + 1, x + 2], {"a": x + 3, "b": x + 4})


class Nesting(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Nested()
        self.head = nn.Linear(2, 2)

    def forward(self, x):
        return self.head(self.inner(x).hidden[0])


@pytest.mark.parametrize(
    ("layer", "more"),
    [("inner", 1), ("inner:1", 1), ("inner:1:1", 2), ("inner:2", 3), ("inner:2:1", 4),
     ("inner:-1:-1", 4)],
)  # fmt: skip
def test_positions_in_dataclasses_lists_and_dictionaries(layer, more):
    x = torch.rand(4, 2)
    (found,) = layer_outputs(Nesting(), [layer], x)
    assert torch.equal(found, x + more)


def test_what_holds_no_tensor_says_what_it_is():
    with pytest.raises(ModelError, match=r"'inner:0' must be a tensor .*, or hold one, got str;"):
        layer_outputs(Nesting(), ["inner:0"], torch.rand(4, 2))


def test_a_packed_sequence_is_refused_and_its_last_states_are_had():
    class Packing(Recurrent):
        def forward(self, input_ids):
            packed = nn.utils.rnn.pack_padded_sequence(
                self.words(input_ids), LENGTHS, batch_first=True, enforce_sorted=False
            )
            return self.head(self.rnn(packed)[1][0][-1])

    model = Packing()
    with pytest.raises(ModelError, match="is a packed sequence, whose rows are no points; name"):
        layer_outputs(model, ["rnn"], IDS)
    (found,) = layer_outputs(model, ["rnn:1:0:-1"], IDS)
    with torch.no_grad():
        assert torch.allclose(model.head(found), model(IDS), atol=1e-6)


def test_a_mask_that_hides_nans_keeps_them_out_of_the_mean():
    class Holes(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(WORDS, 2)
            self.holes = nn.Identity()

        def forward(self, input_ids, attention_mask):
            hidden = torch.where(attention_mask[:, :, None] == 1, self.words(input_ids), torch.nan)
            return self.holes(hidden)

    (found,) = layer_outputs(Holes(), ["holes"], MASKED, tokens="mean")
    assert found.isfinite().all()


def test_left_padding_leaves_the_first_token_out():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(WORDS, 2)

        def forward(self, input_ids, attention_mask):
            return self.words(input_ids)

    words, probe = Words(), {"input_ids": IDS, "attention_mask": MASK.flip(1)}
    first, last = (layer_outputs(words, ["words"], probe, tokens=t)[0] for t in ("first", "last"))
    assert torch.equal(first, words.words(IDS)[torch.arange(N), S - LENGTHS])
    assert torch.equal(last, words.words(IDS)[:, -1])


@pytest.mark.parametrize("layers", [["0"], ["0", "2"]])
def test_what_follows_in_place_does_not_write_over_a_layer(path, layers):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    x = torch.rand(N, 3) - 0.5
    expected = recorded(path, model, 3, answer=lambda m: m[0](x), layer=layers, probe=x)
    with open_run(path, model=model) as run:
        np.testing.assert_allclose(run.latents(), expected, atol=1e-6)
        np.testing.assert_allclose(run.evaluate(x.numpy(), 2).latents, expected[2], atol=1e-6)


def test_a_film_of_tokens(path, tmp_path, invoke):
    options = {"layer": "encoder", "probe": PADDED, "tokens": "each", "colors": IDS}
    recorded(path, Attending(), 6, **options)
    film = invoke("render", path, "-o", tmp_path / "film.mp4", "--draft", "--frames", 4)
    assert film.exit_code == 0
    said = invoke("info", path).output
    assert f"tokens:     each ({int(MASK.sum())} points)" in said
    for command in ("frame", "history", "sphere"):
        invoke(command, path, "-o", tmp_path / f"{command}.png")
    refused = invoke("sphere", path, "-o", tmp_path / "x.png", "--probe", "rgb:4", status=2).output
    assert "a point for each token" in refused
    own = invoke("frame", path, "-o", tmp_path / "a.png", "--layer", "nosuch:1", status=2)
    assert "nosuch:1" in own.output


@given(tokens=st.sampled_from(["flatten", "mean", "first", "last", "each", None]), data=st.data())
def test_rows_are_points_whatever_the_tokens(tokens, data):
    n, s = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    part = torch.arange(n * s * 2.0).reshape(n, s, 2)
    present = torch.tensor(
        data.draw(st.lists(st.lists(st.booleans(), min_size=s, max_size=s), min_size=n, max_size=n))
    )
    inputs = {"x": part, "attention_mask": present}
    try:
        rows = latent_rows(part, "layer", tokens, inputs)
    except ModelError:
        assert not present.any(1).all()
        return
    if tokens == "each":
        assert torch.equal(rows, part[present])
    elif tokens in (None, "flatten"):
        assert torch.equal(rows, part.reshape(n, -1))
    else:
        own = [tokens_of[here] for tokens_of, here in zip(part, present, strict=True)]
        pick = {"mean": lambda t: t.mean(0), "first": lambda t: t[0], "last": lambda t: t[-1]}
        assert torch.allclose(rows, torch.stack([pick[tokens](t) for t in own]))


class Late(nn.Module):
    """Cannot be run before its first batch."""

    def __init__(self):
        super().__init__()
        self.rnn, self.is_ready = nn.GRU(4, 8, batch_first=True), False

    def forward(self, x):
        if not self.is_ready:
            raise RuntimeError("not yet")
        return self.rnn(x)[0]


@pytest.mark.parametrize("is_late", [False, True])
def test_tokens_that_nobody_spoke_of_are_flattened_with_a_warning(path, is_late):
    model, probe = Late(), torch.rand(N, S, 4)
    model.is_ready = not is_late
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        recorder = Recorder(path, model, layer="rnn", probe=probe)
        model.is_ready = True
        for _ in range(3):
            recorder.step()
        recorder.close()
    (line,) = told
    assert line.category is RecordingWarning
    assert str(line.message).startswith(
        "the output of layer 'rnn' is (7, 5, 8): each point's 5 tokens are laid side by side, 40 "
        'numbers; say what is to be drawn of them: tokens="mean",'
    )
    with open_run(path) as run, torch.no_grad():
        assert run.tokens is None
        expected = model.rnn(probe)[0].flatten(1).numpy()
        np.testing.assert_allclose(run.latents(2), expected, atol=1e-6)


class TimeFirst(nn.Module):
    """As many tokens as points: which dimension is which, the shapes do not tell."""

    def __init__(self, layer):
        super().__init__()
        self.words, self.layer = nn.Embedding(WORDS, WIDTH), layer

    def forward(self, x):
        words = self.words(x).transpose(0, 1)
        is_attention = isinstance(self.layer, nn.MultiheadAttention)
        return self.layer(*[words] * (3 if is_attention else 1))


SQUARE = torch.arange(S * S).reshape(S, S) % WORDS


@pytest.mark.parametrize(
    "layer",
    [
        nn.LSTM(WIDTH, 8),
        nn.GRU(WIDTH, 8),
        nn.MultiheadAttention(WIDTH, 2),
        nn.TransformerEncoderLayer(WIDTH, 2, 8),
        nn.TransformerEncoder(
            nn.TransformerEncoderLayer(WIDTH, 2, 8), 1, enable_nested_tensor=False
        ),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_time_that_comes_first_is_no_points_though_there_is_as_much_of_it(path, layer):
    options = {"layer": "layer", "probe": SQUARE, "tokens": "mean"}
    with pytest.raises(ModelError, match=r"got the points second, \(5, 5, \d\); .*batch_first"):
        Recorder(path, TimeFirst(layer), **options)
    with Recorder(path, TimeFirst(layer), **options | {"layer": "words"}) as recorder:
        recorder.step()


def test_the_last_states_of_as_many_layers_as_points_are_told_by_their_place(path):
    model = TimeFirst(nn.LSTM(WIDTH, 8, num_layers=S))
    with pytest.raises(ModelError, match="got the points second"):
        Recorder(path, model, layer="layer:1", probe=SQUARE)
    with Recorder(path, model, layer="layer:1:0:-1", probe=SQUARE) as recorder:
        recorder.step()
    with open_run(path) as run, torch.no_grad():
        np.testing.assert_allclose(run.latents(0), model(SQUARE)[1][0][-1], atol=1e-6)
