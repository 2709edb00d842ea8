"""The small networks of the embedded world, and their weights.

network = trained_classifier()                   # with the committed weights
scores = network((pictures / 255 - MEAN) / STD)  # (batch, 10)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from dissectory.analysis.demo.vocabulary import OBJECTS, PARTS, SCENES
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_Network = TypeVar("_Network", bound=nn.Module)

SIZE = 96
"""Width and height of the classifier's input, in pixels."""
MEAN, STD = 0.5, 0.25
"""The classifier's input is (value - MEAN) / STD, for values in 0..1; the same for all color channels."""

SMALL = 64
"""Width and height of the generator's output and of the segmenter's input, in pixels."""

WEIGHTS = Path(__file__).parent / "weights"
CLASSIFIER = WEIGHTS / "classifier.safetensors"
SEGMENTER = WEIGHTS / "segmenter.safetensors"
GENERATOR = WEIGHTS / "generator.safetensors"

LATENTS = 74
"""Size of the generator's latent, which is standard normal: the largest of the first ten numbers selects the scene, and
the others determine its look."""


class Stage(nn.Sequential):
    """Halve the resolution if asked, convolve, normalize, rectify: `(batch, units, height, width)`, 0 and above."""

    def __init__(self, before: int, units: int, *, halve: bool = False, stride: int = 1) -> None:
        """Map `before` channels to `units`; `halve` pools first, so all maps inside a stage have the same size."""
        steps: list[nn.Module] = [nn.MaxPool2d(2)] if halve else []
        steps += [nn.Conv2d(before, units, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(units)]
        super().__init__(*steps, nn.ReLU(inplace=True))


class Classifier(nn.Module):
    """Classifies the scene: six convolutional stages, the mean over the map, one linear layer."""

    def __init__(self, classes: int = len(SCENES)) -> None:
        """Make the network for `classes` classes, with random weights."""
        super().__init__()
        self.conv1 = Stage(3, 24, stride=2)
        self.conv2 = Stage(24, 48)
        self.conv3 = Stage(48, 80, halve=True)
        self.conv4 = Stage(80, 96)
        self.conv5 = Stage(96, 128, halve=True)
        self.conv6 = Stage(128, 128)
        self.head = nn.Linear(128, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Score every class.

        Args:
            pictures: `(batch, 3, 96, 96)`, see `MEAN` and `STD`.

        Returns:
            `(batch, classes)`, before the softmax.
        """
        for stage in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5, self.conv6):
            pictures = stage(pictures)
        scores: Tensor = self.head(pictures.mean(dim=(2, 3)))
        return scores


class Pair(nn.Sequential):
    """Two stages in sequence; the first one halves the resolution if asked."""

    def __init__(self, before: int, units: int, *, halve: bool = False) -> None:
        """Map `before` channels to `units`."""
        super().__init__(Stage(before, units, halve=halve), Stage(units, units))


class Joint(nn.Module):
    """Double the resolution of deep features, and join them with the encoder's features of that resolution."""

    def __init__(self, deep: int, shallow: int, units: int) -> None:
        """Map `deep` channels, reduced to as many as `shallow`, together with the `shallow` ones to `units`."""
        super().__init__()
        self.narrow = nn.Conv2d(deep, shallow, 1)
        self.stage = Stage(2 * shallow, units)

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """Join `(batch, deep, height / 2, width / 2)` and `(batch, shallow, height, width)`."""
        wide = functional.interpolate(self.narrow(deep), size=shallow.shape[2:], mode="nearest")
        joined: Tensor = self.stage(torch.cat([wide, shallow], dim=1))
        return joined


class Segmenter(nn.Module):
    """Labels the object and the part at every pixel: an encoder down to 1/8 of the resolution, and a decoder.

    `labels`, `size`, `mean` and `std` make it a source of concepts: see `dissectory.analysis.concepts.python`.
    """

    labels = (
        (("none", "background"), *((name, "object") for name in OBJECTS)),
        (("none", "background"), *((name, "part") for name in PARTS)),
    )
    size, mean, std = SMALL, MEAN, STD

    def __init__(self, objects: int = len(OBJECTS), parts: int = len(PARTS)) -> None:
        """Make it with random weights."""
        super().__init__()
        self.down1 = Pair(3, 32)
        self.down2 = Pair(32, 64, halve=True)
        self.down3 = Pair(64, 96, halve=True)
        self.down4 = Pair(96, 128, halve=True)
        self.up3 = Joint(128, 96, 96)
        self.up2 = Joint(96, 64, 64)
        self.up1 = Joint(64, 32, 48)
        self.objects = nn.Conv2d(48, objects + 1, 1)
        self.parts = nn.Conv2d(48, parts + 1, 1)

    def features(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Return the encoder's features: 32, 64, 96, 128 channels at the full resolution, 1/2, 1/4 and 1/8."""
        first = self.down1(pictures)
        second = self.down2(first)
        third = self.down3(second)
        return first, second, third, self.down4(third)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Score every object and every part at every pixel.

        Args:
            pictures: `(batch, 3, height, width)`, see `MEAN` and `STD`; trained on 64 x 64.

        Returns:
            Objects `(batch, 1 + objects, height, width)` and parts `(batch, 1 + parts, height, width)`, before the
            softmax; channel 0 means no object or no part.
        """
        first, second, third, fourth = self.features(pictures)
        seen = self.up1(self.up2(self.up3(fourth, third), second), first)
        return self.objects(seen), self.parts(seen)


class Grow(nn.Sequential):
    """Double the resolution, normalize, rectify; then convolve, normalize, rectify `further` times."""

    def __init__(self, before: int, units: int, *, further: int = 0) -> None:
        """Map `before` channels to `units`."""
        steps = [
            nn.ConvTranspose2d(before, units, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(units),
            nn.ReLU(inplace=True),
        ]
        super().__init__(*steps, *(Stage(units, units) for _ in range(further)))


class Generator(nn.Module):
    """Generates a scene from a latent: five convolutional stages, each at twice the resolution of the previous one."""

    def __init__(self, latents: int = LATENTS, scenes: int = len(SCENES)) -> None:
        """Make it with random weights."""
        super().__init__()
        self.scenes = scenes
        self.start = nn.Linear(latents, 192 * 4 * 4)
        self.layer1 = nn.Sequential(nn.BatchNorm2d(192), nn.ReLU(inplace=True), Stage(192, 192))
        self.layer2 = Grow(192, 192, further=1)
        self.layer3 = Grow(192, 160, further=1)
        self.layer4 = Grow(160, 96)
        self.layer5 = Grow(96, 64)
        self.colour = nn.Conv2d(64, 3, 3, padding=1)  # the name in the trained weights

    def inputs(self, seeds: Sequence[int]) -> tuple[Tensor, ...]:
        """Return latents `(batch, 74)`, each from its own seed alone; ten seeds from 10 n on ask for all ten scenes."""
        rows = [
            latents_of(scene[None], torch.Generator().manual_seed(seed))
            for scene, seed in zip(_scenes_of(seeds), seeds, strict=True)
        ]
        return (torch.cat(rows),)

    def classes_of(self, seeds: Sequence[int]) -> tuple[str, ...]:
        """Return the scene that the latent of each seed asks for."""
        return tuple(SCENES[int(scene)] for scene in _scenes_of(seeds))

    def forward(self, latents: Tensor) -> Tensor:
        """Generate pictures `(batch, 3, 64, 64)`, -1..1, from latents `(batch, 74)`."""
        scene = functional.one_hot(latents[:, : self.scenes].argmax(dim=1), self.scenes).to(latents.dtype)
        drawn: Tensor = self.start(torch.cat([scene, latents[:, self.scenes :]], dim=1)).unflatten(1, (-1, 4, 4))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4, self.layer5, self.colour):
            drawn = stage(drawn)
        return drawn.tanh()


def latents_of(scenes: Tensor, random: torch.Generator) -> Tensor:
    """Return random latents `(batch, 74)` that ask for the given scenes `(batch,)`."""
    latents = torch.randn(len(scenes), LATENTS, generator=random)
    kinds, wanted = latents[:, : len(SCENES)], scenes[:, None]
    top = kinds.argmax(dim=1, keepdim=True)
    greatest, other = kinds.gather(1, top), kinds.gather(1, wanted)
    kinds.scatter_(1, top, other).scatter_(1, wanted, greatest)
    return latents


def _scenes_of(seeds: Sequence[int]) -> Tensor:
    """Return a scene for each seed `(batch,)`: every ten seeds have all scenes, in an order of their own.

    So a regular choice of seeds, such as every tenth one, is a mixture of scenes too.
    """
    count = len(SCENES)
    turns = {seed // count for seed in seeds}
    orders = {turn: torch.randperm(count, generator=torch.Generator().manual_seed(turn)) for turn in turns}
    return torch.stack([orders[seed // count][seed % count] for seed in seeds])


def random_classifier(seed: int = 0) -> Classifier:
    """Make the classifier with random weights, for a control."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier().eval()


def trained_classifier(weights: Path = CLASSIFIER) -> Classifier:
    """Make the classifier with trained weights.

    Raises:
        SubjectError: the file is missing, or contains other weights.
    """
    return _trained(random_classifier(), weights, "classifier")


def trained_segmenter(weights: Path = SEGMENTER) -> Segmenter:
    """Make the segmenter with trained weights.

    Raises:
        SubjectError: the file is missing, or contains other weights.
    """
    segmenter = _trained(Segmenter().eval(), weights, "segmenter")
    return segmenter.to(memory_format=torch.channels_last)  # a third faster


def trained_generator(weights: Path = GENERATOR) -> Generator:
    """Make the generator with trained weights.

    Raises:
        SubjectError: the file is missing, or contains other weights.
    """
    return _trained(Generator().eval(), weights, "generator")


def _trained(network: _Network, weights: Path, name: str) -> _Network:
    if not weights.is_file():
        raise SubjectError(
            f"the demo's {name} has no weights {weights}: train them with "
            f"'python -m dissectory.analysis.demo.train_{name}'"
        )
    try:
        network.load_state_dict(load_file(weights))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise SubjectError(
            f"{weights} does not contain the demo's {name} ({str(error).splitlines()[0]}): restore the file that "
            "came with this version, or train again"
        ) from None
    return network


def save(network: nn.Module, path: Path) -> None:
    """Write the weights of a network, in half precision."""
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    half = {name: (value.half() if value.is_floating_point() else value).contiguous() for name, value in state.items()}
    save_file(half, path)
