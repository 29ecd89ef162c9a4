"""Clusters of codes, and a start from each."""

import json

import numpy as np
import pytest

from dgnam.am import ClusterStart, cluster
from dgnam.am.starts import clusters
from dgnam.errors import DgnamError


@pytest.fixture
def three():
    """Codes (24, 3, 2) of three kinds, 12, 8 and 4 of them, in mixed order; names that tell the kind."""
    draw = np.random.default_rng(0)
    kinds = draw.permutation(np.repeat([0, 1, 2], [12, 8, 4]))
    centers = draw.normal(0, 10, (3, 3, 2))
    codes = centers[kinds] + draw.normal(0, 0.1, (24, 3, 2))
    return codes.astype(np.float32), [f"{kind}-{i}" for i, kind in enumerate(kinds)]


def test_the_kinds_are_found_the_largest_first(three):
    codes, names = three
    start = cluster(codes, names, 3)
    assert [{name[0] for name in group} for group in start.members] == [{"0"}, {"1"}, {"2"}]
    assert [len(group) for group in start.members] == [12, 8, 4]
    for mean, group in zip(start.means, start.members, strict=True):
        assert np.allclose(mean, codes[[names.index(name) for name in group]].mean(0), atol=1e-5)


def test_seeds_take_the_clusters_in_turn(three):
    start = cluster(*three, 3)
    assert np.array_equal(start.codes([1, 3, 5], (3, 2)), start.means[[1, 0, 2]])
    with pytest.raises(DgnamError, match=r"codes have shape \(3, 2\), and the prior's are \(6,\)"):
        start.codes([0], (6,))


def test_the_same_seed_gives_the_same_clusters(three):
    codes, names = three
    for k in (2, 5):
        a, b = cluster(codes, names, k, seed=3), cluster(codes, names, k, seed=3)
        assert a.members == b.members
        assert np.array_equal(a.means, b.means)


def test_mean_of_the_nearest_members(three):
    codes, names = three
    start = cluster(codes, names, 1, nearest=2, components=6)
    distances = ((codes - codes.mean(0)) ** 2).sum((1, 2))
    order = np.argsort(distances)
    assert start.members[0] == tuple(names[i] for i in order)
    assert np.allclose(start.means[0], codes[order[:2]].mean(0), atol=1e-5)


def test_few_components_are_the_widest_ones():
    draw = np.random.default_rng(1)
    codes = np.stack([np.repeat([-50, 50], 20), *draw.normal(0, 1, (5, 40))], axis=1)
    start = cluster(codes, [f"{i:02}" for i in range(40)], 2, components=1)
    assert {tuple(sorted(group)) for group in start.members} == {
        tuple(f"{i:02}" for i in part) for part in (range(20), range(20, 40))
    }


def test_the_record_says_what_decided_it(three):
    start = cluster(*three, 3, seed=4, record={"source": "photos"})
    record = start.as_dict()
    assert json.loads(json.dumps(record)) == record
    assert record["start"] == "clusters"
    assert record["source"] == "photos"
    assert record["seed"] == 4
    assert record["clusters"] == [list(group) for group in start.members]
    other = ClusterStart(start.means + 1, start.members, start.record)
    assert other.as_dict()["codes_sha256"] != record["codes_sha256"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 0}, "24 pictures cannot be partitioned into 0 clusters; choose 1 to 24"),
        ({"k": 25}, "cannot be partitioned into 25"),
        ({"components": 0}, "must be at least 1"),
        ({"nearest": 0}, "must be at least 1"),
        ({"names": ["one"]}, "24 codes and 1 names"),
    ],
)
def test_unsuitable_arguments_raise(three, change, message):
    codes, names = three
    with pytest.raises(DgnamError, match=message):
        cluster(**{"codes": codes, "names": names, "k": 3, **change})


def test_too_few_different_codes_raise():
    codes = np.repeat(np.eye(2), 3, axis=0)
    assert len(cluster(codes, list("abcdef"), 2).means) == 2
    with pytest.raises(DgnamError, match="the pictures have 2 different codes, too few for 3 clusters"):
        cluster(codes, list("abcdef"), 3)


def test_a_code_that_isnt_finite_is_named(three):
    codes, names = three
    codes[5, 1, 0] = np.nan
    with pytest.raises(DgnamError, match=f"the code of {names[5]} is not finite"):
        cluster(codes, names, 3)


def test_fewer_clusters_than_asked_for_are_an_error(monkeypatch):
    monkeypatch.setattr(clusters, "_kmeans", lambda points, k, seed: np.array([0, 0, 2, 2, 2]))
    with pytest.raises(DgnamError, match="codes fall into 2 clusters, and not 3; choose k 2"):
        clusters.facets(np.arange(5.0)[:, None], list("abcde"), 3)
    assert [one.tolist() for one in clusters.facets(np.array([0, 1, 4, 5, 9.0])[:, None], list("abcde"), 2)] == [
        *([3, 2, 4], [0, 1])
    ]


def test_the_usual_numbers_and_where_they_end(three):
    codes, names = three
    usual = cluster(codes, names, 3)
    given = cluster(codes, names, 3, seed=0, components=50, nearest=None)
    assert np.array_equal(usual.means, given.means)
    assert usual.as_dict()["components"] == clusters.COMPONENTS == 50
    assert (clusters.NEAREST, clusters._TRIES) == (15, 10)
    assert cluster(codes, names, 24).means.shape == (24, 3, 2)
    assert len(cluster(codes, names, 1, components=1, nearest=1).members[0]) == 24
    for wrong in ({"k": 0}, {"k": 25}, {"components": 0}, {"nearest": 0}):
        with pytest.raises(DgnamError):
            cluster(codes, names, **{"k": 3, **wrong})
    with pytest.raises(DgnamError, match="24 codes and 23 names"):
        cluster(codes, names[1:], 3)


def test_the_tightest_run_without_empty_clusters_is_kept(monkeypatch):
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    runs = [
        (np.array([[5.5], [0.0]]), np.array([0, 0, 0, 0])),  # a cluster is empty
        (np.array([[0.0], [7.33]]), np.array([0, 1, 1, 1])),
        (np.array([[0.5], [10.5]]), np.array([0, 0, 1, 1])),
        (np.array([[3.67], [11.0]]), np.array([0, 0, 0, 1])),
    ]
    seen = []

    def kmeans2(given, centers, iter, minit):
        seen.append((iter, minit, centers.shape))
        return runs[len(seen) % 4]

    monkeypatch.setattr("scipy.cluster.vq.kmeans2", kmeans2)
    assert clusters._kmeans(points, 2, 0).tolist() == [0, 0, 1, 1]
    assert seen == [(50, "matrix", (2, 1))] * 10


def test_centers_are_spread_out():
    points = np.array([[0.0], [0.0], [0.0], [100.0], [-100.0]])
    for seed in range(5):
        chosen = clusters._spread_out(points, 3, np.random.default_rng(seed))
        assert sorted(chosen[:, 0].tolist()) == [-100, 0, 100]
    assert clusters._spread_out(np.zeros((4, 2)), 3, np.random.default_rng(0)).shape == (3, 2)
