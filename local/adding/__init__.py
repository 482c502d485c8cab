"""`python -m local add FILE...`: images into the running stack, and what was found in them out of it."""
