"""Reviews a stack without deploying it: renders, compares and judges it."""
