"""
Blobs: the protocol that the app reads and writes by, Azure's SDK behind it, and which blobs are images.

It knows no record and no claim: what a blob means is said above.
"""
