"""The configuration: one YAML file, read into frozen models or refused as a whole.

`load.load_config` is the way in and `model.Config` is what comes out; the other
modules are the steps between. Beyond this package there is no dict of settings
and no dotted key.
"""
