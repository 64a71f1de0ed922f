"""Pairs in the order of the steps, each process its own share, from the step where a run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import lightning
import torch
from torch.utils.data import DataLoader, Sampler

from siam_tracker_ros.training.pairs import PairDataset
from siam_tracker_ros.training.recipe import RecipeError


class StepBatches(Sampler[list[int]]):
    """The pairs' numbers of each step: step ``k`` has numbers ``k * batch`` and up, cut evenly among the processes.

    So a step sees the same pairs however many processes there are, and whatever step the run was resumed at. It has
    no length: the loop ends by its steps.

    Args:
        first, steps: the first step of this process's life, and the run's number of steps.
        batch: pairs of a step, over all processes.
        rank, world: this process's number, and how many there are.

    Raises:
        RecipeError: the batch cannot be cut evenly.
    """

    def __init__(self, first: int, steps: int, batch: int, rank: int = 0, world: int = 1) -> None:
        if batch % world:
            raise RecipeError(f"a batch of {batch} pairs cannot be shared evenly by {world} processes")
        self.first, self.steps, self.batch = first, steps, batch
        self.rank, self.share = rank, batch // world

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.steps):
            start = step * self.batch + self.rank * self.share
            yield list(range(start, start + self.share))


class PairLoader(lightning.LightningDataModule):
    """Reads the data sets and gives their pairs to the loop.

    The first process of all reads first, since a reader may store what it cannot read at random; the others follow.

    Args:
        read: makes the pairs; called once in every process.
        batch: pairs of a step, over all processes.
        steps: of the run. first: the step to begin with.
        workers: processes that make pairs, for each process that trains.
    """

    prepare_data_per_node = False

    def __init__(self, read: Callable[[], PairDataset], batch: int, steps: int, first: int, workers: int) -> None:
        super().__init__()
        self.read, self.batch, self.steps, self.first, self.workers = read, batch, steps, first, workers
        self.pairs: PairDataset | None = None

    def prepare_data(self) -> None:
        """In the first process, before all others."""
        self.pairs = self.read()

    def setup(self, stage: str) -> None:
        """In every process."""
        if self.pairs is None:
            self.pairs = self.read()

    def train_dataloader(self) -> DataLoader[dict[str, torch.Tensor]]:
        """This process's batches of the remaining steps."""
        assert self.pairs is not None
        assert self.trainer is not None
        # Workers are forks of this process; one that inherits OpenCV's thread pool but not its threads never answers.
        cv2.setNumThreads(1)
        rank, world = self.trainer.global_rank, self.trainer.world_size
        return DataLoader(
            self.pairs,  # type: ignore[arg-type]
            batch_sampler=StepBatches(self.first, self.steps, self.batch, rank, world),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
        )
