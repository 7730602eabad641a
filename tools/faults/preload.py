"""Imports what commands take seconds for, so that their processes can be forked; starts no thread."""

import torch

# Many small trainings at once are quicker, and the same to the bit, on one thread each.
torch.set_num_threads(1)
