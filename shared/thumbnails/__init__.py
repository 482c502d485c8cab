"""
Thumbnails: where the subject of a picture is, and how a thumbnail is made in each mode, for uploads and callers alike.

It writes no record; it says which question the thumbnail answers that it has made.
"""
