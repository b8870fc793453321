"""PCA, classes, matrices, rows: against scikit-learn, and by hand."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentviz import OptionError, Run, open_run
from latentviz.transforms import as_transform, explained, spread_of, widest
from latentviz.transforms.linear import Linear
from latentviz.transforms.states import evenly

RNG = np.random.default_rng(1)
T, N, D = 9, 40, 7
LATENTS = (
    3 + RNG.normal(size=(T, N, D)) * np.linspace(2, 0.3, D) + RNG.normal(size=(T, 1, D))
).astype(np.float32)
CLASSES = np.arange(N) % 4


def fit(project, latents=LATENTS, center=None, **options):
    return as_transform(project).fit([Run.from_arrays(latents, **options)], center)


@pytest.mark.parametrize("project", ["pca", "pca@4"])
def test_pca_is_scikit_learns(project):
    rows = (LATENTS if project == "pca" else LATENTS[4]).reshape(-1, D).astype(float)
    ours, theirs = fit(project), PCA().fit(rows)
    np.testing.assert_allclose(ours.matrix, theirs.components_, atol=1e-5)
    shares = [component.share for component in ours.components]
    np.testing.assert_allclose(shares, theirs.explained_variance_ratio_, atol=1e-6)
    placed = ours(LATENTS[4:5], np.array([4]))[0]
    np.testing.assert_allclose(placed, theirs.transform(LATENTS[4]), atol=2e-5)
    assert ours.title(0, 1).startswith("PC1 ")


def test_pca_of_final_is_of_the_last_step_where_no_more_is_known():
    assert fit("pca@final") == fit(f"pca@{T - 1}")


def test_pca_of_several_runs_is_that_of_all_their_points():
    together = as_transform("pca").fit(
        [Run.from_arrays(LATENTS[:3]), Run.from_arrays(LATENTS)], None
    )
    theirs = PCA().fit(np.concatenate([LATENTS[:3], LATENTS]).reshape(-1, D).astype(float))
    np.testing.assert_allclose(together.matrix, theirs.components_, atol=1e-5)


def test_a_step_s_own_mean():
    own = LATENTS - LATENTS.mean(1, keepdims=True, dtype=float)
    fitted = fit("pca", center="step")
    theirs = PCA().fit(own.reshape(-1, D))
    np.testing.assert_allclose(fitted.matrix, theirs.components_, atol=1e-5)
    placed = fitted(LATENTS, np.arange(T))
    np.testing.assert_allclose(placed, own @ theirs.components_.T, atol=2e-5)


def test_points_that_are_not_finite_are_left_out_and_nan():
    holed = LATENTS.copy()
    holed[2, 3, 1], holed[5] = np.inf, np.nan
    kept = holed.reshape(-1, D)[np.isfinite(holed).all(-1).ravel()]
    fitted = fit("pca", holed)
    np.testing.assert_allclose(fitted.matrix, PCA().fit(kept.astype(float)).components_, atol=1e-5)
    assert fitted.figures["points_left_out"] == N + 1
    for center in (None, "step"):
        placed = fit("pca", holed, center)(holed, np.arange(T))
        np.testing.assert_array_equal(np.isnan(placed).any(-1), ~np.isfinite(holed).all(-1))


def test_many_products_are_spared_by_evenly_spaced_steps(monkeypatch):
    monkeypatch.setattr("latentviz.transforms.pca.MOST_PRODUCTS", 3 * N * D * D)
    (fitted_to,) = fit("pca").figures["fitted_to"]
    assert (fitted_to["states"], fitted_to["of"]) == (3, T)
    assert (fitted_to["first_step"], fitted_to["last_step"]) == (0, T - 1)
    theirs = PCA().fit(LATENTS[[0, 4, 8]].reshape(-1, D).astype(float))
    np.testing.assert_allclose(fit("pca").matrix, theirs.components_, atol=1e-5)


def test_evenly_spaced():
    assert evenly(10, 4).tolist() == [0, 3, 6, 9]
    assert evenly(3, 10).tolist() == [0, 1, 2]


def test_a_step_s_bits_depend_on_nothing_else(monkeypatch):
    fitted = fit("pca")
    whole = fitted(LATENTS, np.arange(T))
    np.testing.assert_array_equal(fitted(LATENTS[3:4], np.array([3])), whole[3:4])
    np.testing.assert_array_equal(fitted.take((2, 0))(LATENTS, np.arange(T)), whole[..., [2, 0]])
    monkeypatch.setattr("latentviz.transforms.linear.TILE_BYTES", 5 * 4 * D)
    np.testing.assert_array_equal(fitted(LATENTS, np.arange(T)), whole)


THREADS = """
import hashlib, numpy as np
from latentviz import Run
from latentviz.transforms import as_transform
# Variances that are all but the same: the least bit turns their directions.
latents = np.random.default_rng(0).normal(size=(2, 1000, 160)).astype(np.float32)
run = Run.from_arrays(latents, colors=np.arange(1000) % 2)
for project in ("pca", "classes"):
    fitted = as_transform(project).fit([run], None)
    print(hashlib.sha256(fitted.matrix.tobytes()).hexdigest())
from threadpoolctl import threadpool_info
print([pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"])
"""


def test_threads_of_blas_change_nothing_and_are_left_as_they_were():
    said = []
    for n in ("1", "2"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": n, "OMP_NUM_THREADS": n}
        done = subprocess.run(
            [sys.executable, "-c", THREADS], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        *digests, threads = done.stdout.splitlines()
        assert threads == f"[{n}]"
        said.append(digests)
    assert said[0] == said[1]


def test_class_axes_are_the_components_of_the_class_means():
    means = np.stack([LATENTS[:, k == CLASSES].mean((0, 1), dtype=float) for k in range(4)])
    fitted = fit("classes", colors=CLASSES)
    theirs = PCA(n_components=3).fit(means)
    np.testing.assert_allclose(fitted.matrix, theirs.components_, atol=1e-4)
    assert [part.name for part in fitted.components] == ["CM1", "CM2", "CM3"]


def test_of_two_classes_the_second_axis_lies_across_the_first():
    fitted = fit("classes", colors=CLASSES % 2)
    assert [part.name for part in fitted.components] == ["CM1", "rest"]
    np.testing.assert_allclose(fitted.matrix @ fitted.matrix.T, np.eye(2), atol=1e-6)
    own = LATENTS - LATENTS.mean(1, keepdims=True, dtype=float)
    across = own - (own @ fitted.matrix[0])[..., None] * fitted.matrix[0]
    first = PCA(n_components=1).fit(across.reshape(-1, D)).components_[0]
    np.testing.assert_allclose(fitted.matrix[1], first, atol=1e-4)


def test_a_matrix_from_a_file_and_an_array(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    matrix, mean = RNG.normal(size=(D, 3)), RNG.normal(size=D)
    np.save("m.npy", matrix)
    np.savez("m.npz", matrix=matrix, mean=mean)
    expected = LATENTS @ matrix
    for project in ("matrix:m.npy", matrix):
        np.testing.assert_allclose(fit(project)(LATENTS, np.arange(T)), expected, atol=1e-4)
    found = fit("matrix:m.npz")(LATENTS, np.arange(T))
    np.testing.assert_allclose(found, (LATENTS - mean) @ matrix, atol=1e-4)


def test_a_function_sees_one_step_at_a_time():
    shapes = []

    def squared(latents):
        shapes.append(latents.shape)
        return latents[..., :2] ** 2

    fitted = fit(squared).take((1,))
    np.testing.assert_array_equal(fitted(LATENTS, np.arange(T)), LATENTS[..., 1:2] ** 2)
    assert set(shapes) == {(1, N, D)}


def test_rows_of_a_tensor(short_run):
    with open_run(short_run) as run:
        weight = run.state(60)["decoder.0.weight"].astype(float)
        raw = as_transform("rows:decoder.0.weight@60,raw").fit([run], None)
        np.testing.assert_allclose(raw.matrix, weight, atol=1e-7)
        weight = run.state()["encoder.2.weight"].T.astype(float)[:4]
    # Of a run whose tensor has no more rows than columns.
    run = Run.from_arrays(LATENTS[..., :4])
    rows = as_transform("rows:w")
    fitted = Linear(np.zeros(4), rows.orthonormal(weight), ())
    np.testing.assert_allclose(fitted.matrix @ fitted.matrix.T, np.eye(4), atol=1e-6)
    assert (np.einsum("kd,kd->k", fitted.matrix, weight) > 0).all()
    with pytest.raises(OptionError, match="row 1 of w is 0 or a sum of those before it"):
        rows.orthonormal(np.array([[1.0, 2, 0], [2, 4, 0]]))


def test_a_straight_line_stays_one():
    along = np.linspace(-4, 4, N)[:, None] * RNG.normal(size=D) + RNG.normal(size=D)
    placed = fit("pca", along[None].astype(np.float32))(along[None].astype(np.float32), [0])[0]
    assert np.abs(placed[:, 1:]).max() < 1e-5
    assert (np.diff(placed[:, 0]) > 0).all() or (np.diff(placed[:, 0]) < 0).all()


@pytest.mark.parametrize("center", [None, "step"])
@pytest.mark.parametrize("project", ["pca", "pca@2", "classes", np.eye(D)[:, :3]], ids=str)
def test_a_still_run_stays_still(project, center):
    still = np.repeat(LATENTS[:1], 5, axis=0)
    placed = fit(project, still, center, colors=CLASSES)(still, np.arange(5))
    np.testing.assert_array_equal(placed, np.repeat(placed[:1], 5, axis=0))


def test_spread_and_the_widest_dimensions():
    run = Run.from_arrays(LATENTS)
    expected = np.sqrt(LATENTS.astype(float).var(1).mean(0))
    np.testing.assert_allclose(spread_of(run), expected, rtol=1e-6)
    assert widest(run, 3) == np.argsort(-expected)[:3].tolist()


def test_the_share_of_variance_that_a_plane_holds():
    run, skewed = Run.from_arrays(LATENTS), RNG.normal(size=(D, 2))
    whole = LATENTS[3] - LATENTS[3].mean(0)
    for project in ("pca", skewed):
        fitted = as_transform(project).fit([run], None)
        basis, _ = np.linalg.qr(fitted.matrix[:2].T)
        expected = np.square(whole @ basis).sum() / np.square(whole).sum()
        found = explained(run, fitted, [(0, 1), (1, 1)], np.array([3]))
        assert found[0, 0] == pytest.approx(expected, abs=1e-5)
        assert found[0, 1] < found[0, 0]
    still = Run.from_arrays(np.ones((2, 3, D)))
    assert np.isnan(explained(still, fitted, [(0, 1)], np.array([0]))).all()


BAD = {
    "pac@final": "there is no transform 'pac@final'; there are pca, classes, matrix, rows, umap",
    "pca:final": "pca is pca, pca@final or pca@STEP",
    "pca@last": "after @ stands final or a recorded step",
    "pca@99": "step 99 was not recorded",
    "classes": "classes needs points with classes, and run has none",
    "classes@3": "nothing follows classes",
    "umap@3": "nothing follows umap",
    "matrix:m.txt": "matrix is matrix:FILE.npy or matrix:FILE.npz",
    "matrix:none.npy": "there is no file none.npy",
    "matrix:bad.npy": "bad.npy cannot be read as a matrix",
    "matrix:wide.npy": r"wide.npy must be \(7, k\) for latents with 7 dimensions.*; transpose it",
    "matrix:nan.npy": "nan.npy must be finite",
    "matrix:mean.npz": r"the mean of mean.npz must be \(7,\), got \(3,\)",
    "matrix:other.npz": "other.npz must hold an array named matrix",
    "rows:": "rows is rows:TENSOR",
    "rows:w@3,rare": "after @ stands final",
    "rows:w": "has no states",
}


@pytest.mark.parametrize("project", BAD)
def test_what_is_refused(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.npy").write_bytes(b"\x80\x04nothing")
    np.save("wide.npy", np.ones((2, D)))
    np.save("nan.npy", np.full((D, 2), np.nan))
    np.savez("mean.npz", matrix=np.ones((D, 2)), mean=np.ones(3))
    np.savez("other.npz", rows=np.ones((D, 2)))
    with pytest.raises((OptionError, Exception), match=BAD[project]) as refused:
        fit(project)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("project", "message"),
    [
        (
            lambda z: z[0],
            r"must make \(n, N, k\) of \(n, N, D\); of \(1, 40, 7\) it made \(40, 7\)",
        ),
        (lambda z: z * np.nan, "made no finite point"),
        (lambda z: "text", "must be numbers"),
        (np.ones((3, 2)), r"must be \(7, k\)"),
        (np.ones(D), r"must be \(7, k\)"),
        (3.0, r"must be \(7, k\)"),
        (object(), "must be numbers"),
    ],
)
def test_what_is_refused_of_python(project, message):
    with pytest.raises(OptionError, match=message):
        fit(project)


def test_runs_that_differ_in_dimensions():
    runs = [Run.from_arrays(LATENTS, name="a"), Run.from_arrays(LATENTS[..., :3], name="b")]
    with pytest.raises(OptionError, match="as many dimensions each, got a: 7, b: 3"):
        as_transform("pca").fit(runs, None)
