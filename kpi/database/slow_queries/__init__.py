"""The slow-query report: which statements cost a database most, what is wrong with each, and the evidence."""
