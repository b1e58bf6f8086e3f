"""A real Kubernetes of three nodes on one machine, with the declared stack on it: `make cluster`.

API server, controllers, scheduler, kubelets and kube-proxies are Kubernetes's own, built from its source; containerd
and runc are Debian's; the images are made from this repository's Dockerfiles. A node is a set of namespaces: network,
mounts, processes, host name. `cloud_controllers` does what a cloud's own controllers would do.
"""
