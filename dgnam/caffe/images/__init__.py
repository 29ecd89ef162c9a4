"""Image files: OpenCV's decoding and resizing, scikit-image's, listings of images with labels."""
