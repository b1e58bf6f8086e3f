"""The Kubernetes objects of each monitoring program."""
