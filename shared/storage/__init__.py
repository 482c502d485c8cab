"""
Blobs: the protocol that the app reads and writes by, Azure's SDK behind it, and which blobs are images.

It knows no record and no claim: the layers above give a blob its meaning.
"""
