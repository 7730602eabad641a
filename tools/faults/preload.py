"""The slow imports of commands, for a fork server; starts no thread."""

import torch

# Small trainings at once are faster on one thread each, and equal bit by bit.
torch.set_num_threads(1)
