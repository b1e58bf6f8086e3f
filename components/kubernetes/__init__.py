"""Kubernetes objects as this program makes them: one builder for pods, and what stands around them."""
