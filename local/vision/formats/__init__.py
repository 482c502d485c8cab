"""
How JPEG, PNG, GIF, BMP and TIFF files are built, as far as the service has to know it.

Each module tells the sides of a picture from a bounded look, and has a decoder given what its pixels need and no more:
what a browser shows is not refused because of a comment, and a million comments cost nothing.
"""
