"""The real Pulumi engine on a machine without a cloud: built from source, with stand-in provider plugins.

`make engine` provides the CLI (`build`), `Project` drives it (`project`), `provider` stands in for the cloud
providers and `language_host` for Pulumi's own Python language host, which isn't published as a Go module.
"""
