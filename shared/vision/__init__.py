"""
Computer Vision v3.2: what can be asked, the client that asks it, and typed answers. Facts are from its REST reference.

It reads no setting, and knows no storage and no image's name; another service is a package beside it.
"""
