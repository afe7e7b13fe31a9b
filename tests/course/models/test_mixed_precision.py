"""Networks whose layers compute in bfloat16 while everything around them stays float32."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course.errors import CourseError
from course.models import mixed_precision
from course.models.mixed_precision import has_bfloat16, precision_on, prepare
from course.models.torch_models import make_model
from course.precision import Precision

CPU = torch.device("cpu")
AUTO, FLOAT32, BFLOAT16 = Precision


def images(n: int = 6) -> torch.Tensor:
    return torch.rand(n, 32, 32, 3, generator=torch.Generator().manual_seed(0)).movedim(-1, -3)


@pytest.fixture
def with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a processor without the instructions PyTorch computes the same, slowly."""
    monkeypatch.setattr(mixed_precision, "has_bfloat16", lambda device: True)


@pytest.mark.parametrize("there", [True, False])
def test_auto_is_what_the_device_has(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixed_precision, "has_bfloat16", lambda device: there)
    assert precision_on(CPU, AUTO) is (BFLOAT16 if there else FLOAT32)
    assert precision_on(CPU, FLOAT32) is FLOAT32
    if there:
        assert precision_on(CPU, BFLOAT16) is BFLOAT16
    else:
        with pytest.raises(CourseError, match="for which this processor has no instructions: choose auto or"):
            precision_on(CPU, BFLOAT16)


@pytest.mark.parametrize(("avx", "amx"), [(True, False), (False, True), (False, False)])
def test_the_library_is_asked(avx: bool, amx: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: avx)
    assert has_bfloat16(CPU) is (avx or amx)
    assert has_bfloat16(torch.device("cuda")) is avx
    assert not has_bfloat16(torch.device("meta"))


@pytest.mark.parametrize("name", ["wrn-10-1", "resnet18"])
def test_only_the_layers_compute_in_bfloat16(name: str, with_bfloat16: None) -> None:
    full, mixed = (make_model(name, 10, seed=0).eval() for _ in range(2))
    prepare(mixed, AUTO)
    seen: list[torch.dtype] = []
    for module in mixed.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    x = images()
    logits = mixed(x)
    assert {*seen} == {torch.bfloat16} and logits.dtype == torch.float32
    difference = (logits - full(x)).abs().max() / full(x).std()
    assert 0 < difference < 0.1, "eight bits of mantissa"
    logits.square().mean().backward()
    assert {p.dtype for p in mixed.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in mixed.parameters() if p.grad is not None} == {torch.float32}
    assert not torch.is_autocast_enabled("cpu")


def test_float32_is_what_the_network_computes_by_itself() -> None:
    plain, prepared = (make_model("wrn-10-1", 10, seed=0).double().eval() for _ in range(2))
    prepare(prepared, FLOAT32)
    x = images().double()
    logits = prepared(x)
    assert logits.dtype == torch.float64
    torch.testing.assert_close(logits, plain(x))


def test_kernels_lie_as_the_images_do() -> None:
    model = make_model("wrn-10-1", 10, seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    prepare(model, FLOAT32)
    assert model.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.conv(images()).is_contiguous(memory_format=torch.channels_last)


def test_any_other_network_is_left_as_it_is(with_bfloat16: None) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(10))
    model(images())
    prepare(model, AUTO)
    assert model(images()).dtype == torch.float32
