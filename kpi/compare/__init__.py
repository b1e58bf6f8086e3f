"""Our response cache beside the cache libraries that one would pick instead, in one run on one machine."""
