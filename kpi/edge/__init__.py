"""What the caches in front of the origin achieve: hit ratios, bytes, fresh reads after writes, what shield and SWR
spare.
"""
