"""What all tests share: the folder of research data, and a DDS domain that no other test run uses."""

import contextlib
import fcntl
import os
import signal
import tempfile
from pathlib import Path
from typing import IO

import pytest

from siam_tracker_ros.memory import keep_freed_memory

REPOSITORY = Path(__file__).resolve().parent.parent

# Domain ids whose UDP ports (7400 + 250 * id and above) stay below Linux's ephemeral ports (32768).
DOMAIN_IDS = range(1, 101)

_domain_lock: IO[str] | None = None


def _take_domain() -> tuple[int, IO[str]] | None:
    """Returns a DDS domain id that no other test run of this machine holds, and the lock that keeps it."""
    start = os.getpid() % len(DOMAIN_IDS)
    for domain in [*DOMAIN_IDS[start:], *DOMAIN_IDS[:start]]:
        path = Path(tempfile.gettempdir()) / f"siam_tracker_ros_domain_{domain}.lock"
        with contextlib.suppress(OSError):
            lock = path.open("a")  # held until the process ends
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            return domain, lock
    return None


def pytest_configure() -> None:
    """Keeps this run's nodes, and those of the processes it starts, on this machine and among themselves."""
    global _domain_lock
    keep_freed_memory()  # the large networks' layers would be fetched anew from the system for every pass
    taken = _take_domain()
    domain, _domain_lock = taken if taken else (DOMAIN_IDS[os.getpid() % len(DOMAIN_IDS)], None)
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    if os.environ.get("ROS_DISTRO") == "humble":
        os.environ["ROS_LOCALHOST_ONLY"] = "1"
    else:
        os.environ.pop("ROS_LOCALHOST_ONLY", None)
    os.environ.pop("ROS_STATIC_PEERS", None)
    if processes := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
        # PyTorch's threads spin while they wait for one another: with more of them than cores, nobody gets on.
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(processes))))
    # What is made when a model is loaded is made once for all tests of a process and the processes that they start.
    process = os.environ.get("PYTEST_XDIST_WORKER", "")
    if process or "SIAM_TRACKER_CACHE" not in os.environ:
        os.environ["SIAM_TRACKER_CACHE"] = str(REPOSITORY / "out" / "test_engines" / process)
    # A shell starts its background jobs with Ctrl-C ignored, and their children inherit that: tests that press it
    # would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """Gives the domain back."""
    if _domain_lock is not None:
        _domain_lock.close()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder with the research data, which the project does not have; tests that need it skip without.

    It lies beside the checkout, or where the environment variable SIAM_TRACKER_SHARED says.
    """
    folder = Path(os.environ.get("SIAM_TRACKER_SHARED") or REPOSITORY.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"the research data folder {folder} is not here (SIAM_TRACKER_SHARED names another)")
    return folder
