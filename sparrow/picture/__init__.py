"""Pictures of the IPv4 address space along a Hilbert curve, with a legend, as PNG.

Law: octets come out and nothing is read. There is no library for this: what is needed of PNG is
some lines on zlib, and the letters of a legend are strokes, where Pillow would bring
several megabytes of image formats. Start from `sparrow.picture.routemap`.
"""
