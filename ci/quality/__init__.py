"""Judges of the charts as text: what they find, and what of it is intended."""
