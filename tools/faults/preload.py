"""Imports what commands take seconds for, so that their processes can be forked; starts no thread."""

import torch

import extexify.evaluation
import extexify.export
import extexify.images
import extexify.judgements
import extexify.model_library
import extexify.pipeline
import extexify.review  # noqa: F401

# Many small trainings at once are quicker, and the same to the bit, on one thread each.
torch.set_num_threads(1)
