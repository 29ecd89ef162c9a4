"""The reference statistics of real pictures are those of the networks that are here."""

import h5py
import pytest

from dgnam import zoo
from dgnam.experiments import measure_reference
from dgnam.experiments.measure_reference import CONTROLS, measured_with, networks
from dgnam.experiments.reference import reference_file
from dgnam.files.checksums import sha256

ANEW = "python -m dgnam.experiments.measure_reference --data DIR measures them anew"


@pytest.fixture
def attributes():
    with h5py.File(reference_file()) as file:
        return dict(file.attrs)


@pytest.mark.parametrize("name", networks())
def test_they_were_measured_with_the_weights_that_are_here(name, attributes):
    assert attributes[f"sha256, {name}"] == sha256(zoo.get(name).weights_path()), f"{name} has changed: {ANEW}"


def test_what_they_were_measured_with_is_what_measuring_writes(attributes):
    pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra dgnam[judge]")
    assert attributes == measured_with(), ANEW


def test_every_network_that_decides_a_number_is_named(attributes, monkeypatch):
    """Also the encoders; but not the controls, of which only the pictures are taken."""
    with h5py.File(reference_file()) as file:
        judges = {name.partition(", ")[2] for name in file if name.startswith(("accuracy", "structure", "features"))}
    assert {*judges, "caffenet-mini", "caffenet-v2-mini", "deepsim-conv3-v2-mini"} - {"outside"} <= {*networks()}
    assert not {*CONTROLS.values()} & {*networks()}
    assert {name.partition(", ")[2] for name in attributes if name.startswith("sha256")} == {*networks()}
    monkeypatch.setattr(measure_reference, "sha256", lambda path: path.parent.name)
    assert {f"sha256, {name}": name for name in networks()}.items() <= measured_with().items()
