"""vSphere through pyVmomi: the only place that imports it."""
