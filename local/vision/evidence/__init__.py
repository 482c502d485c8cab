"""
What can honestly be measured in a picture without a trained model.

Imports numpy, OpenCV and Pillow, as `decoding` and `text` do; import it where it is used, not at start.
"""
