"""
HTTP in and out: the checks of a request, the answers, and the state of images as callers see it.

It knows no upload's steps; it asks through `answers`, reads records, and hands long work over.
"""
