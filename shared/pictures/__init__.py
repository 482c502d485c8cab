"""
What bytes are: their kind, the sides of their pictures and the number of their pages, from a bounded look at a header.

It decodes nothing, and asks neither storage nor a service.
"""
