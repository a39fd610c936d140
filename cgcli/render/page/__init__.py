"""The live page: one HTML file in which the reader's own program computes both passes."""
