"""How a network is run on a device."""
