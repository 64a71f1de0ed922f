"""`python3 -m ros_env`: what `make setup` runs. Older interpreters must be able to read this file."""

import sys

if sys.version_info < (3, 8):  # noqa: UP036 - the sentence is for exactly those
    sys.exit("make setup: Python 3.10 to 3.13 is needed; name one: PYTHON=python3.12 make setup")

from ros_env.cli import main

sys.exit(main())
