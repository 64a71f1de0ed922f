import subprocess
import sys

import pytest

from siam_tracker_ros.memory import keep_freed_memory

PROGRAM = """
import resource, threading
from siam_tracker_ros.memory import keep_freed_memory

def images():
    global faults
    for number in range(12):
        if number == 2:
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        blocks = [bytes(24_900_000) for _ in range(3)]
        del blocks
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults

kept = {call}
thread = threading.Thread(target=images)
thread.start()
thread.join()
print(kept, faults)
"""


def run(call: str) -> tuple[bool, int]:
    """Whether memory is kept, and the pages that ten images of 4K in a thread needed anew after the first two."""
    command = [sys.executable, "-c", PROGRAM.format(call=call)]
    kept, faults = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    return kept == "True", int(faults)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_images_that_come_one_after_the_other_need_no_new_pages():
    kept, faults = run("keep_freed_memory({})")
    if not kept:
        pytest.skip("another C library than glibc")
    assert faults < 1000
    _, usual = run("False")
    assert usual > 30_000, "else there would be nothing to do"


@pytest.mark.parametrize(
    "environment",
    [{"GLIBC_TUNABLES": "glibc.malloc.arena_max=2"}, {"MALLOC_TRIM_THRESHOLD_": "131072"}],
    ids=lambda environment: next(iter(environment)),
)
def test_settings_of_the_users_own_stay(environment):
    assert not keep_freed_memory(environment)
