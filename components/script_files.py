"""Scripts that run in containers: files beside the component that mounts them."""

from importlib.resources import files


def script_files(package: str, *names: str) -> dict[str, str]:
    """The texts of files in a package's folder `scripts`, by file name."""
    folder = files(package) / "scripts"
    return {name: (folder / name).read_text() for name in names}


def fill_script() -> dict[str, str]:
    """`fill.awk`, which replaces `${NAME}` in a configuration by the environment variable NAME."""
    return {"fill.awk": (files("components") / "fill.awk").read_text()}
