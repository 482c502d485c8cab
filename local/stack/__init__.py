"""`python -m local start`: every part as a process of its own, watched over, and the samples through all of it."""
