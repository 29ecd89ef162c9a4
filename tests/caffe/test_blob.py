"""Blobs: views that alias the memory, memory that is allocated late and shared, and two sides kept in step."""

import numpy as np
import pytest
import torch
from torch import Tensor

from dgnam.caffe.blob import Blob
from dgnam.caffe.syncedmem import GATHERED, HOST, Product, SyncedMemory, is_fresh
from dgnam.errors import CaffeError

DEVICE = torch.device("cpu", 0)
"""A stand-in for a GPU: torch keeps its tensors on the CPU, and it isn't equal to the host."""


def test_shape_and_the_old_names_of_axes():
    blob = Blob(2, 3, 4)
    assert blob.shape == (2, 3, 4)
    assert (blob.num, blob.channels, blob.height, blob.width, blob.count) == (2, 3, 4, 1, 24)
    assert blob.data.dtype == blob.diff.dtype == np.float32
    assert Blob().data.shape == ()
    with pytest.raises(CaffeError, match="at most 4 axes"):
        _ = Blob(1, 1, 1, 1, 1).num
    with pytest.raises(CaffeError, match="none negative"):
        blob.reshape(2, -1)


def test_the_shape_is_the_callers_own_list():
    blob = Blob(2, 3, 4)
    shape = blob.shape
    shape[0] = 5
    shape.append(1)
    assert blob.shape == (2, 3, 4)
    blob.reshape(*shape)
    assert blob.data.shape == blob.shape == (5, 3, 4, 1)
    assert (5, 3, 4, 1) == blob.shape == [5, 3, 4, 1]
    assert blob.shape != (5, 3, 4)
    assert not blob.shape != (5, 3, 4, 1)  # noqa: SIM202  (a list has both operators)
    assert blob.shape[1:] == (3, 4, 1)
    assert {(5, 3, 4, 1): "as a key"}[blob.shape] == "as a key"


def test_axes_are_whole_numbers():
    blob = Blob(2, 3)
    blob.reshape(*np.array([3, 2]))
    assert blob.shape == (3, 2)
    assert all(type(n) is int for n in blob.shape)
    for axes in ((2, 3.5), ((2, 3),), ("2", 3), ([2, 3],)):
        with pytest.raises(TypeError, match=r"as in reshape\(1, 3"):
            blob.reshape(*axes)
    assert blob.shape == (3, 2)


def test_views_alias_the_memory():
    blob = Blob(2, 3)
    view = blob.data
    view[...] = 5
    assert (blob.data == 5).all()
    assert np.shares_memory(view, blob.data)
    assert not np.shares_memory(view, blob.diff)
    blob.data_on(HOST, mutable=True)[0, 0] = 7
    assert view[0, 0] == 7


def test_a_view_stays_valid_when_results_come_in():
    blob = Blob(2, 3)
    view = blob.data
    blob.put_data(torch.ones(2, 3), fresh=True)
    assert (view == 1).all()


def test_a_fresh_result_becomes_the_memory_where_no_view_is_in_use():
    blob, result = Blob(2, 3), torch.ones(2, 3)
    blob.put_data(result, fresh=True)
    assert blob.data_on(HOST).data_ptr() == result.data_ptr()
    view = blob.data
    blob.put_data(torch.full((2, 3), 2.0), fresh=True)
    assert (view == 2).all()


def test_a_result_that_is_not_fresh_is_copied():
    blob, result = Blob(2, 3), torch.ones(2, 3)
    blob.put_data(result)
    result.zero_()
    assert (blob.data == 1).all()


def test_what_is_fresh():
    whole = torch.zeros(2, 3)
    assert is_fresh(whole, ())
    assert not is_fresh(whole, {whole.data_ptr()})
    assert not is_fresh(whole[0], ())
    assert not is_fresh(whole[1:], ())
    assert not is_fresh(whole.t(), ())
    assert not is_fresh(whole.double(), ())


def test_reshape_keeps_the_memory_while_it_suffices():
    blob = Blob(4, 3)
    view = blob.data
    view[...] = np.arange(12).reshape(4, 3)
    blob.reshape(2, 3)
    assert (blob.data == [[0, 1, 2], [3, 4, 5]]).all()
    assert np.shares_memory(view, blob.data)
    blob.reshape(4, 3)
    assert (blob.data == view).all()
    blob.reshape(5, 3)
    assert (blob.data == 0).all()
    assert not np.shares_memory(view, blob.data)


def test_results_of_a_smaller_shape_go_into_the_larger_memory():
    blob = Blob(4, 3)
    view = blob.data
    blob.reshape(2, 3)
    blob.put_data(torch.ones(2, 3), fresh=True)
    assert (view[:2] == 1).all()
    assert (view[2:] == 0).all()


def test_memory_is_allocated_at_its_first_use():
    blob = Blob(2, 3)
    assert blob._data.head == blob._diff.head == "nowhere"
    blob.clear_diff()
    _ = blob.data
    assert blob._data.head == "host"
    assert blob._diff.head == "nowhere"


def test_shared_memory():
    a, b = Blob(2, 3), Blob(6)
    b.share_data(a)
    b.share_diff(a)
    a.data[...] = 1
    a.diff[...] = 2
    assert (b.data == 1).all()
    assert (b.diff == 2).all()
    with pytest.raises(CaffeError, match="can't share"):
        b.share_data(Blob(7))


def test_numbers_to_be_computed_anew_take_no_memory_unless_a_view_shows_them():
    memory = SyncedMemory(2)
    memory.put(torch.ones(2), fresh=True)
    memory.drop()
    assert memory.head == "nowhere"
    assert memory.on(HOST).tolist() == [0, 0]
    view = memory.view()
    view[...] = 3
    memory.drop()
    assert view.tolist() == memory.on(HOST).tolist() == [3, 3]


def test_gradients_of_parameters_add_up():
    blob = Blob(3)
    for _ in range(2):
        blob.add_diff(torch.tensor([1.0, 2.0, 3.0]))
    assert (blob.diff == [2, 4, 6]).all()
    blob.clear_diff()
    assert (blob.diff == 0).all()


def test_the_device_gets_what_the_host_wrote_last():
    memory = SyncedMemory(3)
    memory.view()[...] = 1
    there = memory.on(DEVICE)
    assert memory.head == "both"
    assert (there == 1).all()
    assert there.data_ptr() != memory.on(HOST).data_ptr()


def test_the_host_gets_what_the_device_wrote_last_in_the_views_it_gave():
    memory = SyncedMemory(3)
    view = memory.view()
    memory.on(DEVICE, mutable=True).fill_(2)
    assert memory.head == "device"
    assert (view == 0).all()
    assert (memory.view() == 2).all()
    assert (view == 2).all()


def test_a_view_handed_out_makes_the_host_the_newer_side():
    memory = SyncedMemory(3)
    memory.on(DEVICE, mutable=True).fill_(2)
    view = memory.view()
    assert memory.head == "host"
    view[...] = 3
    assert (memory.on(DEVICE) == 3).all()


def test_reading_does_not_make_a_side_newer():
    memory = SyncedMemory(3)
    memory.on(DEVICE, mutable=True).fill_(2)
    memory.on(HOST)
    assert memory.head == "both"
    memory.on(DEVICE)
    assert memory.head == "both"


def test_clear_on_either_side():
    memory = SyncedMemory(3)
    memory.on(DEVICE, mutable=True).fill_(2)
    memory.clear()
    assert memory.head == "device"
    assert (memory.view() == 0).all()
    memory.view()[...] = 4
    memory.clear()
    assert (memory.on(DEVICE) == 0).all()


@pytest.mark.cuda
def test_a_real_device():
    device, memory = torch.device("cuda", 0), SyncedMemory(3)
    view = memory.view()
    view[...] = 1
    memory.on(device, mutable=True).add_(1)
    memory.put(torch.full((3,), 5.0, device=device), fresh=True)
    assert memory.head == "device"
    memory.view()
    assert (view == 5).all()


@pytest.mark.cuda
def test_addresses_on_the_gpu_are_those_of_the_current_values():
    blob = Blob(2, 3)
    blob.data[...] = 5
    address = blob._gpu_data_ptr
    there = blob.data_on(torch.device("cuda", 0))
    assert address == there.data_ptr()
    there.fill_(7)
    assert (blob.data == 7).all()
    assert blob._gpu_diff_ptr == blob.diff_on(torch.device("cuda", 0)).data_ptr() != address


def test_without_a_gpu_there_are_no_addresses(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not hasattr(Blob(1), "_gpu_data_ptr")
    assert not hasattr(Blob(1), "_gpu_diff_ptr")


def product(rows: int, seed: int = 0, shape: tuple[int, int] = (3, 4)) -> Product:
    draw = torch.Generator().manual_seed(seed)
    return Product(*(torch.randn(rows, n, generator=draw) for n in shape))


def formed(*products: Product) -> Tensor:
    return sum((p.left.t() @ p.right for p in products), torch.zeros(products[0].shape))


@pytest.mark.parametrize("rows", [1, GATHERED - 1, GATHERED, GATHERED + 1])
@pytest.mark.parametrize("viewed", [False, True])
def test_products_add_up_as_their_matrices_do(rows, viewed):
    blob = Blob(3, 4)
    blob.put_diff(torch.ones(3, 4))
    view = blob.diff if viewed else None
    terms = [product(rows, seed) for seed in range(5)]
    for term in terms:
        blob.add_diff(term)
    expected = 1 + formed(*terms)
    if view is not None:
        assert np.allclose(view, expected, atol=1e-5)
    assert np.allclose(blob.diff, expected, atol=1e-5)


def test_a_waiting_product_keeps_its_factors_as_they_were():
    blob, term = Blob(3, 4), product(1)
    expected = formed(term)
    blob.add_diff(term)
    term.left.zero_()
    term.right.fill_(np.nan)
    assert np.allclose(blob.diff, expected)


def test_a_cleared_product_is_never_computed():
    blob = Blob(3, 4)
    blob.add_diff(product(1))
    blob.clear_diff()
    assert blob._diff.head == "nowhere"
    blob.add_diff(product(1))
    blob.put_diff(torch.ones(3, 4))
    assert (blob.diff == 1).all()


@pytest.mark.parametrize(
    "read",
    [
        lambda blob, twin: twin.diff.reshape(3, 4),
        lambda blob, twin: blob.diff_on(HOST),
        lambda blob, twin: blob.diff_on(HOST, mutable=True),
        lambda blob, twin: blob.diff_on(DEVICE),
    ],
)
def test_whoever_reads_a_diff_finds_the_products_in_it(read):
    blob, twin = Blob(3, 4), Blob(4, 3)
    twin.share_diff(blob)
    first, other = product(1), product(1, 1, (4, 3))
    blob.add_diff(first)
    twin.add_diff(other)
    expected = formed(first) + formed(other).view(3, 4)
    assert np.allclose(read(blob, twin), expected, atol=1e-6)


def test_part_of_a_diff_replaced_keeps_the_products_beyond_it():
    blob, term = Blob(3, 4), product(1)
    blob.add_diff(term)
    blob.reshape(1, 4)
    blob.put_diff(torch.zeros(1, 4))
    blob.reshape(3, 4)
    expected = formed(term)
    expected[0] = 0
    assert np.allclose(blob.diff, expected)


def test_a_fill_comes_after_the_products_before_it():
    blob = Blob(3, 4)
    blob.add_diff(product(1))
    blob.fill_diff(lambda values: values.fill_(2))
    assert (blob.diff == 2).all()
