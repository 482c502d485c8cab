"""
Pixels out of the bytes of a picture.

No judgement of a picture lives here. Imports numpy, OpenCV and Pillow; import it where it is used, not at start.
"""
