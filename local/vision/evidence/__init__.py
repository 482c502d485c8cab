"""
What can honestly be measured in a picture without a trained model.

The only part of the service that imports numpy, OpenCV and Pillow; import it where it is used, not at start.
"""
