"""Soft targets: the right class, the classes that its drawings are taken for, and nothing else."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from extexify.targets import SoftTargets

CPU = torch.device("cpu")


def test_without_softening_the_loss_is_cross_entropy() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(8, 5), torch.arange(8) % 5
    plain = SoftTargets(5, 0.1, 0.0, CPU)
    plain.learn(logits, labels)
    torch.testing.assert_close(plain.loss(logits, labels), F.cross_entropy(logits, labels, label_smoothing=0.1))


def test_mean_answers_follow_what_the_network_says_of_each_class() -> None:
    targets = SoftTargets(3, 0.0, 0.5, CPU)
    torch.testing.assert_close(targets.answers, torch.eye(3))
    taken_for_each_other = torch.tensor([[3.0, 3.0, -20.0]]).expand(6, 3)
    for _ in range(200):
        targets.learn(taken_for_each_other, torch.tensor([0, 0, 1, 1, 0, 1]))
    torch.testing.assert_close(targets.answers[:2], torch.tensor([[0.5, 0.5, 0.0]] * 2), atol=1e-3, rtol=0)
    torch.testing.assert_close(targets.answers[2], torch.tensor([0.0, 0.0, 1.0]))
    torch.testing.assert_close(targets.answers.sum(1), torch.ones(3))


def test_an_answer_spread_over_look_alikes_costs_less_than_one_spread_elsewhere() -> None:
    targets = SoftTargets(3, 0.0, 0.5, CPU)
    for _ in range(200):
        targets.learn(torch.tensor([[2.0, 2.0, -20.0]]), torch.tensor([0]))
    right = torch.tensor([0])
    look_alike, elsewhere = torch.tensor([[2.0, 1.0, -2.0]]), torch.tensor([[2.0, -2.0, 1.0]])
    assert targets.loss(look_alike, right) < targets.loss(elsewhere, right)


def test_drawings_of_a_class_in_one_batch_count_like_one_after_the_other() -> None:
    logits = torch.tensor([[1.0, 0.0, 0.5]] * 3)
    together, single = SoftTargets(3, 0.0, 0.5, CPU), SoftTargets(3, 0.0, 0.5, CPU)
    together.learn(logits, torch.zeros(3, dtype=torch.int64))
    for row in logits:
        single.learn(row[None], torch.tensor([0]))
    torch.testing.assert_close(together.answers, single.answers)
