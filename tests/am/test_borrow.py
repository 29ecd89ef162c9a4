"""Networks are left as they were found."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

import dgnam
from dgnam.am import JointTarget, Step, TorchPrior, TorchTarget, Unit, gather, released, synthesize
from dgnam.am.borrow import borrowed, undo
from dgnam.am.jobs import Job
from dgnam.errors import DgnamError
from dgnam.measure import Judge
from tests.am.networks import classifier


class Counting(nn.Module):
    """Counts its passes in a buffer, whatever its mode, and makes another anew."""

    def __init__(self):
        super().__init__()
        self.register_buffer("passes", torch.zeros(()))
        self.register_buffer("last", torch.zeros(()))
        self.fc = nn.Linear(12, 3)

    def forward(self, x):
        self.passes += 1
        self.last = self.passes * 2
        return self.fc(x.flatten(1)) * self.passes


def state(module):
    """All that a user would see changed in a module."""
    return {
        "modes": {name: one.training for name, one in module.named_modules()},
        "requires_grad": {name: p.requires_grad for name, p in module.named_parameters()},
        "grads": {name: p.grad for name, p in module.named_parameters()},
        "hooks": {name: (len(one._forward_hooks), len(one._forward_pre_hooks)) for name, one in module.named_modules()},
        "values": {name: (id(value), value.dtype, value.device) for name, value in module.named_parameters()}
        | {name: (id(value), value.dtype, value.device) for name, value in module.named_buffers()},
        "numbers": {name: value.flatten().tolist() for name, value in module.state_dict().items()},
    }


def mixed():
    """A module of mixed modes and frozen parameters, with a gradient and a hook of its own."""
    torch.manual_seed(0)
    module = classifier().train()
    module[3].eval()
    module[0].weight.requires_grad_(False)
    module[6].weight.grad = torch.ones_like(module[6].weight)
    module[5].register_forward_hook(lambda *_: None)
    return module


def prior(module=None):
    made = nn.Sequential(nn.Linear(5, 12), nn.BatchNorm1d(12), nn.Unflatten(1, (3, 2, 2)), nn.Tanh())
    return TorchPrior(made if module is None else module, (5,))


def unchanged(before, module):
    after = state(module)
    assert after["grads"].keys() == before["grads"].keys()
    assert all(after["grads"][name] is grad for name, grad in before["grads"].items())
    assert {**after, "grads": 0} == {**before, "grads": 0}


@pytest.mark.parametrize(
    "use",
    [
        lambda target: None,
        lambda target: target.layers(),
        lambda target: target.layer_shape("6"),
        lambda target: target(torch.randn(2, 3, 32, 32), ["0", "6"]),
        lambda target: target(torch.randn(2, 3, 32, 32, requires_grad=True), ["6"])["6"].sum().backward(),
        lambda target: dgnam.visualize(target, "6:1", prior=prior(), settings=released(n_iters=2), progress=False),
        lambda target: dgnam.evolve(target, "6:1", prior=prior(), generations=1, progress=False),
    ],
)
def test_target_leaves_its_module_as_found(use):
    module = mixed()
    before = state(module)
    use(TorchTarget(module, (32, 32)))
    unchanged(before, module)


def test_prior_leaves_its_module_as_found():
    made = prior()
    before = state(made.module)
    dgnam.visualize(TorchTarget(mixed(), (32, 32)), "6:1", prior=made, settings=released(n_iters=2), progress=False)
    unchanged(before, made.module)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_module_is_as_found_after_an_error(error):
    module = mixed()
    target, before = TorchTarget(module, (32, 32)), state(module)

    def fail(step: Step):
        if step.step == 1:
            raise error("no more")

    with pytest.raises(error):
        gather(synthesize(target, prior(), [Job(Unit("6", 1))], clip=None, progress=False, on_step=fail))
    unchanged(before, module)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_module_is_as_found_after_a_failing_pass(error):
    module = mixed()

    def fail(*_):
        raise error("no more")

    module[6].register_forward_pre_hook(fail)
    before = state(module)
    with pytest.raises(DgnamError if error is RuntimeError else error):
        TorchTarget(module, (32, 32)).layers()
    unchanged(before, module)


def test_interrupt_while_a_module_is_given_back_is_raised_afterwards():
    class Interrupting(nn.Linear):
        """Is interrupted the first time that its mode is set back."""

        once = True

        def __setattr__(self, name, value):
            if name == "training" and value and "in_features" in vars(self) and self.armed and self.once:
                type(self).once = False
                raise KeyboardInterrupt
            super().__setattr__(name, value)

    module = nn.Sequential(nn.Linear(2, 2), Interrupting(2, 2), nn.Linear(2, 2))
    module[1].armed = True
    with pytest.raises(KeyboardInterrupt), borrowed(module):
        assert not any(one.training for one in module.modules())
    assert all(one.training for one in module.modules())
    assert all(p.requires_grad for p in module.parameters())


def test_buffers_written_in_eval_mode_are_put_back():
    module = Counting()
    target = TorchTarget(module, (2, 2))
    images = torch.randn(2, 3, 2, 2)
    first = target(images, ["fc"])["fc"], target(images, ["output"])["output"]
    assert torch.equal(first[1], first[0])  # each pass is the first one
    assert torch.equal(target(images, ["output"])["output"], first[1])
    assert (module.passes, module.last) == (0, 0)
    module.passes += 4  # what its owner does is kept
    assert torch.equal(target(images, ["output"])["output"], first[0] * 5)
    assert module.passes == 4


def test_activations_computed_again_are_those_of_eval_mode():
    class Checkpointed(nn.Module):
        def __init__(self, again):
            super().__init__()
            torch.manual_seed(0)
            self.again, self.fc = again, nn.Linear(8, 3)
            self.body = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Tanh(), nn.Dropout(0.5))

        def forward(self, x):
            run = torch.utils.checkpoint.checkpoint(self.body, x, use_reentrant=False) if self.again else self.body(x)
            return self.fc(run)

    made, modules = prior(), [Checkpointed(again) for again in (True, False)]
    how = {"prior": made, "settings": released(n_iters=3), "progress": False}
    found = [dgnam.visualize(TorchTarget(module, (2, 2)), "fc:1", **how).codes for module in modules]
    assert np.allclose(*found, rtol=1e-4)  # what is checkpointed may depend on its company
    assert modules[0].body[-1].training


def test_two_targets_of_one_module_at_once():
    module = mixed()
    before, failures = state(module), []
    targets = [TorchTarget(module, (32, 32)), TorchTarget(module[:4], (32, 32)), TorchTarget(module, (32, 32))]
    layers = ["6", "3", "5"]
    images = torch.randn(2, 3, 32, 32)
    expected = [target(images, [layer])[layer] for target, layer in zip(targets, layers, strict=True)]

    def read(target, layer, wanted):
        for _ in range(30):
            if not torch.equal(target(images, [layer])[layer], wanted):
                failures.append(layer)

    threads = [threading.Thread(target=read, args=row) for row in zip(targets, layers, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    unchanged(before, module)


def test_joint_targets_and_nested_borrowing():
    a, b = mixed(), mixed()
    before = state(a), state(b)
    with borrowed(JointTarget(a=TorchTarget(a, (32, 32)), b=TorchTarget(b, (32, 32))), object()):
        with borrowed(a):
            assert not any(one.training for one in a.modules())
        assert not any(one.training for one in (*a.modules(), *b.modules()))
        assert not any(p.requires_grad for p in (*a.parameters(), *b.parameters()))
    unchanged(before[0], a)
    unchanged(before[1], b)


def test_modules_made_in_inference_mode_say_so_and_stay():
    with torch.inference_mode():
        module = classifier()
    with pytest.raises(DgnamError, match="Inference tensors cannot be saved for backward"):
        dgnam.visualize(TorchTarget(module, (32, 32)), "6:1", prior=prior(), progress=False)
    assert all(one.training for one in module.modules())
    assert all(p.requires_grad for p in module.parameters())


def test_a_caller_under_no_grad_gets_images():
    with torch.no_grad():
        found = dgnam.visualize(TorchTarget(mixed(), (32, 32)), "6:1", prior=prior(), n_iters=2, progress=False)
        assert not torch.is_grad_enabled()
    assert len(found) == 1


def test_what_cannot_be_given_back_keeps_nothing_else():
    class Stubborn(nn.Linear):
        armed = False

        def __setattr__(self, name, value):
            if name == "training" and value and self.armed:
                raise AttributeError("no")
            super().__setattr__(name, value)

    module = nn.Sequential(nn.Linear(2, 2), Stubborn(2, 2))
    module[1].armed = True
    with pytest.raises(AttributeError), borrowed(module):
        pass
    assert module.training
    assert all(p.requires_grad for p in module.parameters())


def test_targets_of_other_classes_keep_their_modes():
    class Own:
        def __init__(self):
            self.module = mixed()

    own = Own()
    before = state(own.module)
    with borrowed(own):
        unchanged(before, own.module)


def test_judge_leaves_its_module_as_found(tiny_modules):
    module = tiny_modules[0]
    module.train()
    judge = Judge(module, "fc8")
    images = torch.randn(3, 3, 28, 28).numpy()
    assert (judge.rank(images, [1, 2, 3]).ranks == judge.rank(images, [1, 2, 3]).ranks).all()
    assert module.training
    assert all(p.requires_grad for p in module.parameters())
    module.eval()


def test_steps_are_taken_back_the_last_first_whatever_fails():
    done = []

    def fail():
        done.append("fail")
        raise ValueError("refused")

    def interrupted():
        done.append("ctrl-c")
        if done.count("ctrl-c") == 1:
            raise KeyboardInterrupt

    steps = [lambda: done.append("first"), fail, interrupted]
    with pytest.raises(ValueError, match="refused"):
        undo(steps)
    assert done == ["ctrl-c", "ctrl-c", "fail", "first"]
    assert steps == []
    done.clear()
    with pytest.raises(KeyboardInterrupt):
        undo([lambda: done.append("first"), interrupted])
    assert done == ["ctrl-c", "ctrl-c", "first"]
