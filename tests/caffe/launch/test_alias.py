"""`import caffe` served by dgnam.caffe: the same modules under another name."""

import importlib
import importlib.util
import pickle
import sys
from types import ModuleType

import pytest

import dgnam.caffe
from dgnam.caffe import CaffeError, install, uninstall
from dgnam.caffe.launch import alias


@pytest.fixture(autouse=True)
def _no_caffe(monkeypatch):
    """Each test begins and ends with a process in which nobody has imported a `caffe`."""
    uninstall()
    for name in [name for name in sys.modules if name == "caffe" or name.startswith("caffe.")]:
        monkeypatch.delitem(sys.modules, name)
    yield
    uninstall()


def names():
    return [name for name in sys.modules if name.split(".")[0] == "caffe"]


def test_nothing_is_served_before_it_is_asked_for():
    assert names() == []
    assert not any(type(finder).__module__ == alias.__name__ for finder in sys.meta_path)


def test_import_caffe_is_this_package():
    install()
    import caffe

    assert caffe is dgnam.caffe
    assert caffe.__name__ == caffe.__spec__.name == "dgnam.caffe"


@pytest.mark.parametrize("name", ["net_spec", "pycaffe", "_caffe", "proto", "proto.caffe_pb2", "layer_types.crop"])
def test_submodules_are_the_same_objects(name):
    install()
    served = importlib.import_module(f"caffe.{name}")
    assert served is importlib.import_module(f"dgnam.caffe.{name}")
    assert served.__spec__.name == served.__name__ == f"dgnam.caffe.{name}"


def test_the_forms_of_import():
    install()
    import caffe.proto.caffe_pb2 as pb
    from caffe import layers as L
    from caffe import net_spec
    from caffe import params as P
    from caffe.net_spec import NetSpec
    from caffe.proto import caffe_pb2

    assert (L, P, NetSpec) == (dgnam.caffe.layers, dgnam.caffe.params, dgnam.caffe.NetSpec)
    assert net_spec is sys.modules["dgnam.caffe.net_spec"]
    assert pb is caffe_pb2 is dgnam.caffe.proto.caffe_pb2


def test_a_module_that_nobody_has_imported_yet(monkeypatch, tmp_path):
    (tmp_path / "late.py").write_text("runs = globals().get('runs', 0) + 1\n")
    monkeypatch.setattr(dgnam.caffe, "__path__", [*dgnam.caffe.__path__, str(tmp_path)])
    monkeypatch.delattr(dgnam.caffe, "late", raising=False)
    install()
    try:
        import caffe.late

        assert "late" not in names()
        assert caffe.late is sys.modules["dgnam.caffe.late"]
        assert caffe.late.runs == 1
    finally:
        sys.modules.pop("dgnam.caffe.late", None)
        vars(dgnam.caffe).pop("late", None)


@pytest.mark.parametrize("name", ["caffe.nothing", "caffe.layers", "caffe.net_spec.nothing"])
def test_a_module_that_is_not_there(name):
    install()
    with pytest.raises(ModuleNotFoundError, match=f"No module named '{name}'"):
        importlib.import_module(name)


def test_other_modules_are_left_alone():
    install()
    assert importlib.util.find_spec("caffeine") is None
    assert importlib.util.find_spec("caffe_pb2") is None


def test_state_and_classes_are_the_same():
    install()
    import caffe

    caffe.set_solver_rank(3)
    try:
        assert dgnam.caffe.solver_rank() == 3
    finally:
        caffe.set_solver_rank(0)
    assert isinstance(dgnam.caffe.NetSpec(), caffe.NetSpec)


def test_pickles_that_name_caffe():
    """As pycaffe's own objects were pickled: by the name `caffe.net_spec`."""
    pickled = pickle.dumps(dgnam.caffe.net_spec.Parameters(), protocol=0).replace(b"dgnam.caffe.", b"caffe.")
    install()
    assert type(pickle.loads(pickled)) is dgnam.caffe.net_spec.Parameters


def test_twice_is_once():
    install()
    finders = list(sys.meta_path)
    install()
    assert sys.meta_path == finders
    uninstall()
    assert names() == []
    assert sys.meta_path == finders[1:]


def test_uninstalling_what_is_not_installed():
    before = list(sys.meta_path)
    uninstall()
    assert sys.meta_path == before


def test_another_caffe_stays_after_uninstall(monkeypatch, tmp_path):
    (tmp_path / "caffe.py").write_text("real = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    install()
    import caffe as served

    uninstall()
    import caffe as found

    assert served is dgnam.caffe
    assert found.real


@pytest.mark.parametrize("name", ["caffe", "caffe.io"])
def test_another_caffe_that_is_imported_already_is_an_error(monkeypatch, name):
    other = ModuleType(name)
    other.__file__ = "elsewhere/caffe.py"
    monkeypatch.setitem(sys.modules, name, other)
    before = list(sys.meta_path)
    with pytest.raises(CaffeError, match=rf"another '{name}' is already imported, from elsewhere/caffe.py"):
        install()
    assert sys.meta_path == before
    assert sys.modules[name] is other


def test_installed_for_a_block_alone():
    with alias.installed():
        import caffe

        assert caffe is dgnam.caffe
    assert names() == []
    install()
    with alias.installed():
        pass
    assert importlib.import_module("caffe") is dgnam.caffe


def test_installed_leaves_another_caffe(monkeypatch):
    other = ModuleType("caffe")
    monkeypatch.setitem(sys.modules, "caffe", other)
    with alias.installed():
        assert importlib.import_module("caffe") is other
    assert sys.modules["caffe"] is other
