"""An environment's whole configuration: typed sections, how they relate, and every fault of a stack file at once."""
