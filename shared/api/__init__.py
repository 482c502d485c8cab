"""
HTTP in and out: what a request may say, what is answered, and the state of images as callers see it.

It knows no upload's steps; it asks through `answers`, reads records, and hands long work over.
"""
