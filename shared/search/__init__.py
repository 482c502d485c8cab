"""
Finding images in the index by words, tags, states, dates and likeness.
"""
