"""What leaving out drawings that are probably mislabelled gives.

    python -m benchmarks.labels --dataset DIR --out DIR [--folds 4] [--judges 8] [--epochs 8] [--least 0.5 0.9]
                                [--accepted FILE]

Recipe `quick` cross-validates the train and validation drawings (`--judges` epochs a fold), and what it suggests as
mislabelled (`extexify.evaluation.label_errors`) with at least each of the probabilities `--least` is left out of a
training of `quick` on the dataset's symbols alone; with --accepted also those alone that a person found right. The
table compares it with a training on all of them, by the test drawings, with their labels as they are. Trainings are
kept in --out: a second call trains only what is missing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.data import add_dataset_option, open_dataset, with_rows
from benchmarks.training import trained
from extexify.core.progress import TerminalProgress
from extexify.dataset.splits import TEST, TRAIN
from extexify.evaluation.evaluate import evaluate_dataset
from extexify.evaluation.label_errors import label_errors
from extexify.evaluation.records import Evaluation
from extexify.model.classifier import Classifier
from extexify.training.cross_validation import cross_validate
from extexify.training.recipes import recipe


def main() -> None:
    """Cross-validate, train with and without the suggestions, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="where trainings are kept")
    parser.add_argument("--folds", type=int, default=4, help="of the cross-validation")
    parser.add_argument("--judges", type=int, default=8, help="epochs of the networks that suggest")
    parser.add_argument("--epochs", type=int, default=8, help="of the networks that are compared")
    parser.add_argument("--least", type=float, nargs="+", default=[0.5, 0.9], help="probabilities of suggestions")
    parser.add_argument("--accepted", type=Path, help="ids of drawings found mislabelled, a line each")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    learnt = with_rows(dataset, np.flatnonzero(dataset.split != TEST), "without test")
    judged = options.out / f"judged-{options.folds}-{options.judges}"
    if not judged.exists():
        judge = recipe("quick", epochs=options.judges)
        images, scratch = options.out / "images", options.out / "scratch"
        cross_validate(judge, learnt, images, scratch, judged, folds=options.folds, report=TerminalProgress())
    evaluation = Evaluation.open(judged)
    found = [(int(evaluation.records.ids[one.row]), one.probability) for one in label_errors(evaluation)]
    print(f"{len(found):,} of {len(learnt.labels):,} drawings look like another symbol than their label says\n")
    print("| training | train drawings left out | top-1 | top-3 | top-5 | drawn alike: top-1 | top-5 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    compared = recipe("quick", epochs=options.epochs, starters=0)
    left_out: dict[str, list[int]] = {"all": []}
    for least in options.least:
        left_out[f"least-{least:g}-{judged.name}"] = [number for number, probability in found if probability >= least]
    if options.accepted:
        left_out[options.accepted.stem] = [int(line) for line in options.accepted.read_text().split()]
    for name, numbers in left_out.items():
        unread = np.isin(dataset.ids, numbers) & (dataset.split == TRAIN)
        kept = with_rows(dataset, np.flatnonzero(~unread), f"without {name}")
        model = trained(compared, kept, f"{name}-{options.epochs}", options.out)
        metrics = evaluate_dataset(Classifier.load(model), dataset).to_json()
        shares = [
            *(metrics[top] for top in ("top1", "top3", "top5")),
            *(metrics["drawn_alike"][top] for top in ("top1", "top5")),
        ]
        shown = "all" if name == "all" else f"without {name}"
        print(f"| {shown} | {unread.sum():,} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
