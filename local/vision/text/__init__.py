"""
Text out of pages: `documents` opens them, `recognition` finds and recognizes lines, `layout` turns and orders them.

Imports numpy, OpenCV and Pillow, and the recognition loads its models at its first use; import it where it is used.
"""
