"""
Thumbnails: where the subject of a picture is, and how a thumbnail is made in each mode, for uploads and callers alike.

Those that callers ask for are stored here too (`on_demand`); those of uploads are stored by the upload's steps.
"""
