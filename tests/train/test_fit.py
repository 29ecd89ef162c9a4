"""Whether networks fit each other, by their shapes alone."""

from types import SimpleNamespace

import pytest

from dgnam.errors import DgnamError
from dgnam.train.fit import check_comparator, check_fit, check_generator, check_same_weights


def plan(name, inputs, outputs):
    """The shapes of a net's inputs and outputs."""
    shapes = [(1, *shape) for shape in (*inputs, *outputs)]
    places = range(len(shapes))
    return SimpleNamespace(
        name=name, blob_shapes=shapes, inputs=[*places[: len(inputs)]], outputs=[*places[len(inputs) :]]
    )


def encoder(side=12, features=((6, 5, 5),)):
    net = SimpleNamespace(plan=SimpleNamespace(name="E"))
    return SimpleNamespace(code_shape=(10,), code_layer="fc6", size=(side, side), feature_shapes=features, net=net)


GENERATOR, DISCRIMINATOR = plan("G", [(10,)], [(3, 16, 16)]), plan("D", [(3, 16, 16), (10,)], [(1,)])


def test_what_fits():
    check_fit(GENERATOR, DISCRIMINATOR, encoder(), 16)
    check_generator(plan("G", [(10,)], [(3, 18, 17)]), encoder(16), 16)
    check_comparator(encoder(16), ["conv1"], ["conv1"], 16)
    check_comparator(encoder(features=[(6, 5, 5), (10,)]), ["conv1", "fc6"], ["conv1"], 16)


@pytest.mark.parametrize(
    ("generator", "discriminator", "seen", "message"),
    [
        (plan("G", [(10,), (10,)], [(3, 16, 16)]), DISCRIMINATOR, 12, "'G' must have a code, as input, and one output"),
        (plan("G", [(10,)], [(3, 16, 16), (1,)]), DISCRIMINATOR, 12, "'G' must have a code, as input, and one"),
        (plan("G", [(9,)], [(3, 16, 16)]), DISCRIMINATOR, 12, r"'G' takes codes of \(9,\), and the encoder's layer"),
        (GENERATOR, plan("D", [(10,)], [(1,)]), 12, "'D' must have a picture and a code, in this order, as input"),
        (GENERATOR, plan("D", [(10,), (3, 16, 16)], [(1,)]), 12, r"'D' takes codes of \(3, 16, 16\)"),
        (GENERATOR, plan("D", [(3, 16, 15), (10,)], [(1,)]), 12, r"'D' sees pictures of \(3, 16, 15\), and they are"),
        (plan("G", [(10,)], [(3, 16, 15)]), DISCRIMINATOR, 12, r"'G' makes pictures of \(3, 16, 15\)"),
        (plan("G", [(10,)], [(1, 16, 16)]), DISCRIMINATOR, 12, r"'G' makes pictures of \(1, 16, 16\)"),
        (plan("G", [(10,)], [(3, 16)]), DISCRIMINATOR, 12, r"'G' makes pictures of \(3, 16\)"),
        (GENERATOR, DISCRIMINATOR, 17, "pictures of 16x16 are too small for the encoder, which sees 17x17"),
    ],
)
def test_what_does_not_fit(generator, discriminator, seen, message):
    with pytest.raises(DgnamError, match=message):
        check_fit(generator, discriminator, encoder(seen), 16)


def test_heads_need_positions():
    with pytest.raises(
        DgnamError, match=r"a head needs features \(C, H, W\), and layer 'fc6' of net 'E' gives \(10,\)"
    ):
        check_comparator(encoder(features=[(10,)]), ["fc6"], ["fc6"], 16)
    with pytest.raises(DgnamError, match="pictures of 11x11 are too small for comparator 'E', which sees 12x12"):
        check_comparator(encoder(), ["conv1"], ["conv1"], 11)


def test_the_net_that_is_tested_has_the_weights_of_the_trained_one():
    def net(*params):
        return SimpleNamespace(
            params=[SimpleNamespace(owner=o, index=i, blob=SimpleNamespace(shape=shape)) for o, i, shape in params]
        )

    trained = net(("fc", 0, (2, 3)), ("fc", 1, (2,)), ("only", 0, (1,)))
    check_same_weights(trained, net(("fc", 0, (2, 3))))
    with pytest.raises(DgnamError, match=r"'fc' has weights of shape \(2, 4\) .*, and of shape \(2, 3\) in the one"):
        check_same_weights(trained, net(("fc", 0, (2, 4))))
    with pytest.raises(DgnamError, match=r"'new' has weights of shape \(2,\) in the net that is tested, and none in"):
        check_same_weights(trained, net(("new", 0, (2,))))
