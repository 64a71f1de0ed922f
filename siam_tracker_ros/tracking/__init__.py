"""What happens per frame: crop, network, scoring, APCE, template memory, state."""
