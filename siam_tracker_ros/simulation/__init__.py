"""Simulated flights over real photographs, with exact ground truth (needs scikit-image for the
photographs).
"""

from siam_tracker_ros.simulation.flight import Flight, FlightFrame, FlightSettings

__all__ = ["Flight", "FlightFrame", "FlightSettings"]
