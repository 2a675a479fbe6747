"""Comparisons of midships with other programs, one module each."""
