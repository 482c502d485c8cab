"""
Records: where each lies, what it says, which version of the image it is of, and how it is written and deleted.

It asks Computer Vision nothing, and decides no next step.
"""
