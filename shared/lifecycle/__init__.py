"""
An image's life beside its upload: its deletion and what follows, and the comparison of images and records.

It tries no step itself: what an image misses is handed over as an appointment. HTTP and uploads are not known here.
"""
