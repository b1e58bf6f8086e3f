"""The shop on this machine: what the `local` stack declares, run as processes.

`plan` turns rendered Kubernetes manifests into pods; supervisord keeps one `launcher` per pod running; a
launcher runs the pod's containers in a `sandbox`, as a kubelet would. `environment` is the Python API;
`python -m local` the command line.
"""
