"""The executable ``tracker_node`` with no_cost_tracker.py: ``python -m benchmarks.no_cost_node [MOMENTS] --ros-args``.

It imports as little before the executable starts as the executable itself does: what is set for the process at its
start counts for what is loaded afterwards.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from siam_tracker_ros.nodes import tracker_node

if TYPE_CHECKING:
    from benchmarks.no_cost_tracker import TimedNode


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    named = sys.argv[1:2] if sys.argv[1:2] != ["--ros-args"] else []

    def make() -> TimedNode:
        from benchmarks.no_cost_tracker import TimedNode, no_moments, open_moments

        return TimedNode(open_moments(named[0]) if named else no_moments())

    tracker_node.main(sys.argv[1 + len(named) :], make_node=make)


if __name__ == "__main__":
    main()
