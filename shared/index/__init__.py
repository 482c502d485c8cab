"""
The index of images: what their records tell, so that a search reads a few blobs and not every record.

Nothing depends on it: it can be made anew from the records.
"""
