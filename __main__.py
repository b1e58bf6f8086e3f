"""The composition root: an environment's settings in, components declared, exports out."""

import pulumi

from app.caching_policy import PolicyError
from components.edge.rules import EdgeError
from components.monitoring.rules import MonitoringError
from components.settings.environment import SettingsError, read
from components.stack import declare

try:
    for name, value in declare(read()).items():
        pulumi.export(name, value)
except (SettingsError, PolicyError, EdgeError, MonitoringError) as error:
    raise pulumi.RunError(str(error)) from None
