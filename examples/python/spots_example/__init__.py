"""Queries 20 segments in one document and blends their compatibility with three products into a ranking."""
