"""Training with and without the recorder, to the bit, for modules that keep all sorts of things."""

import random
import threading
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm

from latentviz import ModelError, OptionError, Recorder, open_run

pytestmark = pytest.mark.usefixtures("one_torch_thread")

STEPS = 5
PROBE = torch.linspace(-1, 1, 36).reshape(9, 4)


class Kind(nn.Module):
    """An encoder of some kind, whose output is the latent, and a head."""

    kept = ()  # what it keeps beside its state, which training changes

    def __init__(self):
        super().__init__()
        self.encoder = self.make()
        self.latent = nn.Identity()
        self.head = nn.Linear(3, 1)

    def make(self):
        return nn.Linear(4, 3)

    def encode(self, x):
        return self.encoder(x)

    def forward(self, x):
        return self.head(self.latent(self.encode(x)))


class Plain(Kind):
    pass


class BatchNorm(Kind):
    def make(self):
        return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Tanh())


class FrozenBatchNorm(BatchNorm):
    """In evaluation mode while the rest is trained."""

    def __init__(self):
        super().__init__()
        self.encoder[1].eval()


class Dropout(Kind):
    def make(self):
        return nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))


class Convolution(Kind):
    def make(self):
        return nn.Conv1d(1, 3, 4)

    def encode(self, x):
        return self.encoder(x[:, None])[:, :, 0]


class Recurrent(Kind):
    def make(self):
        return nn.GRU(2, 3, batch_first=True)

    def encode(self, x):
        return self.encoder(x.reshape(len(x), 2, 2))[0][:, -1]


class LastState(Recurrent):
    """Keeps the last hidden state, part of its graph, as a plain attribute."""

    def encode(self, x):
        self.state = self.encoder(x.reshape(len(x), 2, 2))[1]
        self.states = [self.state, {"again": self.state}]
        return self.state[0]


class PaddedTransformer(Kind):
    def make(self):
        layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        return nn.TransformerEncoder(layer, 2)

    def encode(self, x):
        words = x[:, :, None].expand(-1, -1, 4)
        mask = torch.arange(4).expand(len(x), 4) > 2
        return self.encoder(words, src_key_padding_mask=mask).mean(1)[:, :3]


class Counting(Kind):
    """A buffer that every pass renews, in any mode."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def encode(self, x):
        self.calls += 1
        return self.encoder(x) * (1 + 0.1 * self.calls)


class CountingPlainly(Kind):
    """A number that every pass raises, and that it uses."""

    kept = ("calls",)
    calls = 0

    def encode(self, x):
        self.calls += 1
        return self.encoder(x) * self.calls


class Cached(Kind):
    """Made of the weights in evaluation mode, and dropped by train()."""

    cache = None

    def train(self, mode=True):
        self.cache = None
        return super().train(mode)

    def encode(self, x):
        if self.training:
            return self.encoder(x)
        if self.cache is None:
            self.cache = self.encoder.weight.detach() * 2
        return x @ self.cache.T


class CachedForEver(Kind):
    """Made once in evaluation mode, and never dropped."""

    def encode(self, x):
        if self.training:
            return self.encoder(x)
        if not hasattr(self, "cache"):
            self.cache = {"weight": self.encoder.weight.detach() * 2}
        return x @ self.cache["weight"].T


class MadeByEval(Kind):
    """What forward() needs in evaluation mode is made by train(False)."""

    def train(self, mode=True):
        self.__dict__.pop("filter", None)
        if not mode:
            self.filter = torch.tanh(self.encoder.weight.detach())
        return super().train(mode)

    def encode(self, x):
        return x @ (torch.tanh(self.encoder.weight) if self.training else self.filter).T


class Merging(Kind):
    """Merges a low-rank update into the weight for evaluation, and takes it out again."""

    merged = False

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Parameter(torch.ones(1, 4)), nn.Parameter(torch.ones(3, 1))

    def train(self, mode=True):
        super().train(mode)
        with torch.no_grad():
            if self.merged == mode:
                self.encoder.weight += (-1 if mode else 1) * self.up @ self.down
                self.merged = not mode
        return self

    def encode(self, x):
        return self.encoder(x) if self.merged else self.encoder(x) + x @ (self.up @ self.down).T


class Sampled(Kind):
    def encode(self, x):
        mean = self.encoder(x)
        return mean + torch.randn_like(mean)


class SampledByNumPy(Kind):
    def encode(self, x):
        return self.encoder(x) + float(np.random.normal())  # noqa: NPY002


class SampledByPython(Kind):
    def encode(self, x):
        return self.encoder(x) + random.random()


class OwnGenerator(Kind):
    def __init__(self):
        super().__init__()
        self.generator = torch.Generator().manual_seed(3)

    def encode(self, x):
        noise = torch.randn(len(x), 3, generator=self.generator)
        return self.encoder(x) + (noise if self.training else 0 * noise)


class Observed(Kind):
    """Prepared for quantization: observers see what passes, in any mode."""

    def __init__(self):
        import torch.ao.quantization as quantization

        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.encoder.qconfig = quantization.get_default_qat_qconfig("fbgemm")
            quantization.prepare_qat(self, inplace=True)


class SpectralNorm(Kind):
    """By a hook of torch's own, which makes the weight before each pass."""

    def make(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return spectral_norm(nn.Linear(4, 3))


class SpectralParametrization(Kind):
    def make(self):
        return parametrizations.spectral_norm(nn.Linear(4, 3))


class WeightNorm(Kind):
    def make(self):
        return parametrizations.weight_norm(nn.Linear(4, 3))


class Pruned(Kind):
    def make(self):
        layer = nn.Linear(4, 3)
        prune.custom_from_mask(layer, "weight", torch.eye(3, 4))
        return layer


class Tied(Kind):
    def __init__(self):
        super().__init__()
        self.other = nn.Linear(4, 3)
        self.other.weight = self.encoder.weight

    def encode(self, x):
        return self.other(x) + self.encoder(x)


class Tempered(Kind):
    """A plain number that the training changes."""

    kept = ("temperature",)
    temperature = 1.0

    def encode(self, x):
        if self.training:
            self.temperature *= 0.5
        return self.encoder(x) / self.temperature


class MemoryBank(Kind):
    """A list of what was seen lately."""

    kept = ("bank",)

    def __init__(self):
        super().__init__()
        self.bank = []

    def encode(self, x):
        z = self.encoder(x)
        self.bank.append(z.detach().mean(0))
        return z + torch.stack(self.bank[-3:]).mean(0)


class Codebook(Kind):
    """Codes that move to the mean of what is next to them."""

    def __init__(self):
        super().__init__()
        self.register_buffer("codes", torch.eye(3))

    def encode(self, x):
        z = self.encoder(x)
        nearest = torch.cdist(z.detach(), self.codes).argmin(1)
        for i in nearest.unique():
            self.codes[i] = 0.9 * self.codes[i] + 0.1 * z.detach()[nearest == i].mean(0)
        return z + (self.codes[nearest] - z).detach()


class Hooked(Kind):
    """A user's own hook looks on."""

    def __init__(self):
        super().__init__()
        self.seen = seen = []
        self.encoder.register_forward_hook(lambda module, args, out: seen.append(out.mean().item()))


class Closure(Kind):
    """A function has got hold of the module, and counts."""

    kept = ("counts",)

    def __init__(self):
        super().__init__()
        self.counts = [0]

        def encode(x):
            self.counts[0] += 1
            return self.encoder(x) * self.counts[0]

        self.encode = encode


class Wrapper:
    """What mixed precision puts around forward(), which refuses to be pickled."""

    def __init__(self, forward):
        self.forward, self.calls = forward, []

    def __call__(self, x):
        self.calls.append(len(x))
        return self.forward(x).float() + len(self.calls)

    def __getstate__(self):
        raise TypeError("unwrap the model first")


class Wrapped(Kind):
    """Its method is bound to it within a closure."""

    kept = ("calls",)

    def __init__(self):
        super().__init__()
        wrapper = Wrapper(self.encoder.forward)
        self.calls = wrapper.calls

        def encode(x):
            return wrapper(x)

        self.encode = encode


class OutOfSight(Kind):
    """Modules in a plain list, which no module's own methods find."""

    def __init__(self):
        super().__init__()
        self.hidden = [nn.BatchNorm1d(3, affine=False)]

    def encode(self, x):
        z = self.encoder(x)
        return z + self.hidden[0](z)


class Meddling(Kind):
    """Changes its own parts, and how their tensors are seen, at each pass in evaluation mode."""

    def make(self):
        return nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3), nn.LeakyReLU(0.5))

    def encode(self, x):
        z = self.encoder(x)
        if not self.training:
            first, second, slope = self.encoder
            slope.negative_slope *= 2
            slope.seen = z
            first.weight.data = first.weight.data.t()
            second.weight.data = torch.zeros(4, 4)
            second.bias = nn.Parameter(second.bias + 1)
            first.register_buffer("mean", z.mean(0))
            first.register_forward_hook(lambda module, args, out: out * 2)
            first.register_state_dict_pre_hook(lambda *args: None)
            self.encoder.append(nn.Tanh())
        return z


class Scheduled(Kind):
    """The training changes what torch's own modules hold, and replaces them."""

    kept = ("slope",)

    def make(self):
        return nn.Sequential(nn.Linear(4, 3), nn.LeakyReLU(0.5), nn.Tanh())

    @property
    def slope(self):
        return self.encoder[1].negative_slope

    @slope.setter
    def slope(self, slope):
        self.encoder[1].negative_slope = slope

    def encode(self, x):
        if self.training:
            self.slope /= 2
            self.encoder[0].weight.data = self.encoder[0].weight.data.clone()
            self.encoder[2] = nn.Tanh()
        return self.encoder(x)


class Averaging(Kind):
    """Its buffer is another tensor after each pass, and an attribute comes and goes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.odd = {}

    def encode(self, x):
        z = self.encoder(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * z.detach().mean(0)
            name = "even" if hasattr(self, "odd") else "odd"
            del self.__dict__["odd" if name == "even" else "even"]
            setattr(self, name, {})
        return z + self.mean


class Compiled(Kind):
    def make(self):
        return torch.compile(nn.Linear(4, 3), backend="eager")


class Saving(Kind):
    """Says that its state is another than it is."""

    def state_dict(self, *args, **options):
        return {f"net.{name}": t for name, t in super().state_dict(*args, **options).items()}


KINDS = [
    Plain, BatchNorm, FrozenBatchNorm, Dropout, Convolution, Recurrent, LastState,
    PaddedTransformer, Counting, CountingPlainly, Cached, CachedForEver, MadeByEval, Merging,
    Sampled, SampledByNumPy, SampledByPython, OwnGenerator, Observed, SpectralNorm,
    SpectralParametrization, WeightNorm, Pruned, Tied, Tempered, MemoryBank, Codebook, Hooked,
    Closure, Wrapped, OutOfSight, Meddling, Scheduled, Averaging, Compiled, Saving,
]  # fmt: skip


def seeded(number):
    torch.manual_seed(number)
    np.random.seed(number)  # noqa: NPY002
    random.seed(number)


def made(kind):
    seeded(0)
    model = kind()
    model(PROBE)  # an observer's shapes come with the first batch
    return model


def plain(value):
    """What can be compared, to the bit."""
    if isinstance(value, torch.Tensor):
        return value.dtype, value.shape, value.detach().numpy().tobytes()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def own_tensors(model):
    return {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }


def trained(kind, path=None, **options):
    """All that there is to see of a training, and what the model kept at each step."""
    model = made(kind)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    recorder = None
    if path is not None:
        options = {"layer": "latent", "probe": PROBE, "overwrite": True} | options
        recorder = Recorder(path, model, **options)
    seeded(1)
    losses, kept = [], []
    for _ in range(STEPS):
        loss = model(torch.randn(6, 4)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        kept.append({name: plain_copy(getattr(model, name)) for name in kind.kept})
        if recorder is not None:
            recorder.step(losses={"loss": loss})
        optimizer.step()
        losses.append(loss.item())
    if recorder is not None:
        recorder.close()
    numpys = np.random.get_state()  # noqa: NPY002
    seen = {
        "losses": losses,
        "tensors": {name: plain(tensor) for name, tensor in own_tensors(model).items()},
        "modes": [(name, module.training) for name, module in model.named_modules()],
        "hooks": [
            len(hooks)
            for module in model.modules()
            for name, hooks in module.__dict__.items()
            if name.endswith("_hooks")
        ],
        "kept": {name: plain(getattr(model, name)) for name in kind.kept},
        "attributes": [sorted(module.__dict__) for module in model.modules()],
        "seen": getattr(model, "seen", None),
        "hidden": [plain(t) for m in getattr(model, "hidden", []) for t in m.buffers()],
        "generator": plain(model.generator.get_state()) if hasattr(model, "generator") else None,
        "torch": plain(torch.get_rng_state()),
        "numpy": (numpys[1].tobytes(), numpys[2:]),
        "python": random.getstate(),
    }
    return seen, kept


def plain_copy(value):
    return list(value) if isinstance(value, list) else value


def evaluated(kind, state, kept):
    """The probe's latents by a model of the state's own, in which nothing was recorded."""
    model = made(kind)
    tensors = own_tensors(model)
    inner = "encoder._orig_mod." if kind is Compiled else "encoder."
    with torch.no_grad():
        for name, array in state.items():
            tensors[name.replace("encoder.", inner)].copy_(torch.from_numpy(np.array(array)))
    for name, value in kept.items():
        if isinstance(value, list):
            getattr(model, name)[:] = value  # which a closure may hold, too
        else:
            setattr(model, name, value)
    model.train()
    model.eval()
    found = []
    model.latent.register_forward_hook(lambda module, args, output: found.append(output))
    seeded(0)
    with torch.no_grad():
        model(PROBE)
    return found[0].numpy()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_training_is_what_it_were_without_the_recorder(path, kind):
    expected, _ = trained(kind)
    recorded, kept = trained(kind, path)
    for what in expected:
        assert recorded[what] == expected[what], what
    with open_run(path) as run:
        latents = run.latents()
        assert latents.shape == (STEPS, 9, 3)
        assert abs(latents[0] - latents[-1]).max() > 1e-3
        if kind is OutOfSight:  # whose whole state nobody can save
            return
        for step in range(STEPS):
            alone = evaluated(kind, run.state(step), kept[step])
            np.testing.assert_array_equal(latents[step], alone)


@pytest.mark.parametrize(
    "kind",
    [k for k in KINDS if not k.kept and k not in (OutOfSight, OwnGenerator)],
    ids=lambda kind: kind.__name__,
)
def test_latents_from_states_are_those_that_were_recorded(path, kind):
    trained(kind, path)
    with open_run(path) as run:
        recorded = run.latents()
    trained(kind, path, latents=False)
    model = made(kind)
    before = {name: plain(tensor) for name, tensor in own_tensors(model).items()}
    modes = [module.training for module in model.modules()]
    numbers = torch.get_rng_state()
    with open_run(path, model=model) as run:
        np.testing.assert_allclose(run.latents(), recorded, atol=1e-5)
        np.testing.assert_allclose(run.evaluate(PROBE, 2).latents, recorded[2], atol=1e-5)
    assert {name: plain(tensor) for name, tensor in own_tensors(model).items()} == before
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), numbers)


class Uncopyable(Kind):
    def __init__(self):
        super().__init__()
        self.lines = (line for line in "ab")


def test_a_model_that_cannot_be_copied_is_recorded_without_latents_or_refused(path):
    message = r"Uncopyable\.lines: cannot pickle 'generator' .*register"
    recorder = Recorder(path, Uncopyable(), layer="latent", probe=PROBE)
    with pytest.raises(ModelError, match=message), recorder:
        recorder.step()
    with Recorder(path, Uncopyable(), layer="latent", probe=PROBE, latents=False) as recorder:
        recorder.step()
    with open_run(path) as run:
        assert run.state(0).keys() == Plain().state_dict().keys()


def test_two_runs_of_one_module_do_not_mix(tmp_path):
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path in paths:
        trained(Plain, path, latents=False)
    shared, wrong = made(Plain), []
    runs = [open_run(path, model=shared) for path in paths]
    expected = []
    for path in paths:
        with open_run(path, model=made(Plain)) as run:
            expected.append(run.evaluate(PROBE, 3).latents)

    def read(run, latents):
        for _ in range(20):
            if not np.array_equal(run.evaluate(PROBE, 3).latents, latents):
                wrong.append(run)

    threads = [
        threading.Thread(target=read, args=pair) for pair in zip(runs, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    for run in runs:
        run.close()


def test_the_step_of_another_thread_is_refused_meanwhile(path):
    refused = []

    class Loss:
        def __float__(self):
            def step():
                try:
                    recorder.step()
                except OptionError as error:
                    refused.append(str(error))

            thread = threading.Thread(target=step)
            thread.start()
            thread.join()
            return 1.0

    with Recorder(path, Plain(), layer="latent") as recorder:
        recorder.step(losses={"loss": Loss()})
        assert "another thread is in step() of this recorder" in refused[0]
        thread = threading.Thread(target=recorder.step)
        thread.start()
        thread.join()
        assert recorder.n_steps == 2


class TimeFirst(Kind):
    def make(self):
        return nn.TransformerEncoderLayer(1, 1, 4)

    def forward(self, x):
        return self.latent(self.encoder(x.T[:, :, None])).mean(0)


@pytest.mark.parametrize("latents", [False, "auto"])
def test_a_layer_with_other_than_one_row_a_point_is_refused_on_opening(path, latents):
    with pytest.raises(ModelError, match=r"a row for each of the 9 points, got 4 rows, "):
        Recorder(path, TimeFirst(), layer="latent", probe=PROBE, latents=latents)
    assert not list(path.parent.iterdir())


def test_a_buffer_that_becomes_another_view_of_its_memory_is_noticed(path):
    model = Plain()
    store = torch.arange(10.0)
    model.register_buffer("bank", store[:3])
    with Recorder(path, model, layer="latent") as recorder:
        recorder.step()
        for other, message in (
            (store[:4], r"\(3,\) .* \(4,\)"),
            (store.view(torch.int32)[:3], "int32"),
        ):
            model.bank = other
            with pytest.raises(OptionError, match=f"'bank' was .*{message}"):
                recorder.step()
            model.bank = store[:3]
            model.bank.data = other.float()
            if other.dtype == torch.float32:
                with pytest.raises(OptionError, match="'bank' was"):
                    recorder.step()
            model.bank = store[:3]
        recorder.step()
        assert recorder.n_steps == 2


def test_shapes_that_come_with_the_first_batch(path):
    seeded(0)
    model = Observed()
    with Recorder(path, model, layer="latent", probe=PROBE) as recorder:
        for _ in range(2):
            loss = model(PROBE).mean()
            recorder.step(losses={"loss": loss})
    with open_run(path) as run:
        assert run.state(1)["encoder.weight_fake_quant.scale"].shape == (3,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Sequential(nn.LazyLinear(3)), r"'0\.weight' has no shape .* run a batch"),
        (lambda: torch.jit.script(nn.Sequential(nn.Linear(4, 3))), "layer '0' lies in a scripted"),
        (lambda: torch.jit.trace(nn.Sequential(nn.Linear(4, 3)), PROBE), "layer '0' lies in a scr"),
        (
            lambda: torch.export.export(nn.Sequential(nn.Linear(4, 3)), (PROBE,)).module(),
            "layer '0' is not called by the graph .* export dissolves",
        ),
    ],
    ids=["lazy", "scripted", "traced", "exported"],
)
def test_models_that_are_not_yet_or_no_longer_made_of_layers(path, make, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make()
    with pytest.raises(ModelError, match=message):
        Recorder(path, model, layer="0", probe=PROBE)
    assert not list(path.parent.iterdir())


def test_a_scripted_part_may_stand_beside_the_layer(path):
    model = Plain()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.head = torch.jit.script(model.head)
    with Recorder(path, model, layer="latent", probe=PROBE) as recorder:
        recorder.step()
    with open_run(path) as run:
        expected = model.encoder(PROBE).detach().numpy()
        np.testing.assert_array_equal(run.latents(0), expected)


@pytest.mark.parametrize("layer", ["encoder", "encoder.layers.0", "encoder.layers.1.norm2"])
def test_layers_within_a_padded_transformer(path, layer):
    model = made(PaddedTransformer)
    with Recorder(path, model, layer=layer, probe=PROBE, tokens="flatten") as recorder:
        recorder.step()
    with open_run(path) as run:
        assert run.latents(0).shape == (9, 16)
    assert model.encoder.use_nested_tensor


def test_a_probe_with_what_is_no_point_names_the_way_out(path):
    edges = torch.zeros(2, 5, dtype=torch.int64)
    with pytest.raises(
        OptionError, match=r"\(2, 5\)\}; what is not one row a point .* can be a buf"
    ):
        Recorder(path, Plain(), layer="latent", probe={"x": PROBE, "edges": edges})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"
