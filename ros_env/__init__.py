"""Makes `.venv`: the checkout's Python environment, with ROS 2 from wheels or from a distribution.

Standard library only: this runs before anything is installed.
"""
