"""
All that is measured in a picture, all that models see in it, and how both are put into words.

Imports numpy, OpenCV and Pillow, as `decoding` and `text` do; import it where it is used, not at start.
"""
