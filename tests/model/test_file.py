"""The model file: reading returns what was written; damaged, foreign and hostile files are refused in one sentence."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import AttributeProto, ModelProto, TensorProto, external_data_helper, helper, numpy_helper

from extexify.drawing.raster import preset
from extexify.drawing.resample import SequenceSettings
from extexify.model.classifier import Classifier
from extexify.model.description import ModelDescription, ModelError
from extexify.model.file import read_description, read_model, write_model
from tests.models import linear_model, write_linear

DESCRIPTION = ModelDescription(
    name="tiny",
    architecture="linear",
    options={},
    classes=("a", "b", "é"),
    raster=preset("default", size=16),
    temperature=0.8,
    metrics={"test": {"top5": 0.5}},
    training={"recipe": {"name": "default"}},
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_linear(tmp_path / "model.onnx", DESCRIPTION)


def refusal(path: Path) -> str:
    """The message of the error that loading a file raises; one line that names the file."""
    with pytest.raises(ModelError) as refused:
        Classifier.load(path)
    message = str(refused.value)
    assert path.name in message
    assert "\n" not in message
    return message


def test_what_is_written_is_read(model: Path) -> None:
    description, content = read_model(model)
    assert description == read_description(model) == DESCRIPTION
    assert content.graph == linear_model(DESCRIPTION).graph


def test_classes_without_real_drawings_are_read(tmp_path: Path) -> None:
    described = replace(DESCRIPTION, undrawn=(0, 2))
    path = write_linear(tmp_path / "model.onnx", described)
    assert read_description(path) == described
    assert "undrawn" not in DESCRIPTION.to_json()


def test_a_description_can_be_replaced(model: Path) -> None:
    _, content = read_model(model)
    write_model(model, replace(DESCRIPTION, temperature=2.0), content)
    assert read_model(model) == (read_description(model), read_model(model)[1])
    assert read_description(model).temperature == 2.0
    assert len(read_model(model)[1].metadata_props) == 1


def test_a_rejection_threshold_is_read_from_descriptions_of_version_1(tmp_path: Path) -> None:
    """In them the threshold is called doubt, and was rounded up to 1 for models that are sure of every drawing."""
    path = tmp_path / "model.onnx"
    many = tuple(sorted(f"k{number}" for number in range(20)))
    for classes, stored, read in ((many, 0.74, 0.74), (many, 1.0, 0.999), (many[:8], 1.0, 0.0), (many, 0.0, 0.0)):
        described = replace(DESCRIPTION, classes=classes)
        for changes in ({"format_version": 1, "doubt": stored}, {"rejection_threshold": stored}):
            rewrite(write_linear(path, described), {**described.to_json(), **changes})
            assert read_description(path).rejection_threshold == read
    assert replace(DESCRIPTION, rejection_threshold=0.5).to_json()["rejection_threshold"] == 0.5


def test_a_file_cut_short_is_refused(model: Path) -> None:
    content = model.read_bytes()
    for length in (0, 1, 7, 8, 100, len(content) // 2, len(content) - 1):
        model.write_bytes(content[:length])
        assert "cut short" in refusal(model)
        with pytest.raises(ModelError, match="cut short"):
            read_description(model)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.onnx"
    path.write_bytes(content)
    refusal(path)
    with pytest.raises(ModelError):
        read_description(path)


@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from([0, 1, 2, 5]), st.binary(max_size=20)), max_size=8))
def test_a_description_is_found_among_any_other_fields(
    tmp_path_factory: pytest.TempPathFactory, fields: list[tuple[int, int, bytes]]
) -> None:
    """Fields of any number and kind that ONNX's own parser skips, too."""
    path = write_linear(tmp_path_factory.getbasetemp() / "fields.onnx", DESCRIPTION)
    values = {0: b"\x96\x01", 1: bytes(8), 5: bytes(4)}
    more = b"".join(
        bytes([(number + 100 << 3 | kind) & 127 | 128, (number + 100 << 3 | kind) >> 7])
        + values.get(kind, bytes([len(content)]) + content)
        for number, kind, content in fields
    )
    path.write_bytes(more + path.read_bytes() + more)
    assert read_description(path) == read_model(path)[0] == DESCRIPTION


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    path = tmp_path / "model.onnx"
    path.write_bytes(pickle.dumps(Evil()))
    refusal(path)
    assert not (tmp_path / "ran").exists()


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nothing.onnx")
    with pytest.raises(ModelError, match="does not exist"):
        read_description(tmp_path / "nothing.onnx")
    (tmp_path / "other.onnx").write_bytes(linear_model(DESCRIPTION).SerializeToString())
    assert "not a model of Extexify" in refusal(tmp_path / "other.onnx")
    with (tmp_path / "large.onnx").open("wb") as large:
        large.truncate(2 << 30)
    assert "larger than 1,024 MB" in refusal(tmp_path / "large.onnx")


def test_a_model_of_an_earlier_version_is_refused_with_the_command_that_converts_it(tmp_path: Path) -> None:
    old = tmp_path / "old.safetensors"
    old.write_bytes(b"x")
    assert f"python -m extexify convert {old}" in refusal(old)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"format_version": 3}, "format version 3"),
    ({"format_version": None}, "format_version"),
    ({"classes": None}, "classes"),
    ({"classes": ["b", "a", "é"]}, "class order"),
    ({"classes": ["a", "a", "é"]}, "class order"),
    ({"classes": []}, "length >= 1 at classes"),
    ({"classes": ["a", "b"]}, "its output isn't the logits of 2 classes"),
    ({"classes": 3}, "Expected array, got int at classes"),
    ({"classes": ["a", "b", "c\n"]}, "printable text at classes[2]"),
    ({"classes": ["a", "b", "c" * 300]}, "length <= 255 at classes"),
    ({"architecture": "residual"}, "Expected object, got str at architecture"),
    ({"raster": {"size": 99999}}, "raster size"),
    ({"raster": {"size": 24}}, "images are of another size or type"),
    ({"raster": {"fit": 1}}, "fit"),
    ({"temperature": 0}, ">= 0.01 at temperature"),
    ({"temperature": "warm"}, "Expected float, got str at temperature"),
    ({"temperature": 10**400}, "damaged"),
    ({"temperature": float("nan")}, "damaged"),
    ({"rejection_threshold": 2}, "<= 1.0 at rejection_threshold"),
    ({"metrics": []}, "metrics"),
    ({"metrics": {"test": 3}}, "Expected object, got int at metrics"),
    ({"metrics": {"test": {"top5": "<b>"}}}, "top5 of test is not from 0 to 1"),
    ({"sequence": {"points": 3}}, "8 to 1024 points"),
    ({"sequence": []}, "at sequence"),
    ({"name": 3}, "Expected str, got int at name"),
    ({"name": "a\u202eb"}, "printable text at name"),
    ({"name": "x" * 300}, "length <= 255 at name"),
    ({"training": {"run": "\ud800"}}, "damaged"),
    ({"undrawn": [1, 3]}, "its classes without real drawings are not"),
    ({"undrawn": [1, 1]}, "its classes without real drawings are not"),
    ({"undrawn": [-1]}, ">= 0 at undrawn"),
]


def rewrite(model: Path, description: dict[str, Any]) -> None:
    """Give a model file another description."""
    content = ModelProto.FromString(model.read_bytes())
    content.metadata_props[0].value = json.dumps(description)
    model.write_bytes(content.SerializeToString())


def test_a_wrong_description_is_named(model: Path) -> None:
    for changes, message in WRONG:
        value = {**DESCRIPTION.to_json(), **changes}
        rewrite(model, {name: entry for name, entry in value.items() if entry is not None})
        assert message in refusal(model), changes


def foreign_operator(content: ModelProto) -> None:
    content.graph.node[0].domain = "com.microsoft"


def foreign_domain(content: ModelProto) -> None:
    content.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def a_function(content: ModelProto) -> None:
    content.functions.add(name="f", domain="x")


def a_loop(content: ModelProto) -> None:
    content.graph.node[0].attribute.append(AttributeProto(name="body", type=AttributeProto.GRAPH))


def weights_elsewhere(content: ModelProto) -> None:
    external_data_helper.set_external_data(content.graph.initializer[0], "/etc/passwd")


def constant_elsewhere(content: ModelProto) -> None:
    tensor = numpy_helper.from_array(np.zeros(1, np.float32), "c")
    external_data_helper.set_external_data(tensor, "/etc/passwd")
    content.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def sparse_weights(content: ModelProto) -> None:
    content.graph.sparse_initializer.add()


def another_input(content: ModelProto) -> None:
    content.graph.input.append(helper.make_tensor_value_info("sequences", TensorProto.FLOAT, ["N", 6, 32]))


def no_input(content: ModelProto) -> None:
    del content.graph.input[:]


def another_type(content: ModelProto) -> None:
    content.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def another_output(content: ModelProto) -> None:
    content.graph.output[0].name = "scaled"


def a_bomb(content: ModelProto) -> None:
    content.graph.initializer.append(numpy_helper.from_array(np.array([1 << 20, 1 << 20]), "shape"))
    content.graph.node.append(helper.make_node("ConstantOfShape", ["shape"], ["bomb"]))


def an_unknown_size(content: ModelProto) -> None:
    content.graph.node.append(helper.make_node("NonZero", ["levels"], ["some"]))


def missing_weights(content: ModelProto) -> None:
    del content.graph.initializer[:]


def weights_of_another_shape(content: ModelProto) -> None:
    content.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.zeros((3, 3), np.float32), "weights"))


def swapped_weights(content: ModelProto) -> None:
    first, second = content.graph.initializer
    first.name, second.name = second.name, first.name


HOSTILE: dict[Callable[[ModelProto], None], str] = {
    foreign_operator: "operators that aren't ONNX's own",
    foreign_domain: "operators that aren't ONNX's own",
    a_function: "operators that aren't ONNX's own",
    a_loop: "loops or conditions",
    weights_elsewhere: "weights are in another file",
    constant_elsewhere: "weights are in another file",
    sparse_weights: "sparse weights",
    another_input: "it reads sequences, for which the description has no settings",
    no_input: "reads nothing",
    another_type: "images are of another size or type",
    another_output: "its output isn't the logits of 3 classes",
    a_bomb: "it computes 1,099,5",
    an_unknown_size: "the size of some can't be told",
    missing_weights: "not a graph input",
    weights_of_another_shape: "can't be told",
    swapped_weights: "can't be told",
}


@pytest.mark.parametrize("change", HOSTILE)
def test_a_graph_that_could_do_harm_or_cannot_run_is_refused(change: Callable[[ModelProto], None], model: Path) -> None:
    content = ModelProto.FromString(model.read_bytes())
    change(content)
    model.write_bytes(content.SerializeToString())
    assert HOSTILE[change] in refusal(model)


def test_sequences_of_another_length_are_refused(model: Path) -> None:
    content = linear_model(DESCRIPTION)
    another_input(content)
    for points, message in ((32, ""), (48, "sequences are of another size or type")):
        write_model(model, replace(DESCRIPTION, sequence=SequenceSettings(points)), content)
        if message:
            assert message in refusal(model)
        else:
            assert Classifier.load(model).description.sequence == SequenceSettings(32)
