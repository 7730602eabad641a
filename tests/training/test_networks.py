"""Training of torchvision's networks, and the table of what they take and cost."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision.models

from extexify.core.progress import Stopped
from extexify.dataset.dataset import Dataset
from extexify.model import networks
from extexify.model.classifier import Classifier
from extexify.model.file import MAX_BYTES
from extexify.model.weights import read_weights
from extexify.training.network_table import MAX_WEIGHTS, NetworkError, recipe_networks, torchvision_networks
from extexify.training.pipeline import Places, train_on_dataset
from extexify.training.recipes import RECIPES, RecipeError, network_recipe
from tests.tiny import tiny_dataset
from tests.training.test_loop import metrics, run_training, stopping
from tools.network_table import recipe_network, torchvision_network

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_dataset(tmp_path_factory.mktemp("networks") / "dataset", each=6)


class TestTheTable:
    def test_has_every_classification_network_of_torchvision_that_fits_into_a_model_file(self) -> None:
        names = set(torchvision.models.list_models(module=torchvision.models))
        assert names - set(torchvision_networks()) == {"regnet_y_128gf", "vit_h_14"}
        assert set(torchvision_networks()) <= names, "update it: python -m tools.network_table"
        assert 2 * MAX_WEIGHTS < MAX_BYTES

    @pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_0", "vit_b_32", "alexnet"])
    def test_is_what_torchvision_s_networks_take_and_cost(self, name: str) -> None:
        assert torchvision_network(name) == torchvision_networks()[name]

    def test_is_what_the_recipes_networks_take_and_cost(self) -> None:
        own = {name: recipe_network(each) for name, each in RECIPES.items() if each.architecture != "torchvision"}
        assert own == recipe_networks(), "update it: python -m tools.network_table"

    def test_counts_the_weights_of_any_number_of_classes(self) -> None:
        recipe = network_recipe("shufflenet_v2_x0_5")
        network = networks.build(recipe.architecture, 77, recipe.options)
        weights = sum(weight.numel() for weight in network.parameters())
        assert recipe.cost.weights_for(77) == weights


class TestARecipeForANetwork:
    def test_has_images_that_the_network_takes(self) -> None:
        for name, network in torchvision_networks().items():
            recipe = network_recipe(name)
            sizes = {recipe.inputs_at(epoch)[0].size for epoch in range(1, recipe.epochs + 1)}
            assert min(sizes) >= network.smallest
            assert sizes == {network.pixels} if network.one_size else max(sizes) == network.pixels

    def test_takes_the_settings_of_any_recipe(self) -> None:
        assert network_recipe("resnet50", epochs=3, batch_size=None).epochs == 3
        with pytest.raises(RecipeError, match="epochs must be 1"):
            network_recipe("resnet50", epochs=0)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("resnet19", "torchvision has no classification network 'resnet19': near names are resnet18, resnet152"),
            ("MobileNet_V2", "near names are mobilenet_v2, "),
            ("lenet", "near names are alexnet, googlenet, "),
            ("", "no classification network '': there are 78, such as resnet18"),
            ("vit_h_14", "vit_h_14 has 630 million weights, too many for a model file: choose a smaller network"),
        ],
    )
    def test_of_an_unknown_name_is_refused_with_near_ones(self, name: str, message: str) -> None:
        with pytest.raises(NetworkError) as refused:
            network_recipe(name)
        assert message in str(refused.value)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet18", "squeezenet1_1", "googlenet", "regnet_y_400mf"])
def test_networks_of_all_kinds_are_trained(name: str, dataset: Dataset, tmp_path: Path) -> None:
    recipe = network_recipe(name, epochs=1, batch_size=16)
    description, weights = read_weights(run_training(dataset, tmp_path / name, recipe, seed=3))
    assert (description.architecture, description.options["network"], description.sequence) == (
        "torchvision", name, None,
    )  # fmt: skip
    assert math.isfinite(metrics(tmp_path / name)[0]["validation"]["loss"])
    torch.manual_seed(3)
    initial = networks.build(description.architecture, len(description.classes), description.options)
    assert weights.keys() == initial.state_dict().keys()
    assert [
        key for key, weight in initial.named_parameters() if torch.equal(weight.detach(), weights[key].float())
    ] == []


def test_a_resumed_training_ends_like_an_uninterrupted_one(dataset: Dataset, tmp_path: Path) -> None:
    # Dropout, batch norm and its counters, the weight average, and images of two sizes.
    recipe = replace(network_recipe("mobilenet_v3_small", epochs=2, batch_size=12), small=0.5)
    whole = read_weights(run_training(dataset, tmp_path / "whole", recipe))[1]
    with pytest.raises(Stopped):
        run_training(dataset, tmp_path / "parts", recipe, should_stop=stopping(2))
    parts = read_weights(run_training(dataset, tmp_path / "parts", recipe, resume=True))[1]
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "parts")
    for name, weight in whole.items():
        assert torch.equal(weight, parts[name]), name


def test_a_trained_network_is_published_and_evaluated(dataset: Dataset, tmp_path: Path) -> None:
    recipe = network_recipe("mobilenet_v3_small", epochs=1, batch_size=16)
    places = Places(dataset.path, tmp_path / "images", tmp_path / "runs", tmp_path / "models")
    result = train_on_dataset(recipe, dataset, places, "mobile", device="cpu")
    classifier = Classifier.load(result.model)
    assert classifier.classes == dataset.classes
    assert result.test is not None
    assert classifier.metrics["test"] == result.test.to_json()
