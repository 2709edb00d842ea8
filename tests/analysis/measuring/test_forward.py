"""Forward passes in parts: every layer observes every image once, whatever does not fit."""

from __future__ import annotations

from collections import defaultdict

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from dissectory.analysis.measuring.forward import Forward, laid_out
from dissectory.errors import SubjectError


class Narrow(nn.Module):
    """Two layers of one unit; between them, a device that has memory for `room` images."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.early, self.late = nn.Identity(), nn.Identity()
        self.room = room
        self.sizes: list[int] = []

    def forward(self, x: Tensor, shift: Tensor) -> Tensor:
        self.sizes.append(len(x))
        x = self.early(x)
        if len(x) > self.room:
            raise torch.OutOfMemoryError
        late: Tensor = self.late(x)
        return late.mean(dim=(2, 3)) + shift


def observed(forward: Forward, images: int) -> tuple[object, dict[str, list[int]]]:
    """Run images whose activations are their numbers; return the answer, and the numbers that each layer observed."""
    numbers = torch.arange(float(images))
    seen: dict[str, list[int]] = defaultdict(list)

    def observe(name: str, first: int, last: int, maps: Tensor) -> None:
        assert maps[:, 0, 0, 0].tolist() == list(range(first, last))
        seen[name] += range(first, last)

    given = numbers.view(-1, 1, 1, 1).expand(-1, 1, 2, 2), torch.ones(images, 1)
    answer, calls = forward.run(given, ["early", "late"], observe)
    assert calls == {"early": 1, "late": 1}
    return answer, seen


@pytest.mark.parametrize("room", [1, 2, 3, 5, 9])
def test_every_layer_observes_every_image_once(room: int) -> None:
    module = Narrow(room)
    forward = Forward(module, 9)
    for images in (9, 9, 4):
        answer, seen = observed(forward, images)
        assert isinstance(answer, Tensor)
        assert answer.squeeze(1).tolist() == [number + 1 for number in range(images)]
        assert set(seen) == {"early", "late"}
        assert all(sorted(numbers) == list(range(images)) for numbers in seen.values())
    assert module.sizes.count(9) == (1 if room < 9 else 2)


def test_an_image_that_does_not_fit_is_an_error_with_advice() -> None:
    with pytest.raises(SubjectError, match=r"not enough memory .* compute.device to 'cpu'"):
        observed(Forward(Narrow(0), 9), 9)


def test_scores_inside_of_answers_are_joined() -> None:
    class Wrapped(Narrow):
        def forward(self, x: Tensor, shift: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
            return {"logits": super().forward(x, shift)}

    answer, _ = observed(Forward(Wrapped(2), 5), 5)
    assert isinstance(answer, Tensor)
    assert answer.squeeze(1).tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("autocast", [False, True])
def test_observers_receive_float32_maps_and_compute_without_autocast(*, autocast: bool) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    images = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(), torch.autocast("cpu", enabled=autocast):
        expected = network(images)
    seen = []

    def observe(_name: str, first: int, last: int, maps: Tensor) -> None:
        assert maps.dtype == (maps[0, 0] @ maps[0, 1]).dtype == torch.float32
        assert maps.is_contiguous()
        torch.testing.assert_close(maps, expected[first:last].float(), rtol=0, atol=0)
        seen.append((first, last))

    answer, _ = Forward(network, 3, autocast=autocast).run([images], ["1"], observe)
    assert seen == [(0, 3), (3, 5)]
    assert isinstance(answer, Tensor)
    assert answer.dtype == expected.dtype == (torch.bfloat16 if autocast else torch.float32)


def test_images_on_cuda_devices_are_laid_out_by_pixels() -> None:
    with FakeTensorMode():  # tensors of any device, without numbers
        images, latents = torch.empty(2, 3, 8, 8, device="cuda"), torch.empty(2, 16, device="cuda")
    assert laid_out(images).is_contiguous(memory_format=torch.channels_last)
    assert laid_out(latents) is latents
    assert laid_out(on_cpu := torch.zeros(2, 3, 8, 8)) is on_cpu
