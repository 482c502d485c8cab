"""
Text out of pages: `documents` opens them, `recognition` finds and recognizes lines, `layout` turns and orders them.

PDFs are opened by PDFium in processes of their own: `pdf_processes` asks them, `pdf_child` answers, `pdfium` looks.
Imports numpy, OpenCV and Pillow, and the recognition loads its models at its first use; import it where it is used.
"""
