"""The local stack: everything Azure would provide, on one machine. Never deployed."""
