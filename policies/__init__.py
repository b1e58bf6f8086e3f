"""What no environment may be: rules over the declared stack, for the engine (a policy pack) and offline (the gate)."""
